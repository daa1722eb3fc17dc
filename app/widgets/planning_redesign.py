"""网格优化: this part of the planner's page: duty areas cut anew, before and after, and a simulated month of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from app.widgets.background import answer_to
from app.widgets.choices import choose_part
from app.widgets.doing import say
from app.widgets.frame import area_text, language, signed_in, text, workspace
from app.widgets.map_frame import Show
from app.widgets.planning_draft import add_change, draft, end_edit, question_of, set_draft
from app.widgets.planning_inputs import (
    Row,
    cautions,
    cells,
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
from gridgov.i18n import has_label
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import overlay_group
from gridgov.maps.planning_overlays import colours_apart, outlines, owner_overlay
from gridgov.model.rights import Person
from gridgov.operations.duty_months import duty_change
from gridgov.operations.planning_questions import redesign_question
from gridgov.operations.redesigning import DutyRedesign, MonthComparison, compare_months, redesign_duty
from gridgov.workspace import Workspace

_VIEW = "planning_redesign_view"
_INK, _CHANGED = "#14243a", "#d1338a"
_REAL_S = 4.0  # a second of the solver takes about so many
_REASONS = 4


def redesign_part(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel and the map."""
    if not opened.has("grids") or not opened.of_kind("workers"):
        show([])
        st.info(text("planning_parts.needs_workers"))
        return
    area = choose_area(opened, who, name="plan_redesign_area")
    left, right = st.columns(2, gap="small")
    compact = number(left, text("planning_parts.compactness"), 0, 10, name="plan_compact", default=0.1, step=0.1)
    limit = number(right, text("planning_parts.effort"), 1, 60, name="plan_effort", default=2)
    found = answer_to(
        opened, "redesign", (area, compact, limit),
        lambda: redesign_duty(opened, who, redesign_question(area, compactness=compact, time_limit_s=limit)),
        limit_s=limit * _REAL_S, hint="planning_parts.cannot_redesign", label="planning_parts.cut_anew",
    )  # fmt: skip
    if found is None:
        show([])
        st.caption(text("planning_parts.redesign_means"))
        return
    view = _choose_view()
    _on_map(opened, found, view, show)
    _answer(opened, found)
    _month(opened, who, found)
    _tables(opened, found)


def _choose_view() -> str:
    def keep(view: str) -> None:
        st.session_state[_VIEW] = view

    view = str(st.session_state.get(_VIEW, "after"))
    choose_part(
        "views", ["before", "after"], view, label=text("planning_parts.view"),
        show=lambda each: text(f"planning_parts.areas_{each}"), keep=keep,
    )  # fmt: skip
    return view


def _on_map(opened: Workspace, found: DutyRedesign, view: str, show: Show) -> None:
    """Draw the duty areas, one colour a worker both times, and around which grids change hands."""
    answer, borders = found.answer, found.problem.borders
    owner = answer.before if view == "before" else answer.owner
    whole = np.full(len(opened.layer("grids")), -1, dtype=np.int64)
    whole[found.rows] = owner
    colours = colours_apart([answer.before, answer.owner], borders.a, borders.b)
    changed = found.grids.geometry[found.frame["changed"].to_numpy()]
    shapes = [outlines(found.areas(view).geometry, _INK, width=2.4)]
    legend = [LegendEntry("line", text("planning_parts.area_border"), _INK)]
    if len(changed):
        shapes.append(outlines(changed, _CHANGED, width=1.6, dash=(4, 3)))
        legend.append(LegendEntry("line", text("planning_parts.grid_changes"), _CHANGED, dash=(4.0, 3.0)))
    names = [worker_name(str(name)) for name in found.worker_names]
    overlay = owner_overlay(
        text(f"planning_parts.areas_{view}"), whole, names, colours, shapes=shapes, legend=legend,
        notes=(text("planning_parts.a_colour_a_worker"),),
    )  # fmt: skip
    show([overlay_group(overlay)])


def _answer(opened: Workspace, found: DutyRedesign) -> None:
    answer = found.answer
    cut = found.communities[found.communities["reason"] == ""]
    if not len(cut):
        sentence(text("planning_parts.nothing_cut"))
    else:
        moved = int(found.frame["changed"].sum())
        solved = int(cut["optimal"].sum())
        before, after = (_spread(found, when) for when in ("before", "after"))
        sentence(
            text("planning_parts.redesigned", moved=moved, grids=len(found.frame), n=len(cut), best=solved,
                 gap=percent(answer.gap, 0))
        )  # fmt: skip
        st.button(
            text("planning_parts.take_over"), key="take_over_duty", on_click=_take_over, args=(opened, found),
            width="stretch",
        )  # fmt: skip
        cells(
            [
                (text("planning_parts.misplaced"), percent(_misplaced(found, "after")),
                 text("planning_parts.was", value=percent(_misplaced(found, "before")))),
                (text("planning_parts.heaviest"), f"{after:.1f}×", text("planning_parts.was", value=f"{before:.1f}×")),
            ]
        )  # fmt: skip
    said = [
        text("planning_parts.community_left", name=area_text(opened, (one.community,), language()),
             why=_reason(str(one.reason)))
        for one in answer.infeasible[:_REASONS]
    ]  # fmt: skip
    if len(answer.infeasible) > _REASONS:
        said.append(text("planning_parts.and_more", n=len(answer.infeasible) - _REASONS))
    for count, code in ((len(found.uncovered), "uncovered"), (len(found.shared), "shared"),
                        (found.unknown_population, "unknown_population")):  # fmt: skip
        if count:
            said.append(text(f"planning_parts.{code}", n=count))
    cautions(said)


def _take_over(opened: Workspace, found: DutyRedesign) -> None:
    """Add the duty areas to the scenario that is being put together, and let it be asked for a month of dispatch."""
    end_edit()
    if add_change(opened, lambda _: duty_change(opened, signed_in(), found), hint="planning_parts.cannot_take_over"):
        now = draft(opened, signed_in())
        set_draft(replace(now, question=replace(question_of(now), month=True)))
        say(text("planning_parts.taken_over", name=now.name))


def _reason(code: str) -> str:
    key = f"planning_parts.redesign_{code}"
    return text(key) if has_label(key) else code


def _misplaced(found: DutyRedesign, when: str) -> float:
    """Return the share of work in the wrong area, of all communities that were cut, by their work."""
    solved = [(w, c) for w, c in zip(found.answer.weights, found.answer.communities, strict=True) if c.reason is None]
    total = sum(weight for weight, _ in solved)
    return sum(w * getattr(c, f"misplaced_{when}") for w, c in solved) / total if total else 0.0


def _spread(found: DutyRedesign, when: str) -> float:
    """Return the work of the busiest worker, of the mean of the same community."""
    solved = set(found.communities.loc[found.communities["reason"] == "", "community_code"])
    workers = found.workers[found.workers["community_code"].isin(solved)]
    mean = workers.groupby("community_code")[f"load_{when}"].transform("mean")
    return float((workers[f"load_{when}"] / mean.where(mean > 0)).max()) if len(workers) else 0.0


def _month(opened: Workspace, who: Person, found: DutyRedesign) -> None:
    head(text("planning_parts.month_title"))
    days = number(st, text("planning_parts.month_days"), 1, 90, name="plan_month_days", default=30)
    months: MonthComparison | None = answer_to(
        opened, "month", (repr(found.query), days),
        lambda: compare_months(opened, who, found, days=int(days)),
        hint="planning_parts.cannot_month", label="planning_parts.simulate",
    )  # fmt: skip
    if months is None:
        return
    rows = [
        (text(f"planning_parts.month_{name}"), *(_figure(figures, name) for figures in (months.before, months.after)))
        for name in ("median_s", "p90_s", "travel_median_s", "by_owner", "uneven", "unreached")
    ]
    table(["", text("planning_parts.before"), text("planning_parts.after")], rows)
    st.caption(text("planning_parts.month_means", n=months.before.incidents, days=months.days, seed=months.seed))


def worker_name(name: str) -> str:
    """Return who it is: an id, or a number in a community where this account may not know more."""
    community, _, number = name.partition("/")
    if not number:
        return name or "–"
    return text("planning_parts.worker_number", community=area_text(workspace(), (community,), language()), n=number)


def _figure(figures: object, name: str) -> str:
    value = getattr(figures, name)
    if value is None:
        return "–"
    if name.endswith("_s"):
        return text("console.minutes", minutes=f"{value / 60:.1f}")
    return f"{value:,}" if name == "unreached" else percent(value)


def _tables(opened: Workspace, found: DutyRedesign) -> None:
    workers, frame = found.workers, found.frame
    mean = workers.groupby("community_code")["load_before"].transform("mean").replace(0, np.nan)
    lines = [
        (worker_name(str(row["worker"])), _of_mean(row["load_before"], each), _of_mean(row["load_after"], each),
         f"{row['grids_before']} → {row['grids_after']}")
        for row, each in zip(workers.to_dict("records"), mean, strict=True)
    ]  # fmt: skip
    head(text("planning_parts.by_worker"))
    heads = [text(f"planning_parts.{name}") for name in ("worker", "before", "after", "grids")]
    table(heads, lines, height=200)
    st.caption(text("planning_parts.load_means"))
    rows = grid_rows(opened)
    changed = frame[frame["changed"]].sort_values("load", ascending=False)
    listed = [
        Row(
            f"{worker_name(row['before'])} → {worker_name(row['after'])}",
            str(row["grid_code"]),
            rows[str(row["grid_code"])],
        )
        for row in changed.to_dict("records")
    ]
    if listed:
        go_list(
            opened, text("planning_parts.changed_grids", n=len(listed)), listed, name="plan_redesign_list", height=180
        )
    names = ("grid_code", "community_code", "load", "before", "after", "changed")
    values = [(*(row[name] for name in names[:-1]), int(row["changed"])) for row in frame.to_dict("records")]
    csv_button([text(f"planning_parts.duty_{name}") for name in names], values, "duty-areas.csv")


def _of_mean(load: float, mean: float) -> str:
    return "–" if np.isnan(mean) else f"{100 * load / mean:.0f} %"
