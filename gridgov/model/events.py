"""Events: what happened, when, by whom; numbered without gaps and chained by SHA-256.

An event is never changed. Its hash covers its own fields and the hash of the event before it, so that editing,
removing, inserting or moving one event breaks the chain from there on. The hash is

    SHA-256( canonical JSON of [seq, at, actor, kind, entity_id, payload, prev_hash] )

in lower-case hexadecimal. Canonical JSON is UTF-8 with sorted keys, no spaces and no escapes that are not needed; times
are ISO 8601 in UTC with six decimals and a ``Z``. The first event is number 1 and follows `GENESIS_HASH`.
`gridgov/verify_audit.py` checks the same rules with code of its own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from gridgov.errors import ParameterError

GENESIS_HASH = "0" * 64
MAX_EVENT_BYTES = 1 << 20
MAX_ID_LENGTH = 200
MAX_LEVELS = 20
_LARGEST_INTEGER = 2**53 - 1  # every JSON reader keeps these exactly
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that the log has not numbered yet.

    Attributes
    ----------
    at : datetime
        When it happened, aware; kept in UTC with microseconds.
    actor : str
        Who did it: an account, a worker or a system part.
    kind : str
        What happened, such as ``incident.filed``; the part before the first dot is the kind of the entity.
    entity_id : str
        What it happened to.
    payload : dict
        JSON values only. It is copied; whole floats become integers.

    Raises
    ------
    ParameterError
        A field is empty or too long, the time is naive, or the payload is no plain JSON or larger than 1 MiB.
    """

    at: datetime
    actor: str
    kind: str
    entity_id: str
    payload: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _in_utc(self.at))
        for name, text in (("actor", self.actor), ("entity_id", self.entity_id), ("kind", self.kind)):
            if not text or len(text) > MAX_ID_LENGTH:
                raise ParameterError(f"an event's {name} has 1 to {MAX_ID_LENGTH} characters, this one {len(text)}")
            _check_text(text, name)
        if not _KIND.fullmatch(self.kind):
            raise ParameterError(f"an event's kind is words joined by dots, such as incident.filed, not '{self.kind}'")
        if not isinstance(self.payload, dict):
            raise ParameterError(f"the payload of {self.kind} must be a JSON object, not {type(self.payload).__name__}")
        payload = plain_json(self.payload, f"payload of {self.kind}")
        if (size := len(canonical_json(payload).encode())) > MAX_EVENT_BYTES:
            raise ParameterError(
                f"the payload of {self.kind} has {size:,} bytes; at most {MAX_EVENT_BYTES:,} are taken"
            )
        object.__setattr__(self, "payload", payload)


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the log; see `NewEvent` for the fields that the log did not add."""

    seq: int
    at: datetime
    actor: str
    kind: str
    entity_id: str
    payload: dict[str, Any]
    prev_hash: str
    hash: str

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON values, in the form of an export."""
        return {
            "seq": self.seq,
            "at": format_time(self.at),
            "actor": self.actor,
            "kind": self.kind,
            "entity_id": self.entity_id,
            "payload": self.payload,
            "prev_hash": self.prev_hash,
            "hash": self.hash,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Event:
        """Return the event that `to_dict` wrote."""
        return cls(**{**values, "at": parse_time(values["at"])})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A fingerprint of the log up to one event; kept elsewhere it shows a cut-off end and a recomputed chain."""

    seq: int
    hash: str
    at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return the checkpoint as JSON values."""
        return {**asdict(self), "at": format_time(self.at)}


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first event that breaks a chain, and how: ``number``, ``link`` or ``hash``."""

    seq: int
    fault: str


def chain(new: NewEvent, seq: int, prev_hash: str) -> Event:
    """Return a new event as number `seq` of the log, after the event with hash `prev_hash`."""
    digest = chain_hash(seq, new.at, new.actor, new.kind, new.entity_id, new.payload, prev_hash)
    return Event(seq, new.at, new.actor, new.kind, new.entity_id, new.payload, prev_hash, digest)


def chain_hash(
    seq: int, at: datetime, actor: str, kind: str, entity_id: str, payload: Mapping[str, Any], prev_hash: str
) -> str:
    """Return the hash of an event, 64 hexadecimal digits."""
    text = canonical_json([seq, format_time(at), actor, kind, entity_id, payload, prev_hash])
    return sha256(text.encode()).hexdigest()


def verify_chain(events: Iterable[Event], *, after: int = 0, after_hash: str = GENESIS_HASH) -> ChainFault | None:
    """Return the first event that does not follow the one before it, or None.

    Parameters
    ----------
    events : iterable of Event
        In the order of the log.
    after, after_hash : int, str
        Number and hash of the event before the first one; default the empty log.
    """
    seq, last_hash = after, after_hash
    for event in events:
        seq += 1
        if event.seq != seq:
            return ChainFault(event.seq, "number")
        if event.prev_hash != last_hash:
            return ChainFault(event.seq, "link")
        last_hash = chain_hash(
            event.seq, event.at, event.actor, event.kind, event.entity_id, event.payload, event.prev_hash
        )
        if event.hash != last_hash:
            return ChainFault(event.seq, "hash")
    return None


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no needless escapes, no NaN."""
    return _ENCODER.encode(value)


def format_time(at: datetime) -> str:
    """Return an aware time in the one format of the log, such as ``2026-06-30T02:00:00.000000Z``."""
    return _in_utc(at).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """Return the time that `format_time` wrote."""
    return _in_utc(datetime.fromisoformat(text))


def plain_json(value: Any, where: str = "value", *, levels: int = MAX_LEVELS) -> Any:
    """Return a copy of JSON values with whole floats as integers.

    Raises
    ------
    ParameterError
        Something in it is no JSON value, not finite, beyond 2^53, text that UTF-8 or a database cannot hold, or nested
        deeper than `levels`.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _check_text(value if type(value) is str else str(value), where)
    if isinstance(value, int | float):
        return _plain_number(value, where)
    if levels == 0:
        raise ParameterError(f"{where}: nested deeper than {MAX_LEVELS} levels")
    return _plain_container(value, where, levels - 1)


def _plain_container(value: Any, where: str, levels: int) -> dict[str, Any] | list[Any]:
    if isinstance(value, Mapping):
        return {_plain_key(key, where): plain_json(item, where, levels=levels) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item, where, levels=levels) for item in value]
    raise ParameterError(f"{where}: a {type(value).__name__} is no JSON value")


def _plain_key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise ParameterError(f"{where}: the key {key!r} is no text")
    return _check_text(str(key), where)


def _plain_number(value: float, where: str) -> int | float:
    if not math.isfinite(value) or abs(value) > _LARGEST_INTEGER:
        raise ParameterError(f"{where}: the number {value} is not finite or beyond 2^53")
    return int(value) if value == int(value) else float(value)


def _check_text(text: str, where: str) -> str:
    if not text.isprintable() and _NOT_STORABLE.search(text):  # the first is quicker, and true of most texts
        raise ParameterError(f"{where}: the text holds a sign that cannot be stored (NUL or half a character)")
    return text


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None or at.utcoffset() is None:
        raise ParameterError(f"the time {at} has no time zone")
    return at.astimezone(UTC)
