"""The auditor: whatever was done to a log is found, and what cannot be found is said."""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_cases import START, fold, new_event, random_events

from gridgov.cli import main
from gridgov.model.events import Event, NewEvent, canonical_json, chain
from gridgov.store import open_store
from gridgov.store.export import event_line, export_events, write_checkpoint
from gridgov.verify_audit import LIMIT_WITHOUT, verify_entries, verify_file

COUNT = 60


@pytest.fixture(scope="module")
def history() -> list[Event]:
    store = open_store("memory:", fold=fold)
    return store.append(random_events(7, COUNT))


def written(events: list[Any], path: Path) -> Path:
    path.write_text("".join(event_line(e) if isinstance(e, Event) else e for e in events), encoding="utf-8")
    return path


def rechained(events: list[Event], start: int) -> list[Event]:
    """The log with all hashes from one event on computed anew, as a careful forger would."""
    made = events[:start]
    for event in events[start:]:
        draft = NewEvent(event.at, event.actor, event.kind, event.entity_id, event.payload)
        made.append(chain(draft, len(made) + 1, made[-1].hash if made else "0" * 64))
    return made


def test_a_sound_log_is_good_as_lines_compressed_and_as_a_store(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", fold=fold)
    last = store.append(random_events(7, COUNT))[-1]
    for name in ("events.jsonl", "events.jsonl.gz"):
        checkpoint = export_events(store, tmp_path / name, now=START)
        assert (checkpoint.seq, checkpoint.hash) == store.head()
    write_checkpoint(checkpoint, tmp_path / "kept.json")
    for name in ("events.jsonl", "events.jsonl.gz", "store.sqlite"):
        verdict = verify_file(tmp_path / name, tmp_path / "kept.json")
        assert (verdict.fault, verdict.events, verdict.last_hash, verdict.checkpoint_seq) == (
            None,
            COUNT,
            last.hash,
            COUNT,
        )
    store.close()
    assert verify_file(tmp_path / "store.sqlite").fault is None


def edit(rng: random.Random, events: list[Event], place: int) -> list[Any]:
    """Change one value of one event: any field, by one sign or one unit."""
    raw = events[place].to_dict()
    name = rng.choice(["seq", "at", "actor", "kind", "entity_id", "payload", "prev_hash", "hash"])
    if name == "seq":
        raw["seq"] += rng.choice([-1, 1, 1000])
    elif name == "payload":
        payload = dict(raw["payload"])
        key = rng.choice(sorted(payload))
        payload[key] = rng.choice([v for v in (None, 0, "", "x", [], {}) if v != payload[key] or isinstance(v, bool)])
        raw["payload"] = payload if rng.random() < 0.7 else {k: v for k, v in raw["payload"].items() if k != key}
    else:
        text = raw[name]
        sign = rng.randrange(len(text))
        other = rng.choice([c for c in "0123456789abcdef" if c != text[sign]])
        raw[name] = text[:sign] + other + text[sign + 1 :]
    return [*events[:place], canonical_json(raw) + "\n", *events[place + 1 :]]


def flip(rng: random.Random, events: list[Event], place: int) -> list[Any]:
    """Change one sign of one line, whatever it is."""
    line = event_line(events[place])
    sign = rng.randrange(len(line))
    changed = line[:sign] + chr(ord(line[sign]) ^ 1) + line[sign + 1 :]
    return [*events[:place], changed, *events[place + 1 :]]


def delete(rng: random.Random, events: list[Event], place: int) -> list[Any]:
    place = min(place, len(events) - 2)  # removing the end needs a checkpoint
    most = min(3, len(events) - 1 - place)
    return events[:place] + events[place + rng.randint(1, most) :]


def swap(rng: random.Random, events: list[Event], place: int) -> list[Any]:
    other = rng.choice([i for i in range(len(events)) if i != place])
    changed = list(events)
    changed[place], changed[other] = changed[other], changed[place]
    return changed


def insert(rng: random.Random, events: list[Event], place: int) -> list[Any]:
    """Put in a copy of another event, or a forged one that is chained to the one before it."""
    place = min(place, len(events) - 2)
    if rng.random() < 0.5:
        return [*events[:place], rng.choice(events), *events[place:]]
    before = events[place - 1].hash if place else "0" * 64
    return [*events[:place], chain(new_event("I1", note="forged"), place + 1, before), *events[place:]]


@pytest.mark.parametrize("change", [edit, flip, delete, swap, insert])
def test_every_change_is_found_and_the_first_bad_event_is_named(
    history: list[Event], tmp_path: Path, change: Callable[..., list[Any]]
) -> None:
    """200 changes of each of five sorts; the entry named is the first that differs, or the one after a forged one."""
    rng = random.Random(11)
    found = 0
    for _ in range(200):
        changed = change(rng, history, rng.randrange(COUNT))
        first = next(i for i, (a, b) in enumerate(zip([*changed, None], [*history, None], strict=False)) if a != b)
        fault = verify_file(written(changed, tmp_path / "events.jsonl")).fault
        assert fault is not None
        assert fault.entry in ({first + 1, first + 2} if change is insert else {first + 1})
        assert fault.text()
        found += 1
    assert found == 200


def test_a_cut_off_end_is_found_with_a_checkpoint_only(history: list[Event]) -> None:
    entries = [json.loads(event_line(e)) for e in history]
    known = {40: history[39].hash, COUNT: history[-1].hash}
    for end in range(1, COUNT):
        assert verify_entries(entries[:end]).fault is None
        fault = verify_entries(entries[:end], known).fault
        assert fault is not None
        assert fault.code == "cut_off"
    assert verify_entries(entries[:-1]).limits == LIMIT_WITHOUT


def test_a_recomputed_log_is_found_with_a_checkpoint_only(history: list[Event]) -> None:
    rng = random.Random(5)
    known = {30: history[29].hash, COUNT: history[-1].hash}
    for _ in range(200):
        place = rng.randrange(COUNT)
        forged = list(history)
        if rng.random() < 0.5:
            forged.pop(place)
        else:
            forged[place] = chain(new_event("I1", note="forged"), 1, "0" * 64)
        entries = [json.loads(event_line(e)) for e in rechained(forged, place)]
        assert verify_entries(entries).fault is None
        fault = verify_entries(entries, known).fault
        assert fault is not None
        assert fault.code in {"recomputed", "cut_off"}
        if fault.code == "recomputed":
            assert fault.seq == (30 if place < 30 else COUNT)
            assert fault.fields == {"after": 0 if place < 30 else 30}


STORE_CHANGES = [
    ("UPDATE events SET payload = replace(payload, '{', '{ ') WHERE seq = 9", 9, "unreadable"),
    ("UPDATE events SET actor = 'eve' WHERE seq = 9", 9, "edited"),
    ("UPDATE events SET at = replace(at, '2026', '2025') WHERE seq = 9", 9, "edited"),
    ("UPDATE events SET payload = X'7b7d' WHERE seq = 9", 9, "unreadable"),
    ("UPDATE events SET payload = CAST(X'7b22ff227d' AS TEXT) WHERE seq = 9", 9, "unreadable"),
    ("UPDATE events SET actor = CAST(X'ff' AS TEXT) WHERE seq = 9", 9, "edited"),
    ("DELETE FROM events WHERE seq = 9", 9, "missing"),
    ("DELETE FROM events WHERE seq <= 9", 1, "missing"),
    ("UPDATE events SET seq = -1 WHERE seq = 9", 1, "edited"),
    (
        "INSERT INTO events SELECT 0, at, actor, kind, entity_id, payload, prev_hash, hash FROM events LIMIT 1",
        1,
        "edited",
    ),
]


@pytest.mark.parametrize(("statement", "entry", "code"), STORE_CHANGES)
def test_a_changed_store_is_found(tmp_path: Path, statement: str, entry: int, code: str) -> None:
    path = tmp_path / "store.sqlite"
    store = open_store(f"sqlite:///{path}", fold=fold)
    store.append(random_events(7, 20))
    store.close()
    with sqlite3.connect(path) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="only added" if "INSERT" not in statement else None):
            connection.execute(statement if "INSERT" not in statement else "DELETE FROM events")
        for trigger in ("events_no_update", "events_no_delete"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
    connection.close()
    fault = verify_file(path).fault
    assert fault is not None
    assert (fault.entry, fault.code) == (entry, code)


def test_a_damaged_compressed_export_is_bad_where_it_breaks(history: list[Event], tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress("".join(map(event_line, history)).encode())[:-200])
    fault = verify_file(path).fault
    assert fault is not None
    assert fault.code == "unreadable"


@pytest.mark.parametrize("line", ["", "[]\n", "{}\n", "nonsense\n", "[" * 100_000 + "\n", '{"seq": NaN}\n', "\n"])
def test_nonsense_is_no_event(history: list[Event], tmp_path: Path, line: str) -> None:
    fault = verify_file(written([history[0], line, *history[1:]], tmp_path / "events.jsonl")).fault
    assert (fault.entry, fault.code) == (2, "unreadable") if line else fault is None  # type: ignore[union-attr]


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = main([str(word) for word in argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_line_exports_and_verifies(capsys, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", fold=fold)
    store.append(random_events(7, COUNT))
    out, kept = tmp_path / "events.jsonl.gz", tmp_path / "kept.json"
    code, text, _ = run(capsys, "audit", "export", "--workspace", tmp_path, "--out", out, "--checkpoint", kept)
    assert code == 0
    assert json.loads(text)["seq"] == COUNT
    store.append([new_event()])
    code, text, _ = run(capsys, "verify", "audit", out, "--checkpoint", kept, "--lang", "en")
    assert code == 0
    assert "60 events follow one another" in text
    code, text, _ = run(capsys, "verify", "audit", tmp_path / "store.sqlite", "--lang", "zh")
    assert code == 0
    assert "没有另处保存的检查点" in text
    store.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_line_says_no_and_names_the_event(capsys, history: list[Event], tmp_path: Path, lang: str) -> None:
    path = written(history[:4] + history[5:], tmp_path / "events.jsonl")
    code, text, _ = run(capsys, "verify", "audit", path, "--lang", lang)
    assert code == 1
    assert f"6, {history[5].entity_id}" in text.replace("，", ", ")
    code, text, _ = run(capsys, "verify", "audit", path, "--json")
    assert code == 1
    assert json.loads(text)["fault"]["code"] == "missing"


def test_what_cannot_be_read_is_bad_input(capsys, tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("{}")
    (tmp_path / "events.jsonl").write_text("")
    (tmp_path / "other.sqlite").write_bytes(b"SQLite format 3\x00" + b"\x00" * 500)
    for argv in (
        ["verify", "audit", tmp_path / "none.jsonl"],
        ["verify", "audit", tmp_path / "events.jsonl", "--checkpoint", tmp_path / "kept.json"],
        ["audit", "export", "--workspace", tmp_path, "--out", tmp_path / "x.jsonl"],
        ["audit", "export", "--store", "mysql://x", "--out", tmp_path / "x.jsonl"],
        ["audit", "export", "--store", f"sqlite:///{tmp_path / 'other.sqlite'}", "--out", tmp_path / "x.jsonl"],
    ):
        code, out, err = run(capsys, *argv)
        assert code == 2
        assert out == ""
        assert err.startswith("gridgov: ")
        assert err.count("\n") == 1


def test_the_auditor_runs_as_a_file_without_the_package(history: list[Event], tmp_path: Path) -> None:
    import gridgov.verify_audit

    path = written(history, tmp_path / "events.jsonl")
    command = [sys.executable, "-I", gridgov.verify_audit.__file__, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cannot be found" in done.stdout
    written(history[1:], path)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "events from number 1 on are missing" in done.stdout


def test_an_emptied_export_is_not_called_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "events.jsonl"
    empty.write_text("")
    assert main(["verify", "audit", str(empty), "--lang", "en"]) == 1
    assert "cannot be told from a new one" in capsys.readouterr().out
