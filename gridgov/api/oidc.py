"""Sign-in by an identity provider (OpenID Connect, authorization code with PKCE), for those who have one.

Authlib does the protocol: discovery, state, nonce, PKCE, keys, the checks of the ID token. An account takes part when
an admin has given it the provider's subject; nobody gets an account by signing in.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from gridgov.api.guard import SIGN_IN, local_path, session_cookie
from gridgov.config import Settings
from gridgov.errors import SettingsError, SignInError, StorageError
from gridgov.model.rights import Role
from gridgov.operations.sessions import sign_in_subject
from gridgov.workspace import Workspace

START = f"{SIGN_IN}/oidc"
_DISCOVERY = "/.well-known/openid-configuration"
_ROUND_TRIP_S = 600
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class WorkspaceSource(Protocol):
    """Gives the present workspace."""

    @property
    def workspace(self) -> Workspace:
        """The present version of it."""


def is_configured(settings: Settings) -> bool:
    """Whether people may sign in by an identity provider."""
    return bool(settings.oidc_issuer)


def routes(source: WorkspaceSource, settings: Settings) -> list[Mount]:
    """Return the two routes of the round trip; none when no provider is set.

    Raises
    ------
    SettingsError
        The settings are not complete, the issuer is not reached by HTTPS, or Authlib is not installed.
    """
    if not is_configured(settings):
        return []
    _check(settings)
    provider = OidcSignIn(source, settings)
    # What the round trip has to remember stands in a signed cookie, so that any server of several can end it.
    key = hmac.new(settings.oidc_client_secret.encode(), b"gridgov round trip", hashlib.sha256).hexdigest()
    remembering = Middleware(
        SessionMiddleware,
        secret_key=key,
        session_cookie="gridgov_oidc",
        max_age=_ROUND_TRIP_S,
        path=START,
        same_site="lax",
        https_only=settings.https,
    )
    own = [Route("/", provider.start), Route("/callback", provider.callback, name="callback")]
    return [Mount(START, app=Starlette(routes=own, middleware=[remembering]))]


class OidcSignIn:
    """The round trip: to the provider and back with a code."""

    def __init__(self, source: WorkspaceSource, settings: Settings) -> None:
        from authlib.integrations.starlette_client import OAuth  # noqa: PLC0415 - an extra, and slow to import

        self._source, self._settings = source, settings
        oauth = OAuth()
        oauth.register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            server_metadata_url=settings.oidc_issuer.rstrip("/") + _DISCOVERY,
            client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "timeout": 10.0},
        )
        self._client = oauth.create_client("provider")

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider."""
        request.session["next"] = local_path(request.query_params.get("next", ""))
        back = str(request.url_for("callback"))
        if self._settings.https:
            back = back.replace("http://", "https://", 1)
        try:
            answer: Response = await self._client.authorize_redirect(request, back)
        except _network_faults() as error:
            del error
            return _refused("provider")
        return answer

    async def callback(self, request: Request) -> Response:
        """Take the code, have the ID token checked, and open a session of ours."""
        next_page = str(request.session.get("next", "/"))
        try:
            token = await self._client.authorize_access_token(request)
            claims = token["userinfo"]
            session = await run_in_threadpool(
                sign_in_subject, self._source.workspace, str(claims["iss"]), str(claims["sub"])
            )
        except SignInError:
            return _refused("subject")
        except StorageError:
            return _refused("storage")
        except _network_faults():
            return _refused("provider")
        home = "/work" if session.person.role is Role.WORKER else "/"
        answer = RedirectResponse(home if next_page == "/" else next_page, 303, {"Cache-Control": "no-store"})
        session_cookie(answer, session, self._settings)
        request.session.clear()
        return answer


def _refused(kind: str) -> Response:
    """Return to the sign-in page, which says why."""
    return RedirectResponse(f"{SIGN_IN}?refused={kind}", 303, {"Cache-Control": "no-store"})


def _network_faults() -> tuple[type[Exception], ...]:
    """What goes wrong on the way to a provider, or in what it says: forged, expired, for somebody else."""
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - see above
    from httpx2 import HTTPError  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415

    return (AuthlibBaseError, HTTPError, JoseError, KeyError, ValueError, RuntimeError)


def _check(settings: Settings) -> None:
    if not settings.oidc_client_id or not settings.oidc_client_secret:
        raise SettingsError("signing in by a provider needs oidc_client_id and oidc_client_secret besides oidc_issuer")
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise SettingsError(f"oidc_issuer '{settings.oidc_issuer}' must begin with https://")
    try:
        import authlib  # noqa: F401, PLC0415 - only whether it is there
    except ModuleNotFoundError as error:
        raise SettingsError("signing in by a provider needs Authlib: install gridgov[oidc]") from error
