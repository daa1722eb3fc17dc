"""Analyses of vector layers: what lies in what, and where a plan meets protected land."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from app.widgets.background import answer_to
from app.widgets.drawing import begin_drawing, drawing_tools, drawn, drop_drawing
from app.widgets.frame import text
from app.widgets.map_frame import Show
from app.widgets.planning_inputs import (
    Row,
    cautions,
    cells,
    choose,
    choose_some,
    class_name,
    csv_button,
    finding_texts,
    go_list,
    head,
    hectares,
    layer_name,
    layers_for,
    percent,
    sentence,
    table,
)
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import LegendPart, overlay_group
from gridgov.maps.planning_overlays import CONFLICT_COLOUR, KINDS, UNKNOWN_COLOUR, Area, Class, area_overlay, outlines
from gridgov.model.rights import Person
from gridgov.operations.analysing import LayerUse, metric_layer_of, overlay_layers, red_line_conflicts
from gridgov.workspace import Workspace

PURPOSE = "red_lines"
_DRAWN = "drawn"
_MOST_SHAPES = 1_500
_WGS84 = "EPSG:4326"
_SCALE = {"m2": 10_000.0, "m": 1_000.0, "pieces": 1.0}
_PROTECTED = ("farmland", "protection_lines")
_SPLIT = "/"
_INK = "#14243a"


def overlay_tool(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the overlay of two layers: areas per pair of classes, what is left over, the proof that nothing is lost."""
    left_ids, right_ids = layers_for(opened, who, "polygon", "line", "point"), layers_for(opened, who, "polygon")
    left = choose(
        text("planning_parts.layer_divided"), _first(left_ids, "plan"), name="plan_overlay_left",
        show=lambda ref: layer_name(opened, ref),
    )  # fmt: skip
    right = choose(
        text("planning_parts.layer_dividing"), _first([r for r in right_ids if r != left], "farmland"),
        name="plan_overlay_right", show=lambda ref: layer_name(opened, ref),
    )  # fmt: skip
    found = answer_to(
        opened, "overlay", (left, right),
        lambda: overlay_layers(opened, who, LayerUse(left), LayerUse(right), geometry=True),
        hint="planning_parts.cannot_overlay", ready=bool(left and right),
    )  # fmt: skip
    if found is None:
        show([])
        return
    kinds = found.pairs.groupby("right_class")["size"].sum().sort_values(ascending=False).index.tolist()
    place = {kind: min(k, len(KINDS) - 1) for k, kind in enumerate(kinds)}
    shapes = found.pairs.sort_values("size", ascending=False).head(_MOST_SHAPES).to_crs(_WGS84)
    unit, scale = text(f"planning_parts.unit_{found.unit}"), _SCALE[found.unit]
    areas = [
        Area(
            row.geometry, place[row.right_class],
            (class_name(opened, left, row.left_class), class_name(opened, right, row.right_class),
             f"{row.size_ / scale:,.2f} {unit}"),
        )
        for row in shapes.rename(columns={"size": "size_"}).itertuples()
    ]  # fmt: skip
    names = [class_name(opened, right, kind) for kind in kinds]
    if len(names) > len(KINDS):
        names = [*names[: len(KINDS) - 1], text("planning_parts.other_classes")]
    classes = [Class(name, KINDS[k]) for k, name in enumerate(names)]
    title = text("planning_parts.overlay_title", left=layer_name(opened, left), right=layer_name(opened, right))
    drawn_over = area_overlay(title, areas, classes)
    divided = left if found.divided == "left" else right
    if opened.entry(divided).geometry == "polygon":  # so that what lies outside is seen, too
        border = outlines(opened.layer(divided).geometry.head(_MOST_SHAPES), _INK, width=1.4)
        entry = LegendPart("", (LegendEntry("line", layer_name(opened, divided), _INK),))
        drawn_over = replace(drawn_over, shapes=(*drawn_over.shapes, border), legend=(*drawn_over.legend, entry))
    show([overlay_group(drawn_over)])
    _overlay_table(opened, found, left, right)


def _overlay_table(opened: Workspace, found: Any, left: str, right: str) -> None:
    unit, scale = text(f"planning_parts.unit_{found.unit}"), _SCALE[found.unit]
    divided, name = (left, "left_class") if found.divided == "left" else (right, "right_class")
    whole = found.accounts.groupby("class")["size"].sum()
    pairs = found.pairs.groupby(["left_class", "right_class"], as_index=False)["size"].sum()
    lines = [
        (class_name(opened, left, row["left_class"]), class_name(opened, right, row["right_class"]), row["size"],
         row["size"] / whole[row[name]])
        for row in pairs.to_dict("records")
    ]  # fmt: skip
    for kind, rest in found.accounts.groupby("class")["rest"].sum().items():
        if rest > 1e-9 * max(whole[kind], 1.0):
            own = class_name(opened, divided, kind)
            outside = text("planning_parts.outside")
            lines.append((own, outside, rest, rest / whole[kind]) if found.divided == "left"
                         else (outside, own, rest, rest / whole[kind]))  # fmt: skip
    lines.sort(key=lambda line: -line[2])
    balance = found.balance
    sentence(
        text(
            "planning_parts.overlay_sum", layer=layer_name(opened, divided), whole=f"{balance.whole / scale:,.2f}",
            inside=f"{(balance.parts - balance.doubled) / scale:,.2f}", rest=f"{balance.rest / scale:,.2f}", unit=unit,
            error="<0.0001" if balance.error_share < 1e-6 else f"{100 * balance.error_share:.2g}",
        )
    )  # fmt: skip
    cautions(finding_texts(opened, found.findings))
    heads = [layer_name(opened, left), layer_name(opened, right), unit, text("planning_parts.of_class")]
    shown = [(a, b, f"{size / scale:,.2f}", percent(share)) for a, b, size, share in lines]
    table(heads, shown, height=330, words=2)
    rows = [(a, b, round(size / scale, 4), round(share, 6)) for a, b, size, share in lines]
    csv_button(heads, rows, f"overlay-{left}-{right}.csv")


def red_lines_tool(opened: Workspace, who: Person, show: Show) -> None:
    """Draw where a plan, stored or drawn, meets what must stay, with hectares per class."""
    polygons = layers_for(opened, who, "polygon")
    plans = _first([_DRAWN, *polygons], "plan")
    plan = choose(
        text("planning_parts.plan"), plans, name="plan_red_plan",
        show=lambda ref: text("planning_parts.drawn_plan") if ref == _DRAWN else layer_name(opened, ref),
    )  # fmt: skip
    guarded = choose_some(
        text("planning_parts.protected"), [layer for layer in polygons if layer != plan], name="plan_red_protected",
        show=lambda ref: layer_name(opened, ref), default=_PROTECTED,
    )  # fmt: skip
    uses, kinds = _classes_that_count(opened, guarded)
    drawing = drawn(PURPOSE)
    tools = [drawing_tools(PURPOSE, kinds=("polygon",))] if plan == _DRAWN else []
    if plan == _DRAWN:
        _drawing_buttons(has=drawing is not None)
    given = drawing.geometry if plan == _DRAWN and drawing is not None else None
    asked: LayerUse | Mapping[str, Any] = given if given is not None else LayerUse(plan)
    found = answer_to(
        opened, "red_lines", (plan, drawing.id if given is not None and drawing else "", kinds),
        lambda: red_line_conflicts(opened, who, asked, uses),
        hint="planning_parts.cannot_red_lines", ready=bool(uses) and (plan != _DRAWN or given is not None),
    )  # fmt: skip
    if not uses:
        st.info(text("planning_parts.nothing_protected"))
    if found is None:
        show(tools)
        return
    parts = found.parts.head(_MOST_SHAPES).to_crs(_WGS84)
    names = [
        text("planning_parts.red_tip", layer=layer_name(opened, row["layer"]),
             what=_broken(opened, row), ha=hectares(row["size"]))
        for row in parts.to_dict("records")
    ]  # fmt: skip
    areas = [Area(shape, 1, (name,)) for shape, name in zip(parts.geometry, names, strict=True)]
    if plan != _DRAWN:
        areas = [Area(shape, 0) for shape in opened.layer(plan).geometry.head(_MOST_SHAPES)] + areas
    classes = [
        Class(text("planning_parts.plan"), UNKNOWN_COLOUR),
        Class(text("planning_parts.conflict"), CONFLICT_COLOUR),
    ]
    show([overlay_group(area_overlay(text("planning_parts.tool_red_lines"), areas, classes)), *tools])
    _conflicts(opened, found, parts, plan)


def _classes_that_count(opened: Workspace, guarded: tuple[str, ...]) -> tuple[list[LayerUse], tuple[str, ...]]:
    """Draw which classes of the protected layers count; where all of one do, a line that it lacks is said."""
    known = {layer: sorted(set(metric_layer_of(opened, LayerUse(layer)).classes.tolist())) for layer in guarded}
    options = [f"{layer}{_SPLIT}{kind}" for layer, kinds in known.items() for kind in kinds if kind]
    if not options:
        return [LayerUse(layer) for layer in guarded], guarded
    with st.expander(text("planning_parts.classes_that_count")):
        chosen = choose_some(
            text("planning_parts.classes_that_count"), options, name=f"plan_red_kinds {' '.join(guarded)}",
            show=lambda each: class_name(opened, *each.split(_SPLIT, 1)),
            default=options,
        )  # fmt: skip
    uses = []
    for layer, kinds in known.items():
        only = tuple(kind for kind in kinds if f"{layer}{_SPLIT}{kind}" in chosen)
        if only or not any(kinds):
            uses.append(LayerUse(layer, only=() if len(only) == len([kind for kind in kinds if kind]) else only))
    return uses, (*guarded, *chosen)


def _drawing_buttons(*, has: bool) -> None:
    begin, forget = st.columns(2, gap="small")
    begin.button(
        text("planning_parts.draw_plan"), key="draw_plan", on_click=begin_drawing, args=("polygon",), width="stretch"
    )
    forget.button(
        text("planning_parts.forget_drawing"), key="forget_plan", on_click=drop_drawing, disabled=not has,
        width="stretch",
    )  # fmt: skip
    if not has:
        st.caption(text("planning_parts.draw_first"))


def _conflicts(opened: Workspace, found: Any, parts: Any, plan: str) -> None:
    if not found.has_conflicts:
        sentence(text("planning_parts.no_conflict", ha=hectares(found.plan_size)))
        cautions(finding_texts(opened, found.findings))
        return
    taken = found.plan_size - found.free_size
    sentence(
        text("planning_parts.conflicts", ha=hectares(found.plan_size), taken=hectares(taken),
             share=percent(taken / found.plan_size))
    )  # fmt: skip
    cells(
        [
            (text("planning_parts.free"), hectares(found.free_size), text("planning_parts.unit_m2")),
            (text("planning_parts.conflict"), hectares(taken), text("planning_parts.unit_m2")),
        ]
    )
    heads = [text("planning_parts.layer"), text("planning_parts.class"), text("planning_parts.unit_m2"),
             text("planning_parts.of_plan"), text("planning_parts.of_class")]  # fmt: skip
    lines = [
        (layer_name(opened, row["layer"]), _broken(opened, row), row["size"],
         row["share_of_plan"], row["share_of_class"] if row["side"] == "inside" else None)
        for row in found.by_class.to_dict("records")
    ]  # fmt: skip
    head(text("planning_parts.by_class"))
    table(heads, [(a, b, hectares(c), percent(d), percent(e)) for a, b, c, d, e in lines], words=2)
    cautions(finding_texts(opened, found.findings))
    unit = text("planning_parts.unit_m2")
    rows = [
        Row(
            f"{_broken(opened, row)} · {hectares(row['size'])} {unit}",
            _meeting(opened, row, plan),
            geometry=shape.__geo_interface__,
        )
        for row, shape in zip(parts.to_dict("records"), parts.geometry, strict=True)
    ]  # fmt: skip
    go_list(opened, text("planning_parts.conflict_places"), rows, name="plan_red_list", height=180)
    csv_button(heads, [(a, b, round(c / 10_000, 4), round(d, 6), e) for a, b, c, d, e in lines], "red-lines.csv")


def _broken(opened: Workspace, row: Any) -> str:
    """Return the class that a plan conflicts with, and whether by lying outside of it."""
    name = class_name(opened, row["layer"], row["class"])
    return text("planning_parts.out_of", what=name) if row["side"] == "outside" else name


def _meeting(opened: Workspace, row: dict[str, Any], plan: str) -> str:
    """Return what of the plan meets which protected row."""
    own = str(row["plan_class"] or row["plan_id"])
    return " · ".join(each for each in (own and class_name(opened, plan, own), row["protected_id"]) if each)


def _first(layers: list[str], name: str) -> list[str]:
    """Return the layers with one of them in front."""
    return sorted(layers, key=lambda layer: layer != name)
