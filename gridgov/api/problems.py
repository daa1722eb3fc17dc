"""Errors as answers: problem details (RFC 9457), one short sentence each, never a traceback."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gridgov.errors import (
    ConflictError,
    GridgovError,
    InputError,
    MoveRefusedError,
    NotFoundError,
    RightsError,
    SignInError,
    StorageError,
    UploadError,
    WorkspaceNotFoundError,
)
from gridgov.i18n import Lang, as_lang, has_label, label
from gridgov.model.refusals import refusal_text

MEDIA_TYPE = "application/problem+json"
_TOO_MANY_DETAILS = 20
_LOG = logging.getLogger("gridgov")


def problem(
    status: int,
    detail: str,
    lang: Lang = "zh",
    *,
    code: str = "",
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> Response:
    """Return the answer for something that went wrong.

    Parameters
    ----------
    status : int
        HTTP status; 401 says how to sign in.
    detail : str
        One sentence: what is wrong and what to do.
    code : str
        What programs may go by where several refusals share a status.
    errors : list of dict
        For each wrong field where it stands and what is wrong with it.
    """
    title = label(f"api.problem.{status}", lang) if has_label(f"api.problem.{status}") else str(status)
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if code:
        body["code"] = code
    if errors:
        body["errors"] = errors
    given = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(text, status, {"Cache-Control": "no-store", **given, **(headers or {})}, MEDIA_TYPE)


def problem_of(error: GridgovError, lang: Lang = "zh") -> Response:
    """Return the answer for an error of an operation."""
    if isinstance(error, MoveRefusedError):
        return problem(409, refusal_text(error, lang), lang, code=error.code)
    if status_of(error) == 503:  # where the store is and what it says is for the server's log
        _LOG.error("%s", error)
        return problem(503, label("api.storage", lang), lang, headers={"Retry-After": "5"})
    return problem(status_of(error), str(error), lang)


def status_of(error: GridgovError) -> int:
    """Return the HTTP status of an error of an operation."""
    if isinstance(error, UploadError):
        return 413 if error.too_large else 415
    statuses: tuple[tuple[type[GridgovError], int], ...] = (
        (SignInError, 401),
        (RightsError, 403),
        (WorkspaceNotFoundError, 503),
        (NotFoundError, 404),
        (ConflictError, 409),
        (MoveRefusedError, 409),
        (StorageError, 503),
        (InputError, 422),
    )
    return next((status for kind, status in statuses if isinstance(error, kind)), 500)


def lang_of(query: str, headers: Headers) -> Lang:
    """Return the language that is asked for: by ``?lang=``, else by Accept-Language, else Chinese."""
    for part in query.split("&"):
        if part.startswith("lang="):
            return as_lang(part[5:])
    return as_lang(headers.get("accept-language", "")[:2].lower())


def request_lang(request: Request) -> Lang:
    """Return the language of a request."""
    return lang_of(request.url.query, request.headers)


async def _gridgov(request: Request, error: Exception) -> Response:
    assert isinstance(error, GridgovError)
    return problem_of(error, request_lang(request))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), request_lang(request), headers=error.headers)


async def _validation(request: Request, error: Exception) -> Response:
    """Say which fields are wrong; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    wrong = [
        {"at": ".".join(map(str, item["loc"])), "detail": str(item["msg"])}
        for item in error.errors()[:_TOO_MANY_DETAILS]
    ]
    detail = "; ".join(f"{item['at']}: {item['detail']}" for item in wrong[:3])
    return problem(422, detail, request_lang(request), errors=wrong)


async def _unexpected(request: Request, error: Exception) -> Response:
    del error  # the server's log has it
    return problem(500, "something went wrong on the server; it is in its log", request_lang(request))


HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    GridgovError: _gridgov,
    HTTPException: _http,
    RequestValidationError: _validation,
    Exception: _unexpected,
}
