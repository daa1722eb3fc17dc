"""热点: this part of the planner's page: where incidents gather, clusters in time, patrols and their back test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from app.widgets.background import answer_to
from app.widgets.choices import choose_part
from app.widgets.frame import language, text
from app.widgets.map_frame import Show
from app.widgets.planning_inputs import (
    Row,
    cautions,
    choose,
    choose_area,
    csv_button,
    go_list,
    grid_rows,
    head,
    number,
    percent,
    sentence,
    table,
)
from app.widgets.wording import class_text
from gridgov.maps.overlays import NO_COLOUR, overlay_group
from gridgov.maps.planning_overlays import (
    COLD_COLOUR,
    HOT_COLOUR,
    SHADES,
    Area,
    Class,
    area_overlay,
    class_overlay,
    number_overlay,
)
from gridgov.model.rights import Person
from gridgov.operations.hotspots import HotspotQuery, Hotspots, PatrolProposal, find_hotspots, propose_patrols
from gridgov.operations.mapping import grid_name
from gridgov.operations.planning_questions import hotspot_question, patrol_question
from gridgov.workspace import Workspace

_VIEWS = ("grids", "clusters", "patrols")
_VIEW = "planning_hotspots_view"
_DAYS = ("0", "30", "90", "180", "365")
_COLD_Q, _SPAN_H = 0.05, 4


def hotspots_part(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel and the map."""
    if not opened.has("grids"):
        show([])
        st.info(text("planning_parts.no_grids"))
        return
    query = _asked(opened, who)
    view = _choose_view()
    question = (query.area, st.session_state.get("plan_hot_days"), query.classes, query.per_person)  # fmt: skip
    if view == "patrols":
        _patrols(opened, who, query, question, show)
        return
    found = answer_to(
        opened, "hotspots", question, lambda: find_hotspots(opened, who, query), hint="planning_parts.cannot_hotspots",
        label="planning_parts.find_hotspots",
    )  # fmt: skip
    if found is None:
        show([])
        st.caption(text("planning_parts.hotspots_mean"))
        return
    (_grids if view == "grids" else _clusters)(opened, found, show)


def _asked(opened: Workspace, who: Person) -> HotspotQuery:
    area = choose_area(opened, who, name="plan_hot_area")
    left, right = st.columns(2, gap="small")
    days = choose(
        text("planning_parts.days"), _DAYS, name="plan_hot_days", place=left,
        show=lambda n: text("planning_parts.last_days", n=n) if n != "0" else text("planning_parts.all_days"),
    )  # fmt: skip
    classes = opened.incident_profile.classes
    code = choose(
        text("planning_parts.incident_class"), ["", *classes], name="plan_hot_class", place=right,
        show=lambda c: class_text(classes[c].names) if c else text("console.all"),
    )  # fmt: skip
    rate = st.checkbox(
        text("planning_parts.per_person"), bool(st.session_state.get("plan_hot_rate", False)), key="plan-hot-rate"
    )
    st.session_state["plan_hot_rate"] = rate
    return hotspot_question(area, opened.now(), days=int(days), class_code=code, per_person=rate)


def _choose_view() -> str:
    def keep(view: str) -> None:
        st.session_state[_VIEW] = view

    view = str(st.session_state.get(_VIEW, _VIEWS[0]))
    choose_part(
        "views", _VIEWS, view, label=text("planning_parts.view"),
        show=lambda each: text(f"planning_parts.hot_{each}"), keep=keep,
    )  # fmt: skip
    return view


def _grids(opened: Workspace, found: Hotspots, show: Show) -> None:
    """Draw hot and cold grids."""
    frame, rows = found.frame, grid_rows(opened)
    codes = np.full(len(rows), NO_COLOUR, dtype=np.uint8)
    place = np.array([rows[code] for code in frame["grid_code"]])
    known = frame["z"].notna().to_numpy()
    hot = frame["hot"].to_numpy(dtype=bool)
    cold = ((frame["z"] < 0) & (frame["q_value"] <= _COLD_Q)).to_numpy()
    codes[place[known]] = 1
    codes[place[hot]], codes[place[cold]], codes[place[~known]] = 0, 2, 3
    classes = [
        Class(text("planning_parts.hot"), HOT_COLOUR), Class(text("planning_parts.usual"), SHADES[0]),
        Class(text("planning_parts.cold"), COLD_COLOUR), Class(text("planning_parts.too_few_people"), "#a5adb6"),
    ]  # fmt: skip
    show([overlay_group(class_overlay(text("planning_parts.hot_grids"), codes, classes))])
    if not found.incidents:
        sentence(text("planning_parts.no_incidents"))
        return
    count = int(hot.sum())
    sentence(
        text("planning_parts.hot_found", n=count, regions=len(found.regions), incidents=f"{found.incidents:,}",
             days=found.days, share=percent(found.query.alpha, 0))
        if count else text("planning_parts.none_hot", incidents=f"{found.incidents:,}", days=found.days)
    )  # fmt: skip
    listed = frame.assign(hot=hot).sort_values(["hot", "z"], ascending=False).head(40)
    lines = [
        Row(
            f"{text('planning_parts.n_incidents', n=row['incidents'])} · "
            f"{grid_name(opened, rows[row['grid_code']], language())}",
            f"{row['grid_code']} · {text('planning_parts.hot' if row['hot'] else 'planning_parts.usual')} · "
            f"z {row['z']:.1f}", rows[row["grid_code"]],
        )
        for row in listed[listed["z"].notna()].to_dict("records")
    ]  # fmt: skip
    go_list(
        opened, text("planning_parts.hottest" if count else "planning_parts.busiest"), lines, name="plan_hot_list",
        height=280,
    )  # fmt: skip
    st.caption(text("planning_parts.z_means"))
    names = ("grid_code", "incidents", "z", "q_value", "hot")
    values = [tuple("" if pd.isna(row[n]) else row[n] for n in names) for row in frame.to_dict("records")]
    csv_button([text(f"planning_parts.hot_column_{n}") for n in names], values, "hot-spots.csv")


def _clusters(opened: Workspace, found: Hotspots, show: Show) -> None:
    """Draw the clusters in space and time, in order of how unlikely they are."""
    clusters = found.clusters
    tips = [_cluster_words(row) for row in clusters.to_dict("records")]
    areas = [Area(shape, 0, tip) for shape, tip in zip(clusters.geometry, tips, strict=True)]
    classes = [Class(text("planning_parts.cluster"), HOT_COLOUR)]
    show([overlay_group(area_overlay(text("planning_parts.hot_clusters"), areas, classes))] if areas else [])
    if not areas:
        best = min((cluster.p_value for cluster in found.scan.clusters), default=None)
        chance = "–" if best is None else f"{best:.2f}"
        sentence(text("planning_parts.no_cluster", days=found.scan.days, p=chance))
        return
    sentence(text("planning_parts.clusters_found", n=len(areas), days=found.scan.days))
    lines = [
        Row(tip[0], " · ".join(tip[1:]), geometry=area.geometry.__geo_interface__)
        for area, tip in zip(areas, tips, strict=True)
    ]
    go_list(opened, text("planning_parts.hot_clusters"), lines, name="plan_cluster_list")


def _cluster_words(row: dict[str, object]) -> tuple[str, ...]:
    dates = f"{row['first_date']:%m-%d} – {row['last_date']:%m-%d}"
    counted = text("planning_parts.cluster_cases", n=row["cases"], expected=f"{row['expected']:.1f}")
    return (dates, counted, text("planning_parts.cluster_p", p=f"{row['p_value']:.3f}"))


def _patrols(opened: Workspace, who: Person, query: HotspotQuery, question: object, show: Show) -> None:
    """Draw where and when to patrol, and what such patrols would have met."""
    hours = number(st, text("planning_parts.patrol_hours"), 1, 5000, name="plan_patrol_hours", default=200, step=10)
    found = answer_to(
        opened, "patrols", (question, hours),
        lambda: propose_patrols(opened, who, query, patrol_question(hours, _SPAN_H)),
        hint="planning_parts.cannot_hotspots", label="planning_parts.propose_patrols",
    )  # fmt: skip
    if found is None:
        show([])
        return
    rows = grid_rows(opened)
    spent = found.plan.groupby("grid_code")["hours"].sum()
    values = np.full(len(rows), np.nan)
    for code, each in spent.items():
        values[rows[str(code)]] = each
    title = text("planning_parts.patrol_title")
    show([overlay_group(number_overlay(title, values))])
    sentence(_test_words(found))
    if found.test is not None:
        _rates(found)
    cautions([] if found.trained_on else [text("planning_parts.no_incidents")])
    lines = [
        Row(f"{_when(row)} · {grid_name(opened, rows[row['grid_code']], language())}",
            _how_long(row), rows[row["grid_code"]])
        for row in found.plan.to_dict("records")
    ]  # fmt: skip
    go_list(opened, text("planning_parts.patrol_list"), lines, name="plan_patrol_list", height=240)
    heads = [text(f"planning_parts.patrol_{n}") for n in ("grid", "days", "hours_of_day", "hours", "expected")]
    csv_button(heads, [
        (row["grid_code"], text(f"planning_parts.{'weekend' if row['weekend'] else 'workday'}"),
         f"{row['from_h']:02d}:00–{row['to_h']:02d}:00", row["hours"], round(row["expected"], 6))
        for row in found.plan.to_dict("records")
    ], "patrols.csv")  # fmt: skip


def _when(row: dict[str, object]) -> str:
    day = text("planning_parts.weekend" if row["weekend"] else "planning_parts.workday")
    return f"{day} {row['from_h']:02d}–{row['to_h']:02d}"


def _how_long(row: dict[str, object]) -> str:
    hours = text("planning_parts.hours_a_week", n=f"{row['hours']:g}")
    hot = text("planning_parts.hot") if row["hot"] else ""
    return " · ".join(part for part in (str(row["grid_code"]), hours, hot) if part)


def _test_words(found: PatrolProposal) -> str:
    test = found.test
    if test is None or not test.incidents:
        return text("planning_parts.no_test")
    verdict = "better" if test.better_than_uniform else "not_better"
    beside = "more_than_counting" if test.better_than_counting else "no_more_than_counting"
    return (
        text("planning_parts.test_hits", days=found.held_out_days, n=test.incidents, hits=test.hits,
             rate=percent(test.hit_rate))
        + text(f"planning_parts.test_{verdict}") + text(f"planning_parts.test_{beside}")
    )  # fmt: skip


def _rates(found: PatrolProposal) -> None:
    test = found.test
    assert test is not None
    head(text("planning_parts.test_title"))
    rows = [
        (
            text("planning_parts.rate_plan"),
            percent(test.hit_rate),
            f"{percent(test.hit_low)} – {percent(test.hit_high)}",
        ),
        (text("planning_parts.rate_uniform"), percent(test.uniform_rate), ""),
        (text("planning_parts.rate_same_hours"), percent(test.same_hours_rate), ""),
        (text("planning_parts.rate_counting"), percent(test.counting_rate), ""),
    ]
    table(["", text("planning_parts.hit_rate"), text("planning_parts.interval")], rows)
