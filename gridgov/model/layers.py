"""图层规格: what a kind of layer is, as declared in layers/<kind>.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gridgov.i18n import Lang

GeometryKind = Literal["point", "line", "polygon", "any", "raster", "table"]
FieldType = Literal["string", "integer", "number", "boolean", "time", "clock", "list"]
Side = Literal["inside", "outside"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a layer: type, unit and limits; `values` lists the codes allowed (empty: any)."""

    name: str
    type: FieldType
    names: Mapping[str, str]
    required: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerStyle:
    """How a layer is drawn; colours are #rrggbb. `classes` maps a value of `class_field` to a colour.

    `steps` colours a raster of measures: lower bound of a step (a number, as text) -> colour, rising; what lies below
    the first is not drawn.
    """

    fill: str = ""
    line: str = ""
    width_px: float = 1.0
    radius_px: float = 4.0
    opacity: float = 0.7
    marker: str = "circle"
    class_field: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)
    min_zoom: int = 0


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """A kind of layer.

    `code_scheme` is ``gbt30428`` where the key is the national 15-digit grid code, else empty. `group` puts layers
    together in the layer tree (``basemap``, ``governance``, ``natural_resources``, ``planning``, ``hazards``,
    ``terrain``). `class_names` names the values of the style's class field (of steps: the lower bounds) in both
    languages: value -> {"zh": …, "en": …}. `conflict` says of values of the style's class field on which side of their
    areas a plan conflicts: ``inside`` (as with every value that it does not name) or ``outside``, such as of the urban
    development boundary. `minimum` and `maximum` are what the cells of a raster of measures can hold.
    """

    kind: str
    names: Mapping[str, str]
    geometry: GeometryKind
    group: str
    key: str
    fields: Mapping[str, FieldSpec]
    style: LayerStyle
    crs: str = "EPSG:4326"
    licence: str = ""
    source: str = ""
    unit: str = ""
    code_scheme: str = ""
    class_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    conflict: Mapping[str, Side] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None

    @property
    def conflicts_outside(self) -> tuple[str, ...]:
        """Classes that a plan conflicts with by lying outside of them."""
        return tuple(value for value, side in self.conflict.items() if side == "outside")

    @property
    def holds_classes(self) -> bool:
        """Whether a raster of this kind holds codes of classes, not measures."""
        return self.geometry == "raster" and bool(self.class_names) and not self.style.steps

    def name(self, lang: Lang) -> str:
        """Return the layer's name in a language."""
        return self.names[lang]
