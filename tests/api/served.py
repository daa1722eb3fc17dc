"""The server without the console: an application over the village with one account of each role."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from gridgov.api.guard import SESSION_COOKIE, csrf_token
from gridgov.api.limits import Rates
from gridgov.api.server import server_parts
from gridgov.config import Settings
from gridgov.model.rights import Role
from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft, add_account, person_of, sign_in
from gridgov.operations.mapping import MapSource
from gridgov.workspace import Workspace, open_workspace

CLASS = "0101"
PASSWORD = "a long password for tests"


class OneWorkspace(MapSource):
    """A source of one opened workspace, so that a test has its own store."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.path)
        self.own = workspace

    @property
    def workspace(self) -> Workspace:
        return self.own


@dataclass
class Served:
    """A workspace, its application, a client, and the tokens of people who are signed in."""

    workspace: Workspace
    app: Starlette
    client: TestClient
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str, method: str, path: str, **more: Any) -> Any:
        """Send a request to the API as somebody; `public` has no account."""
        headers = {**({"Authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else {})}
        return self.client.request(
            method, f"/api/v1{path}", headers={"Accept-Language": "en", **headers, **more.pop("headers", {})}, **more
        )

    def by_cookie(self, who: str, *, csrf: bool = True, origin: str | None = None) -> dict[str, str]:
        """The headers of a browser in which somebody is signed in."""
        headers = {"Cookie": f"{SESSION_COOKIE}={self.tokens[who]}", "Accept-Language": "en"}
        if csrf:
            headers["X-CSRF-Token"] = csrf_token(self.tokens[who])
        return headers if origin is None else {**headers, "Origin": origin}

    @property
    def place(self) -> dict[str, float]:
        """A point in the first grid."""
        point = self.workspace.layer("grids").geometry.iloc[0].representative_point()
        return {"lon": point.x, "lat": point.y}

    @property
    def worker_id(self) -> str:
        """The worker who has the account `worker`."""
        return person_of(self.workspace, self.tokens["worker"]).worker_id

    def form(self, **changes: Any) -> dict[str, Any]:
        return {"class_code": CLASS, **self.place, "description": "路口有垃圾", **changes}

    def incident(self, **changes: Any) -> str:
        """Enter an incident and return its id."""
        answer = self.ask("supervisor", "POST", "/incidents", json=self.form(**changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def move(self, who: str, incident_id: str, action: str, **given: Any) -> Any:
        return self.ask(who, "POST", f"/incidents/{incident_id}/moves", json={"action": action, **given})

    @property
    def head(self) -> int:
        return self.workspace.store.head()[0]


@contextmanager
def serve(village: Path, *, rates: Rates | None = None, **settings: Any) -> Iterator[Served]:
    """Open the village with an empty store in memory and everybody signed in."""
    own = Settings(store="memory:", **{"requests_per_min": 1_000_000, "reports_per_hour": 1_000_000, **settings})
    workspace = open_workspace(village, settings=own)
    workspace.start_clock()
    parts = server_parts(own, OneWorkspace(workspace), rates=rates)
    app = Starlette(routes=parts.routes, middleware=parts.middleware)
    with TestClient(app, raise_server_exceptions=False) as client:
        served = Served(workspace, app, client)
        for draft in _drafts(workspace):
            add_account(workspace, AT_THE_SHELL, draft, password=PASSWORD)
            served.tokens[draft.account_id] = sign_in(workspace, draft.account_id, PASSWORD).token
        yield served
    workspace.store.close()


def _drafts(workspace: Workspace) -> list[AccountDraft]:
    worker_id = str(workspace.layer("workers")["worker_id"].iloc[0])
    street = str(workspace.layer("grids")["street_code"].astype(str).iloc[-1])
    own = {"worker": {"worker_id": worker_id}}
    drafts = [
        AccountDraft(account_id=str(role), role=role, areas=("all",), **own.get(str(role), {}))
        for role in (Role.ADMIN, Role.SUPERVISOR, Role.COMMANDER, Role.PLANNER, Role.WORKER)
    ]
    return [*drafts, AccountDraft(account_id="elsewhere", role=Role.SUPERVISOR, areas=(street,))]


def key() -> str:
    """A name for a request."""
    return secrets.token_hex(16)
