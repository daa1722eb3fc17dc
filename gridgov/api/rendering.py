"""Plain pages for people: templates with escaping, the language of a request, what the page's script has to know."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gridgov.api.guard import SESSION_COOKIE, csrf_token
from gridgov.config import Settings, resource_dir
from gridgov.i18n import LANGS, Lang, as_lang, label, texts
from gridgov.maps import assets
from gridgov.model.rights import PUBLIC, Person, Role
from gridgov.workspace import Workspace

LANG_COOKIE = "gridgov_lang"
PREFIX = "/phone"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


class WorkspaceSource(Protocol):
    """Where a route finds the present version of the workspace."""

    @property
    def workspace(self) -> Workspace:
        """The opened workspace."""


class Renderer:
    """Fills the templates of app/phone; whatever is put in is shown as text."""

    def __init__(self, source: WorkspaceSource, settings: Settings) -> None:
        self.source = source
        self.settings = settings
        self._templates = Environment(
            loader=FileSystemLoader(folder()), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def lang(self, request: Request) -> Lang:
        """Return the language: ``?lang=``, else what was chosen before, else the setting."""
        for value in (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE)):
            if value in LANGS:
                return as_lang(value)
        return as_lang(self.settings.lang)

    def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """Answer with a page in the language of the request; it is never kept by a cache."""
        lang = self.lang(request)
        workspace = self.source.workspace
        content = self._templates.get_template(template).render(
            lang=lang,
            other_lang=LANGS[1 - LANGS.index(lang)],
            switch=_switched(request, LANGS[1 - LANGS.index(lang)]),
            t=partial(_text, lang=lang),
            clock=partial(clock_text, zone=workspace.timezone),
            district=workspace.name(lang),
            person=person_of(request),
            file=file_url,
            asset=assets.url,
            **values,
        )
        headers = {"Cache-Control": "no-store"}
        answer = HTMLResponse(content, status_code=status, headers=headers)
        if request.query_params.get("lang") in LANGS:
            answer.set_cookie(LANG_COOKIE, lang, max_age=31_536_000, httponly=True, samesite="lax")
        return answer


def person_of(request: Request) -> Person:
    """Return who asks, as the guard found out; without a guard everybody is the public."""
    person = getattr(request.state, "person", None)
    return person if isinstance(person, Person) else PUBLIC


def is_signed_in(person: Person) -> bool:
    """Whether somebody is signed in."""
    return person.role is not Role.PUBLIC


def csrf_of(request: Request) -> str:
    """Return the token that a post of this session must carry; empty for the public."""
    token = request.cookies.get(SESSION_COOKIE, "")
    return csrf_token(token) if token and is_signed_in(person_of(request)) else ""


def table_texts(table: str, lang: Lang) -> dict[str, str]:
    """Return all texts of a table by their short codes, for a page's script."""
    return {code.removeprefix(f"{table}."): text for code, text in texts(lang).items() if code.startswith(f"{table}.")}


def clock_text(moment: datetime | None, zone: Any) -> str:
    """Return a moment as the district's people read it."""
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def folder() -> Path:
    """Return the folder of templates, scripts and style sheets."""
    return resource_dir("app") / "phone"


@cache
def file_url(name: str) -> str:
    """Return the URL of a script or style sheet with a digest of its content, so that browsers may keep it."""
    digest = hashlib.sha256((folder() / name).read_bytes()).hexdigest()[:10]
    return f"{PREFIX}/{name}?v={digest}"


def web_file(request: Request) -> Response:
    """Answer with a script or style sheet of these pages; templates are none."""
    name = request.path_params["name"]
    file = folder() / name
    if "/" in name or file.suffix not in _TYPES or not file.is_file():
        return Response("there is no such file", status_code=404, media_type="text/plain; charset=utf-8")
    keep = "public, max-age=31536000, immutable" if request.query_params.get("v") else "no-cache"
    return Response(file.read_bytes(), media_type=_TYPES[file.suffix], headers={"Cache-Control": keep})


def _text(code: str, /, *, lang: Lang, **fields: object) -> str:
    return label(code, lang, **fields)


def _switched(request: Request, lang: Lang) -> str:
    """Return the address of this page in the other language, without the host."""
    url = request.url.include_query_params(lang=lang)
    return f"{url.path}?{url.query}"
