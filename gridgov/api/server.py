"""One process for everything: the Streamlit console, the API, the plain pages, the map's routes and the web files.

Every answer carries a Content-Security-Policy that keeps the browser on this host; the `Guard` stands before all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridgov.api import ogc, oidc, open311, pages
from gridgov.api.asking import WorkspaceSource
from gridgov.api.changes import Feed
from gridgov.api.guard import Guard, Memory, Resolver
from gridgov.api.limits import Limits, Rates
from gridgov.api.problems import HANDLERS
from gridgov.api.tiles import TileRoutes, TileSource, refuse
from gridgov.api.v1 import PREFIX, api_app
from gridgov.config import Settings, resource_dir
from gridgov.errors import GridgovError, NotFoundError, ParameterError
from gridgov.maps import assets
from gridgov.operations.sessions import person_of, remembered_person

# Streamlit's page has inline scripts and styles; streamlit-folium evaluates the map's script. All of it is ours.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "frame-ancestors 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}
_FOREVER = "public, max-age=31536000, immutable"
_OWN_TYPES = {"console.js": "text/javascript; charset=utf-8", "console.css": "text/css; charset=utf-8"}


class SealedRoom:
    """Adds the security headers to every HTTP answer (plain ASGI, so that streams stay streams)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and mark the answer."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, marked if scope["type"] == "http" else send)


def web_file(request: Request) -> Response:
    """Answer with one of the browser libraries or our own script and style sheet."""
    name = request.path_params["name"]
    headers = {"Cache-Control": _FOREVER if request.query_params.get("v") else "no-cache"}
    if name in _OWN_TYPES:
        return Response(assets.own_file(name), media_type=_OWN_TYPES[name], headers=headers)
    folder = resource_dir("assets").resolve()
    file = (folder / name).resolve()
    if not file.is_relative_to(folder) or not file.is_file() or file.name.startswith("."):
        return refuse(NotFoundError(f"there is no web file '{name}'"))
    return FileResponse(file, headers=headers)


class Health:
    """Answers that the server is up, and whether its store takes anything."""

    def __init__(self, source: WorkspaceSource | None) -> None:
        self._source = source

    def answer(self, request: Request) -> Response:
        """Answer; a server that can only be read is up as well."""
        del request
        try:
            writable = self._source is None or self._source.workspace.store.writable()
        except GridgovError:
            writable = False
        return JSONResponse({"status": "ok" if writable else "read-only"}, headers={"Cache-Control": "no-store"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is made of, but for Streamlit: routes, the middleware around everything, start and end."""

    routes: list[BaseRoute]
    middleware: list[Middleware]
    lifespan: Callable[[st.App], AbstractAsyncContextManager[None]] | None


def create_app(
    settings: Settings,
    source: TileSource,
    *,
    script: Path | None = None,
    routes: Sequence[BaseRoute] = (),
    resolve: Resolver | None = None,
) -> st.App:
    """Return the application: console, API, pages, tiles, points and web files of one workspace, behind the `Guard`.

    Parameters
    ----------
    settings : Settings
    source : TileSource
        Gives the layers; one that also gives the `workspace` gets the API and the plain pages.
    script : Path, optional
        The Streamlit script; default: the console.
    routes : sequence of routes, optional
        More routes, before Streamlit's own.
    resolve : callable, optional
        Whose session a token is; default: the workspace's accounts tell.

    Raises
    ------
    ParameterError
        Neither accounts nor `resolve` tell who somebody is.
    """
    parts = server_parts(settings, source, resolve=resolve)
    return st.App(
        script or resource_dir("app") / "main.py",
        routes=[*parts.routes, *routes],
        middleware=parts.middleware,
        lifespan=parts.lifespan,
    )


def server_parts(
    settings: Settings, source: TileSource, *, resolve: Resolver | None = None, rates: Rates | None = None
) -> Parts:
    """Return everything that `create_app` puts around and beside the console.

    Parameters
    ----------
    rates : Rates, optional
        How much somebody may ask; default: what the settings say.
    """
    full = source if isinstance(source, WorkspaceSource) else None
    known = resolve or _by_accounts(full)
    routes: list[BaseRoute] = [
        Route("/healthz", Health(full).answer),
        Route(f"{assets.PREFIX}/{{name:path}}", web_file),
        *TileRoutes(source).routes,
    ]
    remembered = None if full is None or resolve is not None else _by_memory(full)
    middleware = [
        Middleware(SealedRoom),
        Middleware(Guard, resolve=known, remembered=remembered),
        Middleware(Limits, rates=rates or Rates.of(settings)),
    ]
    if full is None:
        return Parts(routes, middleware, None)
    api = api_app(full, settings, resolve=known)
    middleware.append(Middleware(Aside, prefix=PREFIX, app_there=_apis(full, api)))
    return Parts([*routes, *_pages(full, settings)], middleware, _ending(api.state.feed))


class Aside:
    """Leads everything below a path to another application, past Streamlit's own middleware, which costs time there."""

    def __init__(self, app: ASGIApp, *, prefix: str, app_there: ASGIApp) -> None:
        self._app, self._prefix, self._there = app, f"{prefix}/", app_there

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        there = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        await (self._there if there else self._app)(scope, receive, send)


def _pages(source: WorkspaceSource, settings: Settings) -> list[BaseRoute]:
    """Return the plain pages: sign-in, the public report, the grid worker's phone."""
    providers = [pages.SignInProvider(settings.oidc_name, f"{oidc.START}/")] if oidc.is_configured(settings) else []
    return [*oidc.routes(source, settings), *pages.routes(source, settings, providers=providers)]


def _apis(source: WorkspaceSource, api: ASGIApp) -> ASGIApp:
    """Return all that answers below `/api`; long answers are compressed, streams are not."""
    routes = [
        Route(f"{PREFIX}/ogc", ogc.to_landing),
        Mount(f"{PREFIX}/ogc", routes=ogc.routes(source)),
        Mount(f"{PREFIX}/open311/v2", routes=open311.routes(source)),
        Mount(PREFIX, app=api),
    ]
    compressed = Middleware(GZipMiddleware, minimum_size=32_768, compresslevel=4)
    return Starlette(routes=routes, middleware=[compressed], exception_handlers=HANDLERS)


def _by_memory(source: WorkspaceSource) -> Memory:
    return lambda token: remembered_person(source.workspace, token)


def _by_accounts(source: WorkspaceSource | None) -> Resolver:
    if source is None:
        raise ParameterError("a source without a workspace has no accounts: say by `resolve` who somebody is")
    return lambda token: person_of(source.workspace, token)


def _ending(feed: Feed) -> Callable[[st.App], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: st.App) -> AsyncIterator[None]:
        del app
        with feed.ending_with_the_server():
            yield

    return lifespan


def server_options(settings: Settings) -> dict[str, Any]:
    """Return Streamlit's options: this host only, no telemetry, no browser opened, nothing of the inside shown."""
    return {
        "server.address": settings.host,
        "server.port": settings.port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": False,
        "server.enableCORS": True,  # Streamlit's word for: refuse websockets from other origins
        "server.enableXsrfProtection": True,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": settings.host,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "minimal",
        "client.showSidebarNavigation": False,
        "global.developmentMode": False,
        "logger.level": "warning",
        "theme.primaryColor": "#1d5f96",  # red means severe or late, nothing else
    }


def run(app: st.App, settings: Settings) -> None:
    """Serve until stopped."""
    app.run(config=server_options(settings))
