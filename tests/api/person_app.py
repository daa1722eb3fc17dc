"""A small application around routes, in which a header says who asks; the real door is tested elsewhere."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gridgov.model.rights import PUBLIC, Person
from gridgov.workspace import Workspace


class Source:
    """A workspace for routes."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace


class PersonFromHeader:
    """Puts a person into the request's state, by the bearer token."""

    def __init__(self, app: ASGIApp, people: Mapping[str, Person]) -> None:
        self._app, self._people = app, people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
            scope = {**scope, "state": {"person": self._people.get(token, PUBLIC)}}
        await self._app(scope, receive, send)


def app_of(routes: Sequence[BaseRoute], people: Mapping[str, Person] | None = None) -> ASGIApp:
    """Put an application around routes."""
    return PersonFromHeader(Starlette(routes=routes), people or {})


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an application on a free port of this host; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
