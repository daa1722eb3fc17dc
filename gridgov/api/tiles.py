"""Routes of the map: vector and raster tiles, points, shapes. They read the workspace and never change it."""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gridgov.errors import GridgovError, NotFoundError, ParameterError, RightsError
from gridgov.i18n import Lang, as_lang
from gridgov.maps import encode_points, raster_tile, read_tile
from gridgov.model import LayerSpec
from gridgov.model.rights import PUBLIC, Person, Right, require

if TYPE_CHECKING:
    import geopandas as gpd

_PLACE = re.compile(r"(\d{1,2})/(\d{1,8})/(\d{1,8})(?:\.(mvt|png))?")
_DEEPEST_ZOOM = 22
_POINT_FILES = 64
_KEEP = "private, max-age=86400"  # the address holds the version of the data
_ASK_AGAIN = "no-cache"
_STATUS = ((NotFoundError, 404), (ParameterError, 400), (RightsError, 403))


class TileSource(Protocol):
    """What the routes need of a workspace."""

    @property
    def version(self) -> str:
        """Changes when the data change."""

    @property
    def layer_ids(self) -> tuple[str, ...]:
        """Layers it has."""

    def spec(self, layer_id: str) -> LayerSpec:
        """Return what a layer is."""

    def layer(self, layer_id: str, person: Person) -> gpd.GeoDataFrame:
        """Return the rows of a layer that a person may see."""

    def raster_path(self, layer_id: str) -> Path:
        """Return the file of a raster layer."""

    def tiles_path(self, layer_id: str) -> Path:
        """Return the tile archive of a layer."""

    def shapes(self, layer_id: str, person: Person, lang: Lang) -> bytes:
        """Return shapes that change, as JSON."""

    def points_version(self, layer_id: str, person: Person) -> str:
        """Return what changes when a person's points of a layer do (workers go off shift without any new data).

        Two persons with the same version see the same points.
        """


class TileRoutes:
    """Answers tile and point requests for one workspace; pictures and point files are kept, within bounds."""

    def __init__(self, source: TileSource) -> None:
        self._source = source
        self._picture = lru_cache(maxsize=1024)(self._draw)  # about 60 MB
        self._points: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._guard = threading.Lock()

    @property
    def routes(self) -> list[Route]:
        """The routes to mount."""
        return [
            Route("/tiles/{layer}/{place:path}", self.tile),
            Route("/points/{layer}", self.points),
            Route("/shapes/{layer}", self.shapes),
        ]

    def tile(self, request: Request) -> Response:
        """Answer with a tile: 204 where there is nothing, 400 for an impossible place, 404 for no such layer."""
        try:
            z, x, y, ending = parse_place(request.path_params["place"])
            layer_id, spec = self._layer(request)
            if spec.geometry == "raster" and ending != "mvt":
                picture = self._picture(layer_id, self._source.version, z, x, y)
                return _answer(request, picture, "image/png")
            if spec.geometry in {"line", "polygon", "any"} and ending != "png":
                tile = read_tile(self._source.tiles_path(layer_id), z, x, y)
                return _answer(request, tile, "application/vnd.mapbox-vector-tile", gzipped=True)
            raise NotFoundError(f"layer '{layer_id}' has no tiles of that kind")
        except GridgovError as error:
            return refuse(error)

    def points(self, request: Request) -> Response:
        """Answer with all points of a layer in binary."""
        try:
            layer_id, spec = self._layer(request)
            if spec.geometry != "point":
                raise NotFoundError(f"layer '{layer_id}' has no points")
            packed = self._packed(layer_id, person_of(request))
            return _answer(request, packed, "application/octet-stream", gzipped=True, keep=_ASK_AGAIN)
        except GridgovError as error:
            return refuse(error)

    def shapes(self, request: Request) -> Response:
        """Answer with lines and marks that change, such as closures, as JSON."""
        try:
            lang = as_lang(request.query_params.get("lang"))
            found = self._source.shapes(request.path_params["layer"], person_of(request), lang)
            packed = gzip.compress(found, 4, mtime=0)
            return _answer(request, packed, "application/json", gzipped=True, keep=_ASK_AGAIN)
        except GridgovError as error:
            return refuse(error)

    def _layer(self, request: Request) -> tuple[str, LayerSpec]:
        require(person_of(request), Right.LAYER_READ)
        layer_id = request.path_params["layer"]
        if layer_id not in self._source.layer_ids and "@" not in layer_id:  # a version of a layer: the source knows
            raise NotFoundError(f"there is no layer '{layer_id}'")
        return layer_id, self._source.spec(layer_id)

    def _draw(self, layer_id: str, version: str, z: int, x: int, y: int) -> bytes | None:
        del version  # part of the key only
        return raster_tile(self._source.raster_path(layer_id), self._source.spec(layer_id), z, x, y)

    def _packed(self, layer_id: str, person: Person) -> bytes:
        """Return a person's points of a layer, encoded once for all who see the same ones."""
        key = layer_id, self._source.points_version(layer_id, person)
        with self._guard:
            if key in self._points:
                self._points.move_to_end(key)
                return self._points[key]
        points = encode_points(self._source.layer(layer_id, person), self._source.spec(layer_id))
        packed = gzip.compress(points, 4, mtime=0)
        with self._guard:
            self._points[key] = packed
            while len(self._points) > _POINT_FILES:
                self._points.popitem(last=False)
        return packed


def person_of(request: Request) -> Person:
    """Return who asks, as the guard found out; the public where there is no guard."""
    person = request.scope.get("state", {}).get("person")
    return person if isinstance(person, Person) else PUBLIC


def parse_place(place: str) -> tuple[int, int, int, str | None]:
    """Return z, x, y and the ending of a tile's address.

    Raises
    ------
    ParameterError
        It is no tile of the world.
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        raise ParameterError(f"a tile's address ends in z/x/y, not in '{place}'")
    z, x, y = (int(match[k]) for k in (1, 2, 3))
    if z > _DEEPEST_ZOOM or x >= 2**z or y >= 2**z:
        raise ParameterError(f"there is no tile {z}/{x}/{y}")
    return z, x, y, match[4]


def refuse(error: GridgovError) -> Response:
    """Return the answer for an error: its sentence, never a traceback."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return Response(str(error), status_code=status, media_type="text/plain; charset=utf-8")


def _answer(
    request: Request, body: bytes | None, media_type: str, *, gzipped: bool = False, keep: str = _KEEP
) -> Response:
    keep = keep if request.query_params.get("v") else _ASK_AGAIN
    if body is None:
        return Response(status_code=204, headers={"Cache-Control": keep})
    headers = {"Cache-Control": keep, "ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
    return Response(body, media_type=media_type, headers=headers)
