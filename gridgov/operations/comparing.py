"""前后对比: a map with two layers, or two versions of one, left and right of a line that can be dragged."""

from __future__ import annotations

from dataclasses import replace

from gridgov.errors import ParameterError
from gridgov.i18n import Lang
from gridgov.maps import MapLayer, MapView, map_layer
from gridgov.model.rights import Person, Right, require
from gridgov.operations.catalogue import LIVE
from gridgov.workspace import Workspace

_GROUND = ("roads", "divisions")  # lies over both sides, to find one's way


def compare_layers(workspace: Workspace, person: Person, left: str, right: str, lang: Lang) -> MapView:
    """Return the view of a map that compares two layers or versions (``land_cover@2020``).

    Its key is that of the pair, so that the browser keeps the place for each pair.

    Raises
    ------
    LayerNotFoundError
        There is no such layer or version.
    ParameterError
        They are the same, or one has nothing to draw.
    """
    require(person, Right.LAYER_READ)
    one, two = workspace.entry(left), workspace.entry(right)
    if one == two:
        raise ParameterError(f"'{left}' and '{right}' are the same version of a layer; choose two")
    for entry in (one, two):
        if entry.geometry == "table" or entry.kind in LIVE:
            raise ParameterError(f"layer '{entry.layer_id}' cannot be compared on a map; choose another")
    refs = [f"{entry.layer_id}@{entry.version}" for entry in (one, two)]
    first, second = (_side(workspace, ref, lang) for ref in refs)
    if one.kind == two.kind:
        first = replace(first, legend=())  # the right side says the same
    ground = [map_layer(name, workspace.spec(name), lang) for name in _GROUND if workspace.has(name)]
    ground = [layer for layer in ground if layer.layer_id not in {one.layer_id, two.layer_id}]
    key = f"compare-{workspace.manifest.workspace_id}-{'-'.join(sorted(refs))}"
    return MapView(lang, workspace.bounds, (first, second, *ground), key, workspace.version, swipe=(refs[0], refs[1]))


def _side(workspace: Workspace, ref: str, lang: Lang) -> MapLayer:
    entry = workspace.entry(ref)
    layer = map_layer(ref, workspace.spec(ref), lang)
    return replace(layer, name=f"{layer.name} {entry.date or entry.added_at[:10]}", visible=True, opacity=1.0)
