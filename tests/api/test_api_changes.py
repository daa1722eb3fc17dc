"""The stream of changes: what it says, to whom, from where, and how it ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio import to_thread
from served import PASSWORD, Served

from gridgov.api import changes
from gridgov.api.changes import Feed
from gridgov.model.rights import Role
from gridgov.operations.accounts import (
    AT_THE_SHELL,
    AccountDraft,
    add_account,
    change_account,
    disable_account,
    sign_out,
)
from gridgov.operations.sessions import sign_in


class Stream:
    """A listener: what it was sent so far."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.ended = anyio.Event()
        self.leave = anyio.Event()

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [line for line in self.text.splitlines() if line.startswith('data: {"seq"')]
        return [json.loads(line.removeprefix("data: ")) for line in lines]

    async def listen(self, app: Any, token: str, query: str = "", last: str = "") -> None:
        headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())]
        if last:
            headers.append((b"last-event-id", last.encode()))
        path = "/api/v1/changes"
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "scheme": "http",
            "server": ("testserver", 80), "client": ("10.0.0.1", 1), "headers": headers, "state": {},
        }  # fmt: skip
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                self.text += message.get("body", b"").decode()

        await app(scope, receive, send)
        self.ended.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        with anyio.fail_after(20):
            while not holds():
                await anyio.sleep(0.02)


def newcomer(served: Served, name: str) -> str:
    """Make a commander, for what would leave an account of all tests changed, and return a token."""
    draft = AccountDraft(account_id=name, role=Role.COMMANDER, areas=("all",))
    add_account(served.workspace, AT_THE_SHELL, draft, password=PASSWORD)
    return sign_in(served.workspace, name, PASSWORD).token


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LOOK_S", 0.05)
    monkeypatch.setattr(changes, "HEARTBEAT_S", 0.2)


def test_everybody_hears_what_they_may_see(served: Served) -> None:
    """A supervisor of another street hears nothing of it, the admin of accounts, a planner of incidents."""

    async def run() -> None:
        streams = {who: Stream() for who in ("planner", "elsewhere", "admin")}
        async with anyio.create_task_group() as group:
            for who, stream in streams.items():
                group.start_soon(stream.listen, served.app, served.tokens[who])
                await stream.until(lambda stream=stream: "listening" in stream.text)  # type: ignore[misc]
            incident_id = await to_thread.run_sync(served.incident)
            await to_thread.run_sync(lambda: served.move("supervisor", incident_id, "file"))
            await to_thread.run_sync(lambda: sign_in(served.workspace, "planner", PASSWORD))
            await streams["planner"].until(lambda: len(streams["planner"].events) == 2)
            await streams["admin"].until(lambda: len(streams["admin"].events) == 1)
            await anyio.sleep(0.3)
            for stream in streams.values():
                stream.leave.set()
        first, second = streams["planner"].events
        assert (first["kind"], first["entity_id"], second["kind"]) == (
            "incident.reported",
            incident_id,
            "incident.filed",
        )
        assert second["state"] == "filed"
        assert second["seq"] == first["seq"] + 1
        assert set(first) == {"seq", "at", "entity_id", "kind", "state"}
        assert streams["elsewhere"].events == []
        assert [event["kind"] for event in streams["admin"].events] == ["account.signed_in"]
        assert streams["planner"].headers["content-type"].startswith("text/event-stream")
        assert "still here" in streams["elsewhere"].text

    anyio.run(run)


def test_a_listener_goes_on_where_it_was(served: Served) -> None:
    """By Last-Event-ID, as browsers do by themselves, or by `after`."""
    known = served.head
    wanted = [served.incident() for _ in range(3)]

    async def run() -> None:
        await hears(f"after={known}", "", wanted)
        await hears("after=0", str(known + 1), wanted[1:])

    async def hears(query: str, last: str, expected: list[str]) -> None:
        stream = Stream()
        async with anyio.create_task_group() as group:
            group.start_soon(stream.listen, served.app, served.tokens["planner"], query, last)
            await stream.until(lambda: len(stream.events) == len(expected))
            stream.leave.set()
        assert [event["entity_id"] for event in stream.events] == expected

    anyio.run(run)


def test_a_stream_ends_with_its_session(served: Served) -> None:
    token = sign_in(served.workspace, "commander", PASSWORD).token

    async def run() -> None:
        stream = Stream()
        async with anyio.create_task_group() as group:
            group.start_soon(stream.listen, served.app, token)
            await stream.until(lambda: "listening" in stream.text)
            await to_thread.run_sync(lambda: sign_out(served.workspace, token))
            await stream.until(stream.ended.is_set)
        assert stream.text.endswith("event: end\ndata: {}\n\n")

    anyio.run(run)


@pytest.mark.parametrize("end", ["disable", "sign out"])
def test_nothing_is_sent_after_a_session_has_ended(served: Served, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """Long before the next heartbeat: the session is looked at before every batch."""
    monkeypatch.setattr(changes, "HEARTBEAT_S", 600.0)
    name = f"passer-{end[0]}"
    token = newcomer(served, name)

    def stop() -> None:
        if end == "disable":
            disable_account(served.workspace, AT_THE_SHELL, name)
        else:
            sign_out(served.workspace, token)

    async def run() -> None:
        stream = Stream()
        async with anyio.create_task_group() as group:
            group.start_soon(stream.listen, served.app, token)
            await stream.until(lambda: "listening" in stream.text)
            await to_thread.run_sync(served.incident)
            await stream.until(lambda: len(stream.events) == 1)
            await to_thread.run_sync(stop)
            await to_thread.run_sync(served.incident)
            await stream.until(stream.ended.is_set)
        assert len(stream.events) == 1
        assert stream.text.endswith("event: end\ndata: {}\n\n")

    anyio.run(run)


def test_a_changed_account_hears_by_what_it_is_now(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_S", 600.0)
    token = newcomer(served, "passer")

    async def run() -> None:
        stream = Stream()
        async with anyio.create_task_group() as group:
            group.start_soon(stream.listen, served.app, token)
            await stream.until(lambda: "listening" in stream.text)
            now = AccountDraft(account_id="passer", role=Role.ADMIN, areas=("all",))
            await to_thread.run_sync(lambda: change_account(served.workspace, AT_THE_SHELL, now))
            await to_thread.run_sync(served.incident)
            await to_thread.run_sync(lambda: sign_in(served.workspace, "planner", PASSWORD))
            await stream.until(lambda: "account.signed_in" in stream.text)
            stream.leave.set()
        assert "incident.reported" not in stream.text

    anyio.run(run)


def test_an_account_has_so_many_streams_and_gets_them_back(served: Served) -> None:
    async def run() -> None:
        streams = [Stream() for _ in range(changes.MOST_OF_ONE)]
        async with anyio.create_task_group() as group:
            for stream in streams:
                group.start_soon(stream.listen, served.app, served.tokens["planner"])
                await stream.until(lambda stream=stream: "listening" in stream.text)  # type: ignore[misc]
            refused = Stream()
            await refused.listen(served.app, served.tokens["planner"])
            assert (refused.status, refused.headers["retry-after"]) == (429, "15")
            for stream in streams:
                stream.leave.set()
        again = Stream()
        async with anyio.create_task_group() as group:
            group.start_soon(again.listen, served.app, served.tokens["planner"])
            await again.until(lambda: "listening" in again.text)
            again.leave.set()

    anyio.run(run)


def test_streams_do_not_keep_the_server_from_stopping() -> None:
    """The handlers that were there before are called too, and stand again afterwards."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        feed = Feed()
        with feed.ending_with_the_server():
            signal.raise_signal(signal.SIGTERM)
            assert (feed.stopping, heard) == (True, [signal.SIGTERM])
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_long_log_is_read_in_parts(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is longer than what is remembered."""
    monkeypatch.setattr(changes, "_REMEMBERED", 4)
    feed, start = Feed(), served.head
    feed.after(served.workspace, start)
    ids = [served.incident() for _ in range(9)]
    feed._looked_at = float("-inf")
    seen: list[str] = []
    seq = start
    while found := feed.after(served.workspace, seq):
        seen += [change.entity_id for change in found]
        seq = found[-1].seq
    assert seen == ids
