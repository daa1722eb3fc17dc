"""The web files of a map: our own script and style sheet, and local links in place of folium's CDN links.

Nothing may be asked from another host. `localise` gives every element of a map its local links; a link that has no
local file is an error, never a silent request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from branca.colormap import ColorMap
from folium import Icon
from folium.elements import JSCSSMixin

from gridgov.config import resource_dir
from gridgov.errors import NotFoundError

PREFIX = "/assets"
_STATIC = Path(__file__).parent / "static"
# Our own scripts, in the order in which they build on each other; the browser gets them as one file.
_SCRIPTS = (
    "base.js", "symbols.js", "vector_layer.js", "point_layer.js", "shape_layer.js", "label_layer.js", "panels.js",
    "swipe.js", "linked.js", "drawing.js", "overlays.js", "plan_layer.js", "emergency.js", "console.js",
)  # fmt: skip
_STYLES = ("console.css", "emergency.css")
# folium's link -> our file below assets/.
_LOCAL = (
    (re.compile(r"/leaflet@[\d.]+/dist/leaflet\.(js|css)$"), r"leaflet/leaflet.\1"),
    (re.compile(r"/jquery-3[\d.]+\.min\.js$"), "jquery/jquery.min.js"),
    (re.compile(r"/leaflet\.draw/[\d.]+/leaflet\.draw\.(js|css)$"), r"leaflet-draw/leaflet.draw.\1"),
)
# What a stock folium.Map asks for folium.Icon and for the look of its popups; the map works without it.
_NOT_NEEDED = re.compile(r"bootstrap|awesome")


@cache
def own_file(name: str) -> bytes:
    """Return ``console.js`` or ``console.css``: our own files joined into one.

    Raises
    ------
    NotFoundError
        Any other name.
    """
    parts = {"console.js": _SCRIPTS, "console.css": _STYLES}.get(name)
    if parts is None:
        raise NotFoundError(f"there is no web file '{name}'")
    return b"\n".join((_STATIC / part).read_bytes() for part in parts)


@cache
def version() -> str:
    """Return a short digest of all web files; it is part of their URLs, so that browsers may keep them for good."""
    digest = hashlib.sha256(own_file("console.js") + own_file("console.css"))
    stamp = resource_dir("assets") / ".stamp"
    digest.update(stamp.read_bytes() if stamp.is_file() else b"")
    return digest.hexdigest()[:10]


def url(name: str) -> str:
    """Return the same-origin URL of a web file, with its version."""
    return f"{PREFIX}/{name}?v={version()}"


def local_link(link: str) -> str | None:
    """Return our URL for one of folium's links; None: the map does not need it.

    Raises
    ------
    NotFoundError
        The link is not known, or its file is missing.
    """
    if link.startswith(f"{PREFIX}/"):
        return link
    for pattern, target in _LOCAL:
        if match := pattern.search(link):
            name = match.expand(target)
            if not (resource_dir("assets") / name).is_file():
                raise NotFoundError(f"the web file assets/{name} is missing: install gridgov again")
            return url(name)
    if _NOT_NEEDED.search(link):
        return None
    raise NotFoundError(f"the map would load {link}: add its npm package to package.json and maps/assets.py")


def localise(element: Any) -> None:
    """Give an element and all its children local links, on the objects themselves; folium's classes stay as they are.

    Raises
    ------
    NotFoundError
        A link has no local file, or an element can only work with files of another host.
    """
    for part in _walk(element):
        if isinstance(part, ColorMap | Icon):
            raise NotFoundError(f"{type(part).__name__} loads files of other hosts: use the legend and maps.features")
        if isinstance(part, JSCSSMixin):
            for attribute in ("default_js", "default_css"):
                links = ((name, local_link(link)) for name, link in getattr(part, attribute))
                setattr(part, attribute, [(name, link) for name, link in links if link is not None])


def _walk(element: Any) -> Iterator[Any]:
    yield element
    for child in getattr(element, "_children", {}).values():
        yield from _walk(child)
