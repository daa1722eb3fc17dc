"""Analyses of raster layers: what they hold by grid, and what became of land cover between two dates."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app.widgets.background import answer_to
from app.widgets.frame import language, text
from app.widgets.map_frame import Show
from app.widgets.planning_inputs import (
    Row,
    by_grid,
    cautions,
    choose,
    class_name,
    csv_button,
    dated_name,
    finding_texts,
    go_list,
    head,
    layer_name,
    layers_for,
    percent,
    sentence,
    table,
)
from gridgov.maps.overlays import NO_COLOUR, overlay_group
from gridgov.maps.planning_overlays import KINDS, Area, Class, area_overlay, class_overlay, number_overlay
from gridgov.model.rights import Person
from gridgov.operations.analysing import kind_of, land_cover_change, zonal_statistics
from gridgov.operations.catalogue import LayerRecord, layer_versions
from gridgov.operations.mapping import grid_name
from gridgov.workspace import Workspace

_WGS84 = "EPSG:4326"
_STATISTICS = {
    "measures": ("mean", "min", "max"), "counts": ("sum", "mean", "max"), "densities": ("sum", "mean", "max"),
    "classes": ("majority", "share"),
}  # fmt: skip
_MOST_PATCHES = 200
_MOST_CLASSES = 7


def zonal_tool(opened: Workspace, who: Person, show: Show) -> None:
    """Draw a raster summed up by grid: a choropleth, the grids with the most, a file."""
    raster = choose(
        text("planning_parts.raster"), layers_for(opened, who, "raster"), name="plan_zonal_raster",
        show=lambda ref: layer_name(opened, ref),
    )  # fmt: skip
    if not raster or not opened.has("grids"):
        show([])
        st.info(text("planning_parts.no_raster"))
        return
    statistic = choose(
        text("planning_parts.statistic"), _STATISTICS[kind_of(opened, raster)], name="plan_zonal_statistic",
        show=lambda name: text(f"planning_parts.statistic_{name}"),
    )  # fmt: skip
    found = answer_to(
        opened, "zonal", raster, lambda: zonal_statistics(opened, who, raster),
        hint="planning_parts.cannot_zonal",
    )  # fmt: skip
    if found is None:
        show([])
        return
    title = f"{layer_name(opened, raster)} · {text(f'planning_parts.statistic_{statistic}')}"
    if statistic == "majority":
        _majority(opened, found, raster, title, show)
        return
    if statistic == "share":
        values, unit, title = _share(opened, found, raster)
    else:
        values, unit = (
            by_grid(opened, found.table["id"], found.table[statistic].astype(float)),
            opened.spec(raster).unit,
        )
    shown = f" {unit}" if unit else ""
    show([overlay_group(number_overlay(title, values, unknown=text("planning_parts.unknown"), unit=shown))])
    _ranked(opened, found, values, title, unit, raster)


def _share(opened: Workspace, found: Any, raster: str) -> tuple[Any, str, str]:
    """Let a class be chosen and return its share of every grid, per cent."""
    codes = found.classes.groupby("class_code")["area_m2"].sum().sort_values(ascending=False).index
    code = choose(
        text("planning_parts.class"), [str(code) for code in codes], name="plan_zonal_class",
        show=lambda value: class_name(opened, raster, value),
    )  # fmt: skip
    rows = found.classes[found.classes["class_code"].astype(str) == code]
    share = dict(zip(rows["id"].astype(str), rows["share"], strict=True))
    values = [100 * share.get(str(grid), 0.0) if not missing else np.nan
              for grid, missing in zip(found.table["id"], found.table["majority"].isna(), strict=True)]  # fmt: skip
    name = class_name(opened, raster, code)
    return by_grid(opened, found.table["id"], values), "%", text("planning_parts.share_of", what=name)


def _majority(opened: Workspace, found: Any, raster: str, title: str, show: Show) -> None:
    codes = sorted({int(code) for code in found.table["majority"].dropna()})
    colours = opened.spec(raster).style.classes
    classes = [
        Class(class_name(opened, raster, code), colours.get(str(code), KINDS[k % len(KINDS)]))
        for k, code in enumerate(codes)
    ]
    major = by_grid(opened, found.table["id"], found.table["majority"].astype(float))
    shown = np.array([NO_COLOUR if np.isnan(code) else codes.index(int(code)) for code in major], dtype=np.uint8)
    show([overlay_group(class_overlay(title, shown, classes))])
    sums = found.classes.groupby("class_code")["area_m2"].sum().sort_values(ascending=False)
    sentence(text("planning_parts.classes_found", n=len(sums), ha=f"{sums.sum() / 10_000:,.0f}"))
    cautions(finding_texts(opened, found.findings))
    heads = [text("planning_parts.class"), text("planning_parts.unit_m2"), text("planning_parts.share")]
    lines = [(class_name(opened, raster, code), size / 10_000, size / sums.sum()) for code, size in sums.items()]
    table(heads, [(name, f"{ha:,.1f}", percent(share)) for name, ha, share in lines])
    rows = [
        (row["id"], class_name(opened, raster, row["class_code"]), round(row["area_m2"] / 10_000, 4),
         round(row["share"], 6))
        for row in found.classes.to_dict("records")
    ]  # fmt: skip
    csv_button([text("planning_parts.grid"), *heads], rows, f"zonal-{raster}.csv")


def _ranked(opened: Workspace, found: Any, values: Any, title: str, unit: str, raster: str) -> None:
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        st.info(text("planning_parts.no_values"))
        return
    low, high = float(values[known].min()), float(values[known].max())
    sentence(text("planning_parts.range", n=f"{len(known):,}", low=f"{low:,.4g}", high=f"{high:,.4g}", unit=unit))
    cautions(finding_texts(opened, found.findings))
    codes = opened.layer("grids")["grid_code"].astype(str).tolist()
    best = known[np.argsort(-values[known], kind="stable")]
    rows = [Row(f"{values[k]:,.4g} {unit} · {grid_name(opened, int(k), language())}", codes[k], int(k)) for k in best]
    go_list(opened, text("planning_parts.most"), rows, name="plan_zonal_list", height=260)
    csv_button(
        [text("planning_parts.grid"), f"{title} {unit}".strip()], [(codes[k], float(values[k])) for k in known],
        f"zonal-{raster}.csv",
    )  # fmt: skip


def change_tool(opened: Workspace, who: Person, show: Show) -> None:
    """Draw land cover at two dates: the matrix, the changed places by size, on the map."""
    dated = _dated(opened, who)
    if len(dated) < 2:
        show([])
        st.info(text("planning_parts.one_date"))
        return
    refs = list(dated)
    before = choose(
        text("planning_parts.before"), refs[1:] + refs[:1], name="plan_change_before",
        show=lambda ref: dated_name(dated[ref]),
    )  # fmt: skip
    after = choose(
        text("planning_parts.after"), [ref for ref in refs if ref != before], name="plan_change_after",
        show=lambda ref: dated_name(dated[ref]),
    )  # fmt: skip
    found = answer_to(
        opened, "change", (before, after),
        lambda: land_cover_change(opened, who, before, after, most_patches=_MOST_PATCHES),
        hint="planning_parts.cannot_change",
    )  # fmt: skip
    if found is None:
        show([])
        return
    patches = found.patches.to_crs(_WGS84)
    unit = text("planning_parts.unit_m2")
    becoming = list(dict.fromkeys(patches["to_code"]))  # the largest change first
    areas = [
        Area(
            shape, min(becoming.index(row["to_code"]), len(KINDS) - 1),
            (_became(opened, before, row), f"{row['area_ha']:,.2f} {unit}"),
        )
        for row, shape in zip(patches.to_dict("records"), patches.geometry, strict=True)
    ]  # fmt: skip
    classes = [
        Class(text("planning_parts.became", what=class_name(opened, before, code)), colour)
        for code, colour in zip(becoming, KINDS, strict=False)
    ]
    show([overlay_group(area_overlay(text("planning_parts.tool_change"), areas, classes))])
    _changed(opened, found, patches, before)


def _dated(opened: Workspace, who: Person) -> dict[str, LayerRecord]:
    """Return the rasters of classes by what they are asked for by, all versions, newest first."""
    records = [
        record
        for layer in layers_for(opened, who, "raster")
        if opened.spec(layer).holds_classes
        for record in layer_versions(opened, who, layer)
        if not record.entry.withdrawn_at
    ]
    return {record.ref: record for record in records}


def _changed(opened: Workspace, found: Any, patches: Any, layer: str) -> None:
    changed = float(found.changes["area_ha"].sum())
    share = changed / found.compared_ha if found.compared_ha else 0.0
    sentence(
        text("planning_parts.changed", ha=f"{changed:,.1f}", all=f"{found.compared_ha:,.0f}", share=percent(share))
        if changed else text("planning_parts.nothing_changed", all=f"{found.compared_ha:,.0f}")
    )  # fmt: skip
    cautions(finding_texts(opened, found.findings))
    unit = text("planning_parts.unit_m2")
    head(text("planning_parts.matrix"))
    sums = found.matrix.to_numpy().sum(axis=0) + found.matrix.to_numpy().sum(axis=1)
    top = found.matrix.index[np.argsort(-sums)[:_MOST_CLASSES]]
    part = found.matrix.loc[top, top]
    names = [class_name(opened, layer, code) for code in top]
    table(
        ["", *names], [(name, *(f"{ha:,.0f}" for ha in row)) for name, row in zip(names, part.to_numpy(), strict=True)]
    )
    heads = [text("planning_parts.before"), text("planning_parts.after"), unit, text("planning_parts.of_class")]
    lines = [
        (class_name(opened, layer, row["from_code"]), class_name(opened, layer, row["to_code"]), row["area_ha"],
         row["share"])
        for row in found.changes.to_dict("records")
    ]  # fmt: skip
    if lines:
        head(text("planning_parts.changes"))
        table(heads, [(a, b, f"{ha:,.2f}", percent(share)) for a, b, ha, share in lines], height=190, words=2)
        rows = [
            Row(f"{_became(opened, layer, row)} · {row['area_ha']:,.2f} {unit}", geometry=shape.__geo_interface__)
            for row, shape in zip(patches.to_dict("records"), patches.geometry, strict=True)
        ]
        go_list(opened, text("planning_parts.changed_places"), rows, name="plan_change_list", height=190)
    csv_button(heads, [(a, b, round(ha, 4), round(share, 6)) for a, b, ha, share in lines], "land-cover-change.csv")


def _became(opened: Workspace, layer: str, row: Any) -> str:
    return f"{class_name(opened, layer, row['from_code'])} → {class_name(opened, layer, row['to_code'])}"
