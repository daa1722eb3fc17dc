"""The door: who sends a request, by session cookie or bearer token; nobody without a session gets past the open paths.

A plain ASGI middleware for everything that the server has: API, tiles, points, pages, the console and its websocket.
What somebody may do is decided by the operations; here it is only found out who it is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridgov.api.away import away_page, is_navigation
from gridgov.api.problems import lang_of, problem, problem_of
from gridgov.config import Settings
from gridgov.errors import GridgovError, SignInError
from gridgov.i18n import Lang
from gridgov.model.rights import PUBLIC, Person
from gridgov.operations.accounts import Session

SESSION_COOKIE = "gridgov_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
SIGN_IN = "/sign-in"
Resolver = Callable[[str], Person]
Memory = Callable[[str], Person | None]

_READ = frozenset({"GET", "HEAD"})
_SAFE = _READ | {"OPTIONS", "TRACE"}
_SEND = frozenset({"POST"})


@dataclass(frozen=True, slots=True)
class Opening:
    """A path that needs no session; `below` also everything below it."""

    path: str
    methods: frozenset[str] = _READ
    below: bool = False


OPEN: tuple[Opening, ...] = (
    Opening("/healthz"),
    Opening("/assets", below=True),
    Opening("/phone", below=True),  # scripts and style sheets of the plain pages
    Opening(SIGN_IN, _READ | _SEND, below=True),
    Opening("/sign-out", _SEND),  # also when the session has ended meanwhile
    Opening("/report", _READ | _SEND, below=True),  # the public page and its tickets
    Opening("/api/v1/session", _SEND),
    Opening("/api/v1/classes"),
    Opening("/api/v1/reports", _SEND),
    Opening("/api/v1/reports", below=True),
    Opening("/api/v1/photos", _SEND),
    Opening("/api/open311", _READ | _SEND, below=True),
    Opening("/api/docs"),
    Opening("/api/openapi.json"),
)
_APIS = ("/api/", "/tiles/", "/points/", "/shapes/")
# Streamlit's own uploads carry its own token (server.enableXsrfProtection).
_OWN_CSRF = ("/_stcore/",)
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no session."""
    if ".." in path or "//" in path:
        return False
    return any(
        method in opening.methods and (path == opening.path or (opening.below and path.startswith(f"{opening.path}/")))
        for opening in OPEN
    )


def csrf_token(token: str) -> str:
    """Return what a request by cookie must carry to show that a page of ours sent it."""
    return hmac.new(token.encode(), b"gridgov csrf", hashlib.sha256).hexdigest()


def csrf_matches(token: str, given: str) -> bool:
    """Whether a header or form field is the one of this session."""
    return hmac.compare_digest(csrf_token(token).encode(), given.encode())


def session_cookie(response: Response, session: Session, settings: Settings) -> None:
    """Let the browser keep a session.

    SameSite is Lax, not Strict: a link to an incident in a mail must not lead to the sign-in page. Another site can
    then only cause navigations by GET, which change nothing; everything else needs the CSRF token as well.
    """
    response.set_cookie(
        SESSION_COOKIE,
        session.token,
        max_age=settings.session_hours * 3600,
        path="/",
        secure=settings.https,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response) -> None:
    """Let the browser forget the session."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings: a token and how it came."""

    token: str = ""
    bearer: bool = False

    @classmethod
    def of(cls, headers: Headers) -> Credentials:
        """Read the header before the cookie: a program that sends both means the header."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return cls(value.strip(), bearer=True)
        cookies = headers.get("cookie")
        return cls(cookie_parser(cookies).get(SESSION_COOKIE, "") if cookies else "")


class Guard:
    """Lets in who has a session, and everybody to the open paths.

    Sets ``scope["state"]``: `person` (a Person; `PUBLIC` without a session) and `token` (empty without one).

    Parameters
    ----------
    app : ASGIApp
    resolve : callable
        Returns the person of a token, or raises `SignInError`; called in a thread.
    remembered : callable, optional
        Returns the person of a token if that is known without asking a database; called in the event loop.
    """

    def __init__(self, app: ASGIApp, *, resolve: Resolver, remembered: Memory | None = None) -> None:
        self._app = app
        self._resolve = resolve
        self._remembered = remembered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on or refuse it."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        given = Credentials.of(headers)
        try:
            person = await self._person(scope, given)
        except SignInError as error:
            await _sign_in_first(scope, headers, error)(scope, receive, send)
            return
        except GridgovError as error:
            await _away(scope, headers, error)(scope, receive, send)
            return
        if given.token and not given.bearer and person is not PUBLIC:
            refusal = csrf_refusal(scope, headers, given.token)
        else:
            refusal = login_refusal(scope, headers)
        if refusal:
            await problem(403, refusal, _lang(scope, headers), code="csrf")(scope, receive, send)
            return
        await self._app(_marked(scope, person, given), receive, send)

    async def _person(self, scope: Scope, given: Credentials) -> Person:
        """Return who it is.

        Raises
        ------
        SignInError
            Nobody, where somebody is needed; or a bearer token that is none, anywhere.
        """
        is_public = is_open(scope["method"], scope["path"])
        if is_public and not given.token and not given.bearer:
            return PUBLIC
        known = self._remembered(given.token) if self._remembered is not None else None
        if known is not None:
            return known
        try:
            return await to_thread.run_sync(self._resolve, given.token)
        except SignInError:
            if is_public and not given.bearer:
                return PUBLIC
            raise

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        given = Credentials.of(headers)
        try:
            if not _same_host(headers):
                raise SignInError("a websocket of another site")
            person = await to_thread.run_sync(self._resolve, given.token)
        except GridgovError:  # refused before it is accepted: the server makes a 403 of it
            await send({"type": "websocket.close", "code": 1008, "reason": "sign in first"})
            return
        talk = _Talk(self._resolve, given.token, receive, send)
        await self._app(_marked(scope, person, given), talk.receive, talk.send)


class _Talk:
    """A websocket whose session is looked at again with every message: after a sign-out nothing more is answered."""

    def __init__(self, resolve: Resolver, token: str, receive: Receive, send: Send) -> None:
        self._resolve, self._token, self._receive, self._send = resolve, token, receive, send
        self._ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            try:
                await to_thread.run_sync(self._resolve, self._token)
            except SignInError:
                self._ended = True
                await self._send({"type": "websocket.close", "code": 1008, "reason": "the session has ended"})
                return {"type": "websocket.disconnect", "code": 1008}
            except GridgovError:
                pass  # a database that is away for a moment ends no session
        return message

    async def send(self, message: Message) -> None:
        if not self._ended:
            await self._send(message)


def csrf_refusal(scope: Scope, headers: Headers, token: str) -> str:
    """Return why a request by cookie is not trusted, or nothing.

    A form of a page carries the token as a field, which the page checks (`csrf_matches`): of forms only the sender's
    host is looked at here. The API takes no forms without the header.
    """
    path = scope["path"]
    if scope["method"] in _SAFE:
        return ""
    if not _same_host(headers):
        return "the request comes from another site"
    if path.startswith(_OWN_CSRF) or csrf_matches(token, headers.get(CSRF_HEADER, "")):
        return ""
    is_form = headers.get("content-type", "").partition(";")[0].strip().lower() in _FORMS
    if is_form and not path.startswith(_APIS):
        return ""
    return f"the header {CSRF_HEADER} is missing or not that of this session: load the page again"


def login_refusal(scope: Scope, headers: Headers) -> str:
    """Return why a sign-in is not trusted, or nothing: another site may not sign somebody in."""
    if scope["method"] in _SAFE or not scope["path"].startswith((SIGN_IN, "/api/v1/session")):
        return ""
    return "" if _same_host(headers) else "the sign-in comes from another site"


def local_path(path: str, default: str = "/") -> str:
    """Return where to go after the sign-in: a path of this server, whatever a link asks for."""
    parts = urlsplit(path)
    is_local = path.startswith("/") and not path.startswith("//") and not parts.scheme and not parts.netloc
    return path if is_local and "\\" not in path and path.isprintable() else default


def _same_host(headers: Headers) -> bool:
    if headers.get("sec-fetch-site") == "cross-site":
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


def _marked(scope: Scope, person: Person, given: Credentials) -> Scope:
    token = given.token if person is not PUBLIC else ""
    return {**scope, "state": {**scope.get("state", {}), "person": person, "token": token}}


def _sign_in_first(scope: Scope, headers: Headers, error: SignInError) -> Response:
    path = scope["path"]
    if is_navigation(scope, headers) and not f"{path}/".startswith(_APIS):
        query = scope["query_string"].decode("latin-1")
        wanted = f"{path}?{query}" if query else path
        return RedirectResponse(f"{SIGN_IN}?next={quote(wanted, safe='/')}", 303, {"Cache-Control": "no-store"})
    return problem(401, str(error), _lang(scope, headers))


def _away(scope: Scope, headers: Headers, error: GridgovError) -> Response:
    lang, is_page = _lang(scope, headers), is_navigation(scope, headers) and not f"{scope['path']}/".startswith(_APIS)
    refusal = problem_of(error, lang)
    return away_page(lang) if is_page and refusal.status_code == 503 else refusal


def _lang(scope: Scope, headers: Headers) -> Lang:
    return lang_of(scope["query_string"].decode("latin-1"), headers)
