"""Weighted suitability: criteria with sliders, places to avoid, the score of every grid, how firm the ranking is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.widgets.background import answer_to
from app.widgets.frame import language, text
from app.widgets.map_frame import Show
from app.widgets.planning_inputs import (
    Row,
    by_grid,
    cautions,
    choose_some,
    csv_button,
    field_name,
    finding_texts,
    go_list,
    grid_rows,
    layer_name,
    layers_for,
    number,
    percent,
    sentence,
)
from gridgov.i18n import has_label
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import overlay_group
from gridgov.maps.planning_overlays import number_overlay, outlines
from gridgov.model.rights import Person
from gridgov.operations.analysing import kind_of
from gridgov.operations.mapping import grid_name
from gridgov.operations.planning_questions import Wish, suitability_question
from gridgov.operations.suiting import suitability
from gridgov.workspace import Workspace

_SPLIT = "/"
_FIRST = ("field/persons", "distance_m/shelters", "raster/elevation")
_LESS = ("distance_m/roads", "raster/slope", "raster/elevation", "share/water")
_BEST_LINE = "#d1338a"


def suitability_tool(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the question and its answer."""
    keys = choose_some(
        text("planning_parts.criteria"), _measures(opened, who), name="plan_suit_criteria",
        show=lambda key: _name(opened, key), default=_FIRST,
    )  # fmt: skip
    wishes = [_wish(opened, key) for key in keys]
    with st.expander(text("planning_parts.avoid_and_number")):
        avoid = choose_some(
            text("planning_parts.avoid"), layers_for(opened, who, "polygon"), name="plan_suit_avoid",
            show=lambda ref: layer_name(opened, ref), default=("water",),
        )  # fmt: skip
        left, right = st.columns(2, gap="small")
        most = number(left, text("planning_parts.avoid_percent"), 0, 100, name="plan_suit_percent", default=10, step=5)
        k = int(number(right, text("planning_parts.best_k"), 1, 50, name="plan_suit_k", default=5))
    grids = len(opened.layer("grids")) if opened.has("grids") else 0
    fault = _fault(wishes, k, grids)
    question = (tuple(wishes), avoid, most, k)
    found = answer_to(
        opened, "suitability", question,
        lambda: suitability(
            opened, who, suitability_question(wishes, avoid, most_share=most / 100, k=min(k, grids))
        ),
        hint="planning_parts.cannot_suit", ready=not fault,
    )  # fmt: skip
    if fault:
        st.info(text(fault))
    if found is None:
        show([])
        return
    score = by_grid(opened, found.by_grid["grid_code"], found.by_grid["score"].astype(float))
    best = [str(code) for code in found.table["id"][: found.sensitivity.k]]
    rows = grid_rows(opened)
    shapes = opened.layer("grids").geometry
    marked = outlines([shapes.iloc[rows[code]] for code in best], _BEST_LINE, width=3)
    entry = LegendEntry("line", text("planning_parts.first_k", k=len(best)), _BEST_LINE)
    title = text("planning_parts.score")
    excluded = text("planning_parts.excluded")
    overlay = number_overlay(title, 100 * score, unknown=excluded, shapes=[marked], legend=[entry])
    show([overlay_group(overlay)])
    _answer(opened, found, wishes, rows)


def _measures(opened: Workspace, who: Person) -> list[str]:
    """Return what a grid can be measured by."""
    fields = [
        f"field{_SPLIT}{column}" for column in opened.layer("grids").select_dtypes("number").columns
    ] if opened.has("grids") else []  # fmt: skip
    near = [f"distance_m{_SPLIT}{layer}" for layer in layers_for(opened, who, "point", "line", "polygon")]
    rasters = [r for r in layers_for(opened, who, "raster") if kind_of(opened, r) != "classes"]
    share = [f"share{_SPLIT}{layer}" for layer in layers_for(opened, who, "polygon") if layer != "grids"]
    return [*fields, *(f"raster{_SPLIT}{r}" for r in rasters), *(n for n in near if not n.endswith("/grids")), *share]


def _name(opened: Workspace, key: str) -> str:
    what, _, name = key.partition(_SPLIT)
    if what == "field":
        return field_name(opened, name)
    code = f"planning_parts.measure_{what}"
    return text(code, layer=layer_name(opened, name)) if has_label(code) else name


def _wish(opened: Workspace, key: str) -> Wish:
    """Draw the slider and the direction of a criterion."""
    what, _, name = key.partition(_SPLIT)
    slider, direction = st.columns([0.56, 0.44], gap="small", vertical_alignment="bottom")
    kept = int(st.session_state.get(f"weight {key}", 5))
    weight = slider.slider(_name(opened, key), 0, 10, kept, key=f"weight-{key}")
    st.session_state[f"weight {key}"] = weight
    ways = ["more", "less"]
    usual = "less" if key in _LESS else "more"
    chosen = direction.selectbox(
        text("planning_parts.better"), ways, index=ways.index(st.session_state.get(f"way {key}", usual)),
        format_func=lambda way: text(f"planning_parts.better_{'near_' if what == 'distance_m' else ''}{way}"),
        key=f"way-{key}-{language()}", label_visibility="collapsed",
    )  # fmt: skip
    st.session_state[f"way {key}"] = chosen
    return Wish(what, name, float(weight), chosen == "more")  # type: ignore[arg-type]


def _fault(wishes: list[Wish], k: int, grids: int) -> str:
    """Return why the question cannot be asked; "": it can."""
    if not grids:
        return "planning_parts.no_grids"
    if not wishes:
        return "planning_parts.no_criterion"
    if not sum(wish.weight for wish in wishes):
        return "planning_parts.weights_zero"
    return "planning_parts.k_too_large" if k > grids else ""


def _answer(opened: Workspace, found: Any, wishes: list[Wish], rows: dict[str, int]) -> None:
    firm, table = found.sensitivity, found.table
    name = grid_name(opened, rows[str(table["id"].iloc[0])], language())
    sentence(
        text("planning_parts.firmness", name=name, spread=percent(firm.spread, 0), n=firm.draws,
             first=percent(firm.same_first, 0), k=firm.k, top=percent(firm.same_top, 0))
    )  # fmt: skip
    st.caption(text(_firm_word(firm.same_top)))
    excluded = int(table["excluded"].sum())
    notes = [text("planning_parts.excluded_grids", n=excluded)] if excluded else []
    cautions([*notes, *_words(opened, found)])
    share = dict(zip(firm.table["position"], firm.table["share_in_top"], strict=True))
    place = {str(code): position for position, code in enumerate(found.alternatives.ids)}
    ranked = table[table["rank"].notna()]
    lines = [
        Row(
            f"{text('planning_parts.points', n=f'''{100 * row['score']:.0f}''')} · "
            f"{grid_name(opened, rows[str(row['id'])], language())}",
            f"{row['id']} · {text('planning_parts.in_top', share=percent(share.get(place[str(row['id'])], 0.0), 0))}",
            rows[str(row["id"])],
        )
        for row in ranked.head(40).to_dict("records")
    ]  # fmt: skip
    go_list(opened, text("planning_parts.best_grids"), lines, name="plan_suit_list", height=240)
    keys = [wish.key for wish in wishes]
    heads = [text("planning_parts.grid"), text("planning_parts.rank"), text("planning_parts.score"),
             *(_name(opened, f"{wish.what}{_SPLIT}{wish.name}") for wish in wishes)]  # fmt: skip
    values = [
        (row["id"], "" if pd.isna(row["rank"]) else int(row["rank"]), _rounded(row["score"]),
         *(_rounded(row[key]) for key in keys))
        for row in table.to_dict("records")
    ]  # fmt: skip
    csv_button(heads, values, "suitability.csv")


def _words(opened: Workspace, found: Any) -> list[str]:
    """Return what was found, with the names of criteria in place of their keys."""
    said = finding_texts(opened, found.findings)
    for key in found.result.names:
        what, _, name = key.partition(":")
        said = [each.replace(key, _name(opened, f"{what}{_SPLIT}{name}")) for each in said]
    return said


def _rounded(value: float) -> float | str:
    return "" if np.isnan(value) else round(float(value), 5)


def _firm_word(share: float) -> str:
    if share >= 0.8:
        return "planning_parts.firm_high"
    return "planning_parts.firm_middle" if share >= 0.4 else "planning_parts.firm_low"
