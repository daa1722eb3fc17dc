"""The page that a browser gets for an address while the database is away: one sentence, and it tries again."""

from __future__ import annotations

from html import escape

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from gridgov.i18n import Lang, label

_AGAIN_S = 5
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{again_s}"><title>{title}</title><link rel="icon" href="data:,">
<style>body {{ font: 17px/1.6 system-ui, sans-serif; color: #14243a; margin: 18vh auto 0; padding: 0 20px;
max-width: 34rem; }} h1 {{ font-size: 1.25rem; }} a {{ color: #1d5f96; }}</style></head>
<body><main><h1>{title}</h1><p role="alert">{words}</p><p><a href="">{again}</a></p></main></body></html>
"""


def is_navigation(scope: Scope, headers: Headers) -> bool:
    """Whether somebody opens a page, not a program that asks for data."""
    return scope["method"] == "GET" and "text/html" in headers.get("accept", "")


def away_page(lang: Lang) -> Response:
    """Return the page; status 503, and nothing of what the database said."""
    content = _PAGE.format(
        lang="zh-CN" if lang == "zh" else "en",
        again_s=_AGAIN_S,
        title=escape(label("console.away", lang)),
        words=escape(label("console.store_lost", lang)),
        again=escape(label("console.try_again", lang)),
    )
    return HTMLResponse(content, 503, {"Cache-Control": "no-store", "Retry-After": str(_AGAIN_S)})
