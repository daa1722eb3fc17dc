"""Check an event log with code of its own: the standard library only, nothing of the store or the model.

Usage: python verify_audit.py FILE [--checkpoint FILE]
FILE is an export (JSON lines, gzip when its name ends in .gz) or a SQLite store. Exit code 0: every event follows the
one before it; 1: not so, and the first bad one is named; 2: the file cannot be read.

The rule: event n holds in `hash` the SHA-256 of the JSON text of [seq, at, actor, kind, entity_id, payload, prev_hash],
written with sorted keys, without spaces, in UTF-8; seq counts from 1; prev_hash is the hash of the event before it, for
the first one 64 zeros. A checkpoint {"seq", "hash", "at"} kept elsewhere pins the log down up to its number.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import sqlite3
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIELDS = ("seq", "at", "actor", "kind", "entity_id", "payload", "prev_hash", "hash")
ZEROS = "0" * 64
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
_HASH = re.compile(r"[0-9a-f]{64}")

FAULTS = {
    "unreadable": "is no event: {detail}",
    "missing": "events from number {expected} on are missing, or were moved behind it",
    "out_of_order": "stands in the wrong place: number {expected} is due, so it was moved or inserted",
    "twice": "claims the same number and the same event before it as the entry before: one of the two was inserted",
    "broken_link": "does not follow the event before it: this event, or the one before, was exchanged",
    "edited": "was edited: its hash does not belong to what it says",
    "empty": "there is no event: an emptied log cannot be told from a new one without a checkpoint",
    "cut_off": "the log ends at event {end}, but a checkpoint knows event {seq}: its end was cut off",
    "recomputed": (
        "is not the event that a checkpoint knows: something after event {after} was changed and hashes recomputed"
    ),
}
LIMIT_WITHOUT = (
    "Without a checkpoint kept elsewhere two things cannot be found: events cut off from the end, and a log whose "
    "hashes were all recomputed after a change."
)
LIMIT_WITH = (
    "Up to event {seq} nothing was changed; after it, events cut off from the end or recomputed hashes cannot be found."
)

LIMIT_NONE_HELD = "The first checkpoint lies behind the fault: it says nothing about the events before."


class AuditFileError(ValueError):
    """The file, or the checkpoint, cannot be read at all."""


@dataclass(frozen=True)
class Fault:
    """The first bad event: which entry (line or row, from 1), its own number and entity, and what is wrong with it."""

    code: str
    entry: int
    seq: int | None = None
    entity_id: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return one sentence."""
        what = FAULTS[self.code].format(**self.fields)
        if self.code in {"cut_off", "empty"}:
            return what
        name = f"entry {self.entry}" + (f" (event {self.seq}, {self.entity_id})" if self.seq is not None else "")
        return f"{name}: before it {what}" if self.code == "missing" else f"{name} {what}"


@dataclass(frozen=True)
class Verdict:
    """What was found: how many events are good, the last good hash, the first fault, the last checkpoint that holds."""

    events: int
    last_hash: str
    fault: Fault | None
    checkpoint_seq: int | None

    @property
    def limits(self) -> str:
        """What this check could not find."""
        if self.checkpoint_seq == 0 and self.events:
            return LIMIT_NONE_HELD
        return LIMIT_WITHOUT if self.checkpoint_seq is None else LIMIT_WITH.format(seq=self.checkpoint_seq)


def verify_file(path: Path, checkpoint: Path | None = None) -> Verdict:
    """Verify an export or a SQLite store, against checkpoints when there are some.

    Raises
    ------
    AuditFileError
        A file is missing, is neither of the two kinds, or the checkpoint is none.
    """
    if not path.is_file():
        raise AuditFileError(f"{path}: no such file")
    known = read_checkpoints(checkpoint) if checkpoint else {}
    return verify_entries(_entries(path), known)


def verify_entries(entries: Iterable[dict[str, Any] | str], checkpoints: dict[int, str] | None = None) -> Verdict:
    """Verify events in the order of the log; a text among them says why an entry is no event.

    Parameters
    ----------
    entries : iterable
        Dictionaries with the eight `FIELDS`.
    checkpoints : dict, optional
        Hash by number.
    """
    known = checkpoints or {}
    number, last_hash, before_last, held = 0, ZEROS, "", 0
    if known.get(0, ZEROS) != ZEROS:
        raise AuditFileError("the checkpoint of an empty log must be 64 zeros")
    fault: Fault | None = None
    for entry in entries:
        fault = _fault_of(entry, number, last_hash, before_last) or _against(entry, known, held, number + 1)
        if fault is not None:
            break
        assert isinstance(entry, dict)
        number, before_last, last_hash = number + 1, last_hash, entry["hash"]
        if number in known:
            held = number
    if fault is None and number == 0 and not known:
        fault = Fault("empty", 0)  # an emptied log looks like a new one: only a checkpoint of 0 says that it is new
    if fault is None and known and max(known) > number:
        first = min(seq for seq in known if seq > number)
        fault = Fault("cut_off", number, fields={"end": number, "seq": first})
    return Verdict(number, last_hash, fault, held if known else None)


def _fault_of(entry: dict[str, Any] | str, number: int, last_hash: str, before_last: str) -> Fault | None:
    """Return what is wrong with the entry after event `number`, or None."""
    reason = entry if isinstance(entry, str) else _malformed(entry)
    if reason or isinstance(entry, str):
        return Fault("unreadable", number + 1, fields={"detail": reason})
    seq, expected = entry["seq"], number + 1
    if _hash_of(entry) != entry["hash"]:
        code = "edited"
    elif seq == number and number and entry["prev_hash"] == before_last:
        code = "twice"
    elif seq > expected:
        code = "missing"
    elif seq < expected:
        code = "out_of_order"
    elif entry["prev_hash"] != last_hash:
        code = "broken_link"
    else:
        return None
    return Fault(code, expected, seq, entry["entity_id"], {"expected": expected})


def _against(entry: dict[str, Any] | str, known: dict[int, str], held: int, number: int) -> Fault | None:
    if isinstance(entry, str) or number not in known or known[number] == entry["hash"]:
        return None
    return Fault("recomputed", number, number, entry["entity_id"], {"after": held})


def _malformed(entry: dict[str, Any]) -> str:
    if set(entry) != set(FIELDS):
        return f"it has the fields {', '.join(sorted(map(str, entry)))}"
    if type(entry["seq"]) is not int or not isinstance(entry["payload"], dict):
        return "its number is no integer or its payload no object"
    texts = ("at", "actor", "kind", "entity_id", "prev_hash", "hash")
    if wrong := [name for name in texts if not isinstance(entry[name], str)]:
        return f"its {wrong[0]} is no text"
    if not _TIME.fullmatch(entry["at"]):
        return "its time is not in the form of the log"
    if not (_HASH.fullmatch(entry["hash"]) and _HASH.fullmatch(entry["prev_hash"])):
        return "its hashes are not 64 hexadecimal digits"
    return ""


def _hash_of(entry: dict[str, Any]) -> str:
    text = _json([entry[name] for name in FIELDS[:-1]])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _entries(path: Path) -> Iterator[dict[str, Any] | str]:
    with path.open("rb") as file:
        start = file.read(16)
    return _rows(path) if start == b"SQLite format 3\x00" else _lines(path)


def _lines(path: Path) -> Iterator[dict[str, Any] | str]:
    """Yield the events of an export; every line must be written in the one form, so that no sign can be changed."""
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
            for line in file:
                yield _parsed(line)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield f"the compressed file is damaged ({error})"


def _parsed(line: bytes) -> dict[str, Any] | str:
    try:
        text = line.decode("utf-8")
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return "it is no JSON"
    if not isinstance(value, dict):
        return "it is no JSON object"
    if _json(value) + "\n" != text:
        return "it is not written as an export writes it"
    return value


def _no_number(name: str) -> None:
    raise ValueError(name)


def _rows(path: Path) -> Iterator[dict[str, Any] | str]:
    """Yield the events of a SQLite store, in the order of their numbers."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            for row in connection.execute(f"SELECT {', '.join(FIELDS)} FROM events ORDER BY seq"):
                yield _of_row(dict(zip(FIELDS, row, strict=True)))
    except sqlite3.OperationalError as error:
        raise AuditFileError(f"{path}: this SQLite file holds no event log that can be read ({error})") from error
    except sqlite3.DatabaseError as error:
        yield f"the SQLite file is damaged ({error})"


def _of_row(row: dict[str, Any]) -> dict[str, Any] | str:
    try:
        payload = json.loads(row["payload"], parse_constant=_no_number)
    except (TypeError, ValueError, RecursionError):
        return "its payload is no JSON"
    if _json(payload) != row["payload"]:
        return "its payload is not written as the store writes it"
    return {**row, "payload": payload}


def read_checkpoints(path: Path) -> dict[int, str]:
    """Read checkpoints, hash by number: one JSON object, a list of them, or one a line."""
    try:
        text = path.read_text(encoding="utf-8")
        try:
            found = json.loads(text)
        except ValueError:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        items = found if isinstance(found, list) else [found]
        pairs = [(item["seq"], item["hash"]) for item in items]
    except OSError as error:
        raise AuditFileError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise AuditFileError(f'{path}: no checkpoint, which is JSON such as {{"seq": 12, "hash": "…"}}') from error
    known: dict[int, str] = {}
    for seq, digest in pairs:
        if type(seq) is not int or seq < 0 or not isinstance(digest, str) or not _HASH.fullmatch(digest):
            raise AuditFileError(f"{path}: seq must be a number and hash 64 hexadecimal digits")
        if known.setdefault(seq, digest) != digest:
            raise AuditFileError(f"{path}: two checkpoints of event {seq} differ: the log was recomputed between them")
    if not known:
        raise AuditFileError(f"{path}: holds no checkpoint")
    return known


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a file and print the verdict; return the exit code."""
    parser = argparse.ArgumentParser(description="Verify an event log: an export or a SQLite store.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args(argv)
    try:
        verdict = verify_file(arguments.file, arguments.checkpoint)
    except AuditFileError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this module is also a program
        return 2
    first = f"{verdict.events} events follow one another; the last hash is {verdict.last_hash}."
    print(verdict.fault.text() if verdict.fault else first)  # noqa: T201
    print(verdict.limits)  # noqa: T201
    return 1 if verdict.fault else 0


if __name__ == "__main__":
    sys.exit(main())
