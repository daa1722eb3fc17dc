"""Plain pages beside the console: sign-in, public report with its progress, and the grid worker's page.

They are light HTML over the HTTP API: a phone on a weak link can retry, and the public costs no console session.
"""

from __future__ import annotations

import gzip
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gridgov.api.guard import CSRF_FIELD, SESSION_COOKIE, clear_session_cookie, csrf_matches, local_path, session_cookie
from gridgov.api.rendering import (
    PREFIX,
    Renderer,
    WorkspaceSource,
    csrf_of,
    is_signed_in,
    person_of,
    table_texts,
    web_file,
)
from gridgov.api.work_pages import WorkPages
from gridgov.config import Settings
from gridgov.errors import NotFoundError, SignInError, StorageError
from gridgov.i18n import label
from gridgov.model.accounts import ENTITY as ACCOUNT
from gridgov.model.incident_classes import IncidentProfile
from gridgov.model.incidents import IncidentKind, IncidentState
from gridgov.model.rights import Right, Role, may
from gridgov.operations.accounts import sign_in, sign_out
from gridgov.operations.outlines import district_outline
from gridgov.operations.reporting import Progress, progress_of
from gridgov.workspace import Workspace

_LOGIN_COOKIE = "gridgov_login"
_LOGIN_SECONDS = 3600
_PROVIDER_REFUSALS = frozenset({"provider", "subject", "storage"})
_STEPS = ("reported", "filed", "dispatched", "in_progress", "resolved", "verified", "closed")
_STANDS_AT = {IncidentState.REWORK: "in_progress", IncidentState.SUSPENDED: "dispatched"}


@dataclass(frozen=True, slots=True)
class SignInProvider:
    """Another way to sign in: its name and where it begins."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a ticket's progress; `mark` is done, now or ahead."""

    code: str
    mark: str


def routes(source: WorkspaceSource, settings: Settings, *, providers: Sequence[SignInProvider] = ()) -> list[Route]:
    """Return the routes of all plain pages.

    Parameters
    ----------
    source : WorkspaceSource
        Gives the present workspace.
    settings : Settings
    providers : sequence of SignInProvider, optional
        Identity providers that the sign-in page offers besides name and password.
    """
    renderer = Renderer(source, settings)
    own, work = Pages(renderer, tuple(providers)), WorkPages(renderer)
    return [
        Route("/sign-in", own.sign_in_form, methods=["GET"]),
        Route("/sign-in", own.sign_in, methods=["POST"]),
        Route("/sign-out", own.sign_out, methods=["POST"]),
        Route("/report", own.report),
        Route("/report/find", own.find_ticket),
        Route("/report/outline.json", own.outline),
        Route("/report/{ticket}", own.ticket),
        *work.routes,
        Route(f"{PREFIX}/{{name:path}}", web_file),
    ]


class Pages:
    """Sign-in and the pages of the public."""

    def __init__(self, renderer: Renderer, providers: tuple[SignInProvider, ...]) -> None:
        self._renderer = renderer
        self._providers = providers

    @property
    def _workspace(self) -> Workspace:
        return self._renderer.source.workspace

    # -- sign-in -----------------------------------------------------------------------------------------------------

    def sign_in_form(self, request: Request) -> Response:
        """Show the form; the way back from an identity provider says why it led nowhere."""
        refused = request.query_params.get("refused", "")
        return self._form(
            request,
            next_page=safe_next(request.query_params.get("next", "")),
            refusal=refused if refused in _PROVIDER_REFUSALS else "",
        )

    async def sign_in(self, request: Request) -> Response:
        """Take name and password; 303 onwards, 401 with the form again when they do not fit."""
        async with request.form(max_files=0, max_fields=10, max_part_size=4096) as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
        return await run_in_threadpool(self._signed_in, request, given)

    def _signed_in(self, request: Request, given: dict[str, str]) -> Response:
        next_page, account = safe_next(given.get("next", "")), given.get("account", "").strip().lower()
        again: dict[str, Any] = {"next_page": next_page, "account": account[:40]}
        cookie = request.cookies.get(_LOGIN_COOKIE, "")
        if not cookie or not hmac.compare_digest(cookie.encode(), given.get("csrf", "").encode()):
            return self._form(request, refusal="form", status=403, **again)
        try:
            session = sign_in(self._workspace, account, given.get("password", ""))
        except SignInError:
            return self._form(request, refusal="wrong", status=401, **again)
        except StorageError:
            return self._form(request, refusal="storage", status=503, **again)
        home = "/work" if session.person.role is Role.WORKER else "/"
        answer = RedirectResponse(next_page or home, status_code=303)
        session_cookie(answer, session, self._renderer.settings)
        answer.delete_cookie(_LOGIN_COOKIE, path="/sign-in")
        return answer

    def _form(
        self, request: Request, *, next_page: str, account: str = "", refusal: str = "", status: int = 200
    ) -> Response:
        token = request.cookies.get(_LOGIN_COOKIE) or secrets.token_urlsafe(24)
        answer = self._renderer.page(
            request,
            "sign_in.html",
            status=status,
            csrf=token,
            next_page=next_page,
            account=account,
            refusal=label(f"signin.refused_{refusal}", self._renderer.lang(request)) if refusal else "",
            providers=self._providers,
            command=f"gridgov users add NAME --role admin --workspace {self._renderer.settings.workspace}",
            nobody=self._nobody(),
            signed_in=is_signed_in(person_of(request)),
            **sign_out_values(request),
        )
        secure = self._renderer.settings.https
        answer.set_cookie(
            _LOGIN_COOKIE,
            token,
            max_age=_LOGIN_SECONDS,
            path="/sign-in",
            httponly=True,
            samesite="strict",
            secure=secure,
        )
        return answer

    def _nobody(self) -> bool:
        """Whether there is no account yet, so that nobody could sign in."""
        try:
            return self._workspace.store.count(ACCOUNT.removesuffix(":")) == 0
        except StorageError:
            return False

    async def sign_out(self, request: Request) -> Response:
        """End the session, if the form is one of ours."""
        async with request.form(max_files=0, max_fields=5, max_part_size=4096) as form:
            given = str(form.get(CSRF_FIELD, ""))
        token = request.cookies.get(SESSION_COOKIE, "")
        answer = RedirectResponse("/sign-in", status_code=303)
        if token and csrf_matches(token, given):
            await run_in_threadpool(sign_out, self._workspace, token)
            clear_session_cookie(answer)
        return answer

    # -- the public --------------------------------------------------------------------------------------------------

    def report(self, request: Request) -> Response:
        """Show the form of a report."""
        lang, person = self._renderer.lang(request), person_of(request)
        data = {
            "texts": table_texts("phone.queue", lang) | table_texts("report_page", lang),
            "lang": lang,
            "csrf": csrf_of(request),
            "account": person.account_id,
            "outline": "/report/outline.json",
            "bounds": self._workspace.bounds,
        }
        groups = class_groups(self._workspace.incident_profile, lang)
        allowed = may(person, Right.INCIDENT_REPORT)
        return self._renderer.page(
            request, "report.html", groups=groups, data=data, allowed=allowed, **sign_out_values(request)
        )

    def outline(self, request: Request) -> Response:
        """Answer with the coarse outline of the district."""
        workspace = self._workspace
        outline = district_outline(workspace, person_of(request))
        body = workspace.cached("public_outline_gzip", lambda: _packed(outline))
        headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
        return Response(body, media_type="application/geo+json", headers=headers)

    def find_ticket(self, request: Request) -> Response:
        """Go to the page of a number that was typed in."""
        number = request.query_params.get("ticket", "").strip().upper()[:40]
        return RedirectResponse(f"/report/{quote(number, safe='')}" if number else "/report", status_code=303)

    def ticket(self, request: Request) -> Response:
        """Show how far a report has got; works without any script."""
        number = request.path_params["ticket"][:40]
        values: dict[str, Any] = {"number": number, "progress": None, "steps": [], **sign_out_values(request)}
        try:
            progress = progress_of(self._workspace, person_of(request), number)
        except NotFoundError:
            return self._renderer.page(request, "ticket.html", status=404, fault="unknown", **values)
        except StorageError:
            return self._renderer.page(request, "ticket.html", status=503, fault="storage", **values)
        steps = steps_of(progress)
        current = max((place for place, step in enumerate(steps) if step.mark != "ahead"), default=0)
        values.update(number=progress.ticket, progress=progress, steps=steps, current=current)
        return self._renderer.page(request, "ticket.html", fault="", **values)


def _packed(content: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), 6, mtime=0)


def safe_next(address: str) -> str:
    """Return the path to go on to after signing in if it lies on this server, else nothing."""
    path = local_path(address, "")
    return "" if path.startswith(("/sign-in", "/sign-out")) else path


def sign_out_values(request: Request) -> dict[str, Any]:
    """Return what the bar at the top needs for its button."""
    return {"session_csrf": csrf_of(request)}


def class_groups(profile: IncidentProfile, lang: str) -> list[dict[str, Any]]:
    """Return the classes that one can choose from, grouped by major (大类), events before components."""
    groups = []
    for kind in (IncidentKind.EVENT, IncidentKind.COMPONENT):
        for major, names in profile.majors.get(kind, {}).items():
            members = [c for c in profile.classes.values() if c.kind is kind and c.major == major]
            if members:
                classes = [{"code": c.code, "name": c.names[lang], "hint": c.filing.get(lang, "")} for c in members]
                groups.append({"kind": str(kind), "name": names[lang], "classes": classes})
    return groups


def steps_of(progress: Progress) -> list[Step]:
    """Return the steps of a ticket; none where it came to an end before its time."""
    state = IncidentState(progress.state)
    if state in {IncidentState.REJECTED, IncidentState.VOID}:
        return []
    at = _STEPS.index(_STANDS_AT.get(state, str(state)))
    last = len(_STEPS) - 1
    return [
        Step(code, "done" if place < at or at == last else "now" if place == at else "ahead")
        for place, code in enumerate(_STEPS)
    ]
