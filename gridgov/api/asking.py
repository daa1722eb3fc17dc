"""What every route of the API has to know of a request: workspace, who asks, language, the key of a repeated one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, runtime_checkable

from fastapi import Header, Request, Response
from pydantic import BaseModel

from gridgov.api.problems import MEDIA_TYPE, request_lang
from gridgov.api.schemas import Problem
from gridgov.config import Settings
from gridgov.i18n import Lang
from gridgov.model.rights import PUBLIC, Person
from gridgov.workspace import Workspace


@runtime_checkable
class WorkspaceSource(Protocol):
    """Where a route finds the present version of the workspace."""

    @property
    def workspace(self) -> Workspace:
        """The opened workspace."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, understood."""

    workspace: Workspace
    person: Person
    lang: Lang
    token: str
    settings: Settings


def asked(request: Request) -> Asked:
    """Return who asks what workspace in which language; the `Guard` has found out who it is."""
    state = request.scope.get("state", {})
    own = request.app.state
    return Asked(
        own.source.workspace,
        state.get("person", PUBLIC),
        request_lang(request),
        state.get("token", ""),
        own.settings,
    )


def said(value: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a model as the answer, written in the thread that made it.

    What a handler returns otherwise goes through two more threads and is checked again, which costs as much as a read.
    """
    return Response(value.__pydantic_serializer__.to_json(value, by_alias=True), status, headers, "application/json")


Repeat = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=16,
        max_length=128,
        pattern=r"^[!-~]+$",
        description="a name for this very request: sent again with it, nothing is done twice",
    ),
]

_WORDS = {
    400: "the request cannot be read",
    401: "nobody is signed in",
    403: "the person may not do that, or not there",
    404: "there is no such thing",
    409: "the state does not allow it, or it has changed since",
    413: "too large",
    415: "not a picture",
    422: "a value is wrong",
    429: "too many requests",
    503: "the database or the disk refuses; nothing was changed",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may answer with besides those that every route may, for its description."""
    always = {400, 401, 403, 413, 422, 429, 503}
    return {
        status: {
            "description": _WORDS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
        }
        for status in sorted({*always, *statuses})
    }
