"""Changes as they happen: one stream of server-sent events for each listener, one look at the log a second for all.

The log is asked, not this process, so that events of other processes come too.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gridgov.api.asking import Asked, answers, asked
from gridgov.api.problems import problem
from gridgov.errors import GridgovError, SignInError, StorageError
from gridgov.model.events import format_time
from gridgov.model.rights import Right, require
from gridgov.operations.changes import MOST_AT_ONCE, Change, read_changes, seen_by
from gridgov.workspace import Workspace

MOST_STREAMS = 200
MOST_OF_ONE = 5
LOOK_S = 1.0
HEARTBEAT_S = 15.0
_REMEMBERED = 5000

router = APIRouter(tags=["changes"])


class Feed:
    """The newest changes of the log in memory, read once for all listeners."""

    def __init__(self) -> None:
        self.streams: Counter[str] = Counter()
        self.stopping = False
        self._recent: deque[Change] = deque(maxlen=_REMEMBERED)
        self._from = -1  # every change after this one is remembered, up to `_upto`
        self._upto = -1
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    def after(self, workspace: Workspace, seq: int) -> list[Change]:
        """Return changes after an event, oldest first; not all at once when there are many. Reads the store."""
        with self._lock:
            self._look(workspace)
            if self._from <= seq:
                return [change for change in self._recent if change.seq > seq]
        return read_changes(workspace, seq)

    def _look(self, workspace: Workspace) -> None:
        if time.monotonic() - self._looked_at < LOOK_S / 2:
            return
        head = workspace.store.head()[0]
        if self._from < 0:
            self._from = self._upto = head
        while self._upto < head and (found := read_changes(workspace, self._upto)):
            self._recent.extend(found)
            self._upto = found[-1].seq
        if len(self._recent) == _REMEMBERED:
            self._from = self._recent[0].seq - 1
        self._looked_at = time.monotonic()

    @contextmanager
    def ending_with_the_server(self) -> Iterator[None]:
        """End the streams when the server is told to stop, which would wait for them for ever."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, frame: FrameType | None) -> None:
            self.stopping = True
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                if signal.getsignal(number) is stop:
                    signal.signal(number, handler)


_STREAM = {
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
    "description": "for each event: id (number of the event) and data: seq, at, entity_id, kind, state",
}


@router.get("/changes", response_class=Response, responses={**answers(429), 200: _STREAM})
async def changes(
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="number of the last event known")] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,15}$")] = None,
) -> Response:
    """Stream what happens from now on, or from after an event; it ends with the session."""
    ask, feed = asked(request), request.app.state.feed
    require(ask.person, Right.LAYER_READ)  # everybody who is signed in
    name = ask.person.account_id
    if feed.streams.total() >= MOST_STREAMS or feed.streams[name] >= MOST_OF_ONE:
        detail = f"too many streams: at most {MOST_OF_ONE} for an account and {MOST_STREAMS} in all"
        return problem(429, detail, ask.lang, headers={"Retry-After": "15"})
    seq = int(last_event_id) if last_event_id else after
    if seq is None:
        seq = (await to_thread.run_sync(ask.workspace.store.head))[0]
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _lines(ask, feed, request.app.state.resolve, seq)
    return _Counted(stream, headers=headers, media_type="text/event-stream", feed=feed, name=name)


class _Counted(StreamingResponse):
    """A stream that counts as one of its account's while it is open."""

    def __init__(self, content: AsyncIterator[str], *, feed: Feed, name: str, **more: Any) -> None:
        super().__init__(content, **more)
        self._feed, self._name = feed, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        self._feed.streams[self._name] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.streams[self._name] -= 1
            self._feed.streams += Counter()  # forgets those that have none


async def _lines(ask: Asked, feed: Feed, resolve: Any, seq: int) -> AsyncIterator[str]:
    """Give what to send: the session is asked for right before each batch, so that nothing goes out after its end."""
    yield ": listening\n\n"
    person, beat = ask.person, time.monotonic()
    while not feed.stopping:
        due = time.monotonic() - beat >= HEARTBEAT_S
        try:
            found = (await to_thread.run_sync(feed.after, ask.workspace, seq))[:MOST_AT_ONCE]
            if found or due:
                person = await to_thread.run_sync(resolve, ask.token)
        except SignInError:
            yield "event: end\ndata: {}\n\n"
            return
        except (StorageError, GridgovError):
            found, due = [], False  # the store is away for a moment
        if lines := "".join(_event(change) for change in found if seen_by(person, change)):
            yield lines
        if due:
            beat = time.monotonic()
            yield ": still here\n\n"
        if found:
            seq = found[-1].seq
        else:
            await anyio.sleep(LOOK_S)


def _event(change: Change) -> str:
    data = {
        "seq": change.seq,
        "at": format_time(change.at),
        "entity_id": change.entity_id,
        "kind": change.kind,
        "state": change.state,
    }
    return f"id: {change.seq}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
