"""One process for everything: the Streamlit console, the map's routes and the web files.

Every answer carries a Content-Security-Policy that keeps the browser on this host.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridgov.api.tiles import TileRoutes, TileSource, refuse
from gridgov.config import Settings, resource_dir
from gridgov.errors import NotFoundError
from gridgov.maps import assets

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


def health(request: Request) -> Response:
    """Answer that the server is up."""
    del request
    return JSONResponse({"status": "ok"})


def create_app(
    settings: Settings, workspace: TileSource, *, script: Path | None = None, routes: Sequence[BaseRoute] = ()
) -> st.App:
    """Return the application: console, tiles, points and web files of one workspace.

    Parameters
    ----------
    settings : Settings
        Kept for routes that depend on them.
    workspace : TileSource
        The opened workspace.
    script : Path, optional
        The Streamlit script; default: the console.
    routes : sequence of routes, optional
        More routes, before Streamlit's own.
    """
    del settings  # nothing in the map's routes depends on them yet
    own: list[BaseRoute] = [
        Route("/healthz", health),
        Route(f"{assets.PREFIX}/{{name:path}}", web_file),
        *TileRoutes(workspace).routes,
        *routes,
    ]
    return st.App(script or resource_dir("app") / "main.py", routes=own, middleware=[Middleware(SealedRoom)])


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
        "client.toolbarMode": "minimal",
        "client.showSidebarNavigation": False,
        "global.developmentMode": False,
        "logger.level": "warning",
    }


def run(app: st.App, settings: Settings) -> None:
    """Serve until stopped."""
    app.run(config=server_options(settings))
