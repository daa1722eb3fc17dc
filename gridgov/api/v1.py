"""The API `/api/v1` as one application, its description and its page, which loads nothing from elsewhere."""

from __future__ import annotations

import json

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gridgov import __version__
from gridgov.api import (
    accounts,
    changes,
    closures,
    districts,
    evacuations,
    hazards,
    incidents,
    orders,
    people,
    problems,
    reports,
    service_areas,
    sessions,
)
from gridgov.api.asking import WorkspaceSource
from gridgov.api.changes import Feed
from gridgov.api.guard import Resolver
from gridgov.api.schemas import Problem
from gridgov.config import Settings
from gridgov.i18n import label
from gridgov.maps import assets

PREFIX = "/api"
_ROUTERS = (
    sessions,
    reports,
    incidents,
    people,
    districts,
    closures,
    service_areas,
    hazards,
    evacuations,
    orders,
    accounts,
    changes,
)
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="{style}"></head>
<body><div id="page"></div><script src="{script}"></script>
<script>SwaggerUIBundle({options})</script></body></html>"""


def api_app(source: WorkspaceSource, settings: Settings, *, resolve: Resolver) -> FastAPI:
    """Return the application that answers below `/api`.

    Parameters
    ----------
    source : WorkspaceSource
    settings : Settings
    resolve : callable
        Whose session a token is; streams ask now and then whether it still is.
    """
    app = FastAPI(
        title="gridgov",
        version=__version__,
        description=label("api.description", "en"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        redirect_slashes=False,
        exception_handlers=dict(problems.HANDLERS),
    )
    app.state.source, app.state.settings = source, settings
    app.state.resolve, app.state.feed = resolve, Feed()
    for module in _ROUTERS:
        app.include_router(module.router, prefix="/v1")
    app.add_route("/docs", page, include_in_schema=False)
    _describe(app)
    return app


def page(request: Request) -> Response:
    """Answer with the page on which the API can be read and tried."""
    lang = problems.request_lang(request)
    options = {"url": f"{PREFIX}/openapi.json", "dom_id": "#page", "validatorUrl": None, "deepLinking": True}
    return HTMLResponse(
        _PAGE.format(
            lang=lang,
            title=label("api.title", lang),
            style=assets.url("swagger-ui/swagger-ui.css"),
            script=assets.url("swagger-ui/swagger-ui-bundle.js"),
            options=json.dumps(options),
        )
    )


def _describe(app: FastAPI) -> None:
    """Add to the description what FastAPI does not know: the problem's form and how one signs in."""
    document = app.openapi()
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(model.pop("$defs", {}))
    schemas["Problem"] = model
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "gridgov_session"},
    }
    document["security"] = [{"token": []}, {"cookie": []}, {}]
