"""Buffers and nearness: what of a layer lies within some metres of another one, its people, how far the nearest is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.widgets.background import answer_to
from app.widgets.frame import language, text
from app.widgets.map_frame import Show
from app.widgets.planning_inputs import (
    Row,
    cautions,
    choose,
    class_name,
    csv_button,
    finding_texts,
    go_list,
    head,
    layer_name,
    layers_for,
    number,
    percent,
    sentence,
    table,
)
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import NO_COLOUR, LegendPart, Overlay, overlay_group
from gridgov.maps.planning_overlays import UNKNOWN_COLOUR, Area, Class, area_overlay, class_overlay, filled, outlines
from gridgov.model.rights import Person
from gridgov.operations.analysing import LayerUse
from gridgov.operations.mapping import grid_name
from gridgov.operations.nearness import MOST_M, Nearness, within_distance
from gridgov.workspace import Workspace

_GRIDS = "grids"
_WGS84 = "EPSG:4326"
_MOST_SHAPES = 1_500
_LISTED = 200
_COARSE = 0.005  # of the distance: a drawn border may be that much off
_SCALE = {"m2": 10_000.0, "m": 1_000.0, "pieces": 1.0}
_WHOLE_COLOUR, _PARTLY_COLOUR, _NEAR_COLOUR, _INK = "#228833", "#ccbb44", "#aa3377", "#14243a"
_WHOLE = 1 - 1e-6


def nearness_tool(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the question, and what lies within the distance on the map, in words, as a table, as a file."""
    layers = layers_for(opened, who, "polygon", "line", "point")
    if len(layers) < 2:
        show([])
        st.info(text("planning_parts.near_only_one"))
        return
    near = choose(
        text("planning_parts.near_layer"), sorted(layers, key=lambda layer: layer != "shelters"),
        name="plan_near_layer", show=lambda ref: layer_name(opened, ref),
    )  # fmt: skip
    of = choose(
        text("planning_parts.near_of"), sorted((r for r in layers if r != near), key=lambda layer: layer != _GRIDS),
        name="plan_near_of", show=lambda ref: layer_name(opened, ref),
    )  # fmt: skip
    metres = number(
        st.container(), text("planning_parts.near_distance"), 1, MOST_M, name="plan_near_m", default=500, step=50
    )
    found = answer_to(
        opened, "nearness", (near, of, metres),
        lambda: within_distance(opened, who, LayerUse(near), distance_m=metres, of=LayerUse(of)),
        hint="planning_parts.cannot_nearness",
    )  # fmt: skip
    if found is None:
        show([])
        return
    show([overlay_group(_overlay(opened, found, near, of))])
    _answer(opened, found, near, of)


def _overlay(opened: Workspace, found: Nearness, near: str, of: str) -> Overlay:
    """Return what is measured in the colours of its share, the border of the zone, and what it is drawn around."""
    metres = f"{found.distance_m:,.0f}"
    title = text("planning_parts.near_title", near=layer_name(opened, near), metres=metres)
    classes = [
        Class(text("planning_parts.near_whole"), _WHOLE_COLOUR),
        Class(text("planning_parts.near_partly"), _PARTLY_COLOUR),
        Class(text("planning_parts.near_outside"), UNKNOWN_COLOUR),
    ]
    share, rows = found.table["share_within"].to_numpy(), found.table["row"].to_numpy() - 1
    kinds = np.where(share >= _WHOLE, 0, np.where(share > 0, 1, 2))
    if of == _GRIDS:
        codes = np.full(len(opened.layer(of)), NO_COLOUR, dtype=np.uint8)
        codes[rows] = kinds
        drawn = class_overlay(title, codes, classes)
    else:
        shapes = opened.layer(of).geometry
        some = np.argsort(kinds, kind="stable")[:_MOST_SHAPES]
        tips = [text("planning_parts.near_far", metres=f"{m:,.0f}") for m in found.table["distance_m"].iloc[some]]
        areas = [
            Area(shapes.iloc[rows[k]], int(kinds[k]), (_feature(opened, of, found.table.iloc[k]), tip))
            for k, tip in zip(some, tips, strict=True)
        ]
        drawn = area_overlay(title, areas, classes)
    return _with_zone(opened, drawn, found, near)


def _with_zone(opened: Workspace, drawn: Overlay, found: Nearness, near: str) -> Overlay:
    around = [Area(shape, 0) for shape in opened.layer(near).geometry.head(_MOST_SHAPES) if not _nothing(shape)]
    marks = filled(around, [Class(layer_name(opened, near), _NEAR_COLOUR)])
    border = found.zone.simplify(found.distance_m * _COARSE).explode(ignore_index=True)
    zone = outlines(border.to_crs(_WGS84), _INK, width=1.4, dash=(5, 4))
    line = text("planning_parts.near_zone", metres=f"{found.distance_m:,.0f}")
    kind = {"point": "point", "line": "line"}.get(opened.entry(near).geometry, "fill")
    entry = LegendPart(
        "",
        (
            LegendEntry("line", line, _INK),
            LegendEntry(kind, layer_name(opened, near), _NEAR_COLOUR),
        ),
    )
    return replace(drawn, shapes=(*drawn.shapes, zone, marks), legend=(*drawn.legend, entry))


def _nothing(shape: Any) -> bool:
    return shape is None or shape.is_empty


def _feature(opened: Workspace, layer: str, row: pd.Series) -> str:
    if layer == _GRIDS:
        return grid_name(opened, int(row["row"]) - 1, language())
    kind = class_name(opened, layer, row["class"]) if row["class"] else ""
    return " · ".join(each for each in (kind, str(row["id"])) if each)


def _answer(opened: Workspace, found: Nearness, near: str, of: str) -> None:
    sums, unit, scale = found.by_class, text(f"planning_parts.unit_{found.unit}"), _SCALE[found.unit]
    given = {
        "near": layer_name(opened, near), "metres": f"{found.distance_m:,.0f}",
        "n": f"{int(sums['features_within'].sum()):,}", "count": f"{len(found.table):,}",
    }  # fmt: skip
    if found.knows_people:
        people, inside = float(sums["persons"].sum()), float(sums["persons_within"].sum())
        share = percent(inside / people if people else None)
        sentence(
            text("planning_parts.near_people", **given, persons=f"{inside:,.0f}", all=f"{people:,.0f}", share=share)
        )
    else:
        whole, inside = float(sums["size"].sum()), float(sums["size_within"].sum())
        sentence(
            text("planning_parts.near_answer", **given, layer=layer_name(opened, of), unit=unit,
                 whole=_sized(whole / scale, found), inside=_sized(inside / scale, found),
                 share=percent(inside / whole if whole else None))
        )  # fmt: skip
    cautions(finding_texts(opened, found.findings))
    _tables(opened, found, of, f"nearness-{near}-{of}.csv")


def _sized(size: float, found: Nearness) -> str:
    return f"{size:,.0f}" if found.unit == "pieces" else f"{size:,.2f}"


def _tables(opened: Workspace, found: Nearness, of: str, file_name: str) -> None:
    unit, scale, rows = text(f"planning_parts.unit_{found.unit}"), _SCALE[found.unit], found.table
    inside = text("planning_parts.near_inside")
    heads = [text("planning_parts.class"), unit, f"{inside} ({unit})", text("planning_parts.near_share")]
    lines = [
        [class_name(opened, of, row["class"]), _sized(row["size"] / scale, found),
         _sized(row["size_within"] / scale, found), percent(row["share_within"])]
        for row in found.by_class.to_dict("records")
    ]  # fmt: skip
    if found.knows_people:
        heads.append(text("planning_parts.near_people_inside"))
        lines = [[*line, f"{n:,.0f}"] for line, n in zip(lines, found.by_class["persons_within"], strict=True)]
    head(text("planning_parts.by_class"))
    table(heads, lines, height=190)
    listed = rows.sort_values("distance_m", ascending=False, kind="stable").head(_LISTED)
    places = [_line(opened, of, row) for _, row in listed.iterrows()]
    go_list(opened, text("planning_parts.near_far_list"), places, name="plan_near_list", height=220)
    columns = ["id", "class", "nearest_id", "distance_m", "share_within", *(["persons", "persons_within"] if
               found.knows_people else [])]  # fmt: skip
    names = ["", text("planning_parts.class"), text("planning_parts.nearest"), text("planning_parts.near_distance_m"),
             text("planning_parts.near_share"), text("planning_parts.group_persons"),
             text("planning_parts.near_people_inside")]  # fmt: skip
    values = rows[columns].round(4).astype(object).where(rows[columns].notna(), "")
    csv_button([layer_name(opened, of), *names[1 : len(columns)]], values.to_numpy().tolist(), file_name)


def _line(opened: Workspace, of: str, row: pd.Series) -> Row:
    metres = text("planning_parts.near_far", metres=f"{row['distance_m']:,.0f}")
    within = f"{text('planning_parts.near_inside')} {percent(row['share_within'])}"
    shape = opened.layer(of).geometry.iloc[int(row["row"]) - 1]
    names = f"{row['id']} → {row['nearest_id']}" if of == _GRIDS else f"→ {row['nearest_id']}"
    return Row(f"{metres} · {_feature(opened, of, row)}", f"{names} · {within}", geometry=shape.__geo_interface__)
