"""A computed plan: what it promises and nobody can beat, who is left, departures, shelters, limits, rivals."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from html import escape
from typing import Any

import streamlit as st

from app.widgets.doing import sentence_of
from app.widgets.emergency_impact import Line, lines_html, people
from app.widgets.emergency_state import Emergency, choose_plan
from app.widgets.frame import language, text
from app.widgets.selection import ask_zoom
from app.widgets.wording import plain, unturned
from gridgov.errors import GridgovError
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.evacuation_words import hours_text, promise_text, unmet_texts, warning_texts
from gridgov.model.evacuations import Evacuation
from gridgov.model.rights import Person, Right, may
from gridgov.operations.emergency import grid_names, point_frame, shelter_list
from gridgov.operations.evacuating import RecordedEvacuation, read_evacuation
from gridgov.operations.evacuation_view import PlanView, compare_with_nearest, nearest_known, plan_view
from gridgov.workspace import Workspace

_BOM = "\ufeff"
_NAMES = 3
_WORD = re.compile(r"[0-9A-Za-z-]{6,}")  # what the code of a grid may be
_MINUTE_S = 60.0


def result_panel(opened: Workspace, who: Person, emergency: Emergency) -> None:
    """Draw the plan that is chosen."""
    recorded = emergency.plan
    if recorded is None:
        st.info(text("emergency.no_plan_yet"))
        return
    _choose(emergency)
    try:
        with st.spinner(text("emergency.replaying")):
            view = plan_view(opened, who, recorded.evacuation.evacuation_id)
    except GridgovError as error:
        st.warning(sentence_of(error, "emergency.cannot_plan"))
        return
    _promise(opened, who, view)
    if emergency.hazard is not None and emergency.hazard.revision != recorded.evacuation.hazard_revision:
        st.html(f'<p class="gg-said bad" role="alert">{escape(text("emergency.hazard_changed"))}</p>')
    lists: dict[str, Callable[[], None]] = {
        "departures": lambda: _departures(opened, who, view),
        "fill": lambda: st.html(lines_html(_fill(opened, who, view), "")),
        "bottlenecks": lambda: _bottlenecks(view),
        "nearest": lambda: _nearest(opened, who, view),
    }
    with st.container(key="emergency_lists"):
        for tab, (_, draw) in zip(st.tabs([text(f"emergency.list_{n}") for n in lists]), lists.items(), strict=True):
            with tab:
                draw()


def plan_line(recorded: RecordedEvacuation) -> str:
    """Return a plan as one line of a list."""
    evacuation = recorded.evacuation
    time, state = hours_text(evacuation.clearance_time_s, language()), text(f"emergency.state_{recorded.status}")
    return unturned(f"{evacuation.evacuation_id} · {time} · {state}")


def _choose(emergency: Emergency) -> None:
    known = {each.evacuation.evacuation_id: each for each in emergency.plans}
    if len(known) < 2:
        return
    key = f"plan-of-{emergency.hazard_id}-{len(known)}-{language()}"

    def keep() -> None:
        choose_plan(st.session_state[key])

    st.selectbox(
        text("emergency.plans"), list(known), index=list(known).index(emergency.plan_id),
        format_func=lambda i: plan_line(known[i]), key=key, on_change=keep, label_visibility="collapsed",
    )  # fmt: skip


def _promise(opened: Workspace, who: Person, view: PlanView) -> None:
    plan, lang = view.plan, language()
    evacuation = view.recorded.evacuation
    ratio = view.replay.ratio
    times = "" if ratio is None or view.replay.stranded else f"× {ratio:.2f}"
    bound = hours_text(plan.lower_bound_s, lang, down=True) if plan.lower_bound_s else "–"
    moved = f"{round(evacuation.persons - evacuation.unmet_persons):,}"
    by_car = text("emergency.by_car") if evacuation.buses else ""
    everybody = text("emergency.of", n=f"{round(evacuation.persons):,}")
    cells = [
        (text("emergency.clearance"), hours_text(plan.clearance_time_s, lang), by_car),
        (text("emergency.bound"), bound, _gap(plan.gap)),
        (text("emergency.moved"), moved, everybody),
        (text("emergency.replayed"), hours_text(view.replay.clearance_s, lang), times),
    ]
    st.html(
        f'{cells_html(cells)}<div class="gg-answer" data-plan="{escape(evacuation.evacuation_id)}">'
        + f"{escape(promise(plan, evacuation))}</div>"
    )
    if evacuation.replaces:
        _difference(opened, who, evacuation)
    if evacuation.buses:
        _buses(evacuation.buses)
    for sentence in _named(unmet_texts(plan, lang), opened):
        st.html(f'<p class="gg-said bad" role="alert">{escape(sentence)}</p>')
    stranded = round(view.replay.stranded * plan.occupancy_persons_per_vehicle)
    if stranded:
        st.html(f'<p class="gg-caution">{escape(text("emergency.stranded", n=f"{stranded:,}"))}</p>')
    for sentence in warning_texts(plan, lang):
        st.html(f'<p class="gg-caution">{escape(sentence)}</p>')


def _named(sentences: Sequence[str], opened: Workspace) -> list[str]:
    """Return sentences in which grids are called by their names, where they have any."""
    names = grid_names(opened, language())
    return [_WORD.sub(lambda word: names.get(word[0]) or word[0], sentence) for sentence in sentences]


def cells_html(cells: Sequence[tuple[str, str, str]]) -> str:
    """Return numbers with their names, two in a row: name, number, what stands beside it."""
    return (
        '<div class="gg-cells">'
        + "".join(
            f"<div><span>{escape(name)}</span><b>{escape(value)}</b><small>{escape(more)}</small></div>"
            for name, value, more in cells
        )
        + "</div>"
    )


def promise(plan: EvacuationPlan, evacuation: Evacuation) -> str:
    """Return what a plan promises beside what none can beat: for those whom it moves, and by car where there are buses.

    The bound is proven for everybody but the unmet, who depend on places and closings, not on the plan's skill.
    """
    if plan.gap is None or not plan.flows:
        return promise_text(plan, language())
    lang, whom = language(), round(plan_persons(plan))
    some = "emergency.promise_by_car" if evacuation.buses else "emergency.promise_moved"
    code = some if evacuation.buses or plan.unmet_persons >= 1 else "evacuate.promise"
    if plan.clearance_time_s - plan.lower_bound_s < _MINUTE_S and _minutes_apart(plan) <= 1:
        code = f"emergency.best_{'by_car' if evacuation.buses else 'moved'}"
    return text(
        code,
        bound=hours_text(plan.lower_bound_s, lang, down=True),
        time=hours_text(plan.clearance_time_s, lang),
        gap=f"{100 * plan.gap:.1f}",
        persons=f"{whom:,}",
    )


def _minutes_apart(plan: EvacuationPlan) -> int:
    """Return how far clearance and bound are apart as they are shown: one rounded up, the other down."""
    return math.ceil(plan.clearance_time_s / _MINUTE_S) - math.floor(plan.lower_bound_s / _MINUTE_S)


def plan_persons(plan: EvacuationPlan) -> float:
    """Return how many people a plan moves on the roads."""
    return sum(flow.persons for flow in plan.flows)


def _buses(buses: Mapping[str, Any]) -> None:
    """Say what the buses do: `clearance` and bound beside it are those of the cars."""
    lang = language()
    said = text(
        "emergency.buses_do",
        buses=f"{buses['buses']:,}",
        trips=f"{buses['trips']:,}",
        persons=f"{buses['persons']:,}",
        time=hours_text(buses["done_s"], lang),
        bound=hours_text(buses["lower_bound_s"], lang, down=True),
    )
    st.html(f'<p class="gg-said" data-buses>{escape(said)}</p>')
    if buses["unmet_persons"]:
        left = text("emergency.buses_leave", n=f"{buses['unmet_persons']:,}")
        st.html(f'<p class="gg-said bad" role="alert">{escape(left)}</p>')


def _gap(gap: float | None) -> str:
    return "" if gap is None else f"+{100 * gap:.1f} %"


def _difference(opened: Workspace, who: Person, evacuation: Evacuation) -> None:
    """Say what differs from the plan that this one was made from."""
    try:
        old = read_evacuation(opened, who, evacuation.replaces).evacuation
    except GridgovError:
        return
    minutes = round((evacuation.clearance_time_s - old.clearance_time_s) / 60)
    persons = round(evacuation.unmet_persons - old.unmet_persons)
    said = text(
        "emergency.difference",
        id=old.evacuation_id,
        minutes=_signed(minutes),
        persons=_signed(persons),
    )
    st.html(f'<p class="gg-said" data-difference="{minutes}">{escape(said)}</p>')


def _signed(number: int) -> str:
    return f"+{number:,}" if number > 0 else f"−{-number:,}" if number < 0 else "±0"


def _departures(opened: Workspace, who: Person, view: PlanView) -> None:
    names = {each.shelter_id: each.name or each.shelter_id for each in shelter_list(opened, who)}
    grids = grid_names(opened, language())
    lines: list[Line] = []
    for row in view.departures.to_dict("records"):
        if round(row["persons"]) == round(row["unmet"]) == 0:  # all of them go by bus
            continue
        where = text("roads.between_names").join(names.get(i, i) for i in row["shelters"][:_NAMES])
        name = grids.get(str(row["zone_id"])) or str(row["zone_id"])
        if math.isnan(row["first_s"]):
            lines.append((name, people(row["unmet"]), text("emergency.stays")))
            continue
        lines.append((name, people(row["persons"]), f"{_window(opened, view, row)} → {where}"))
    st.html(lines_html(lines, text("emergency.none_here")))
    st.download_button(
        text("emergency.download_table"), _csv(view, names), file_name="departures.csv", mime="text/csv",
        key="download_departures", on_click="ignore",
    )  # fmt: skip


def _window(opened: Workspace, view: PlanView, row: Mapping[Hashable, Any]) -> str:
    """Return from when to when people leave: the hours of the day where the orders are given, else minutes."""
    leave, times = view.recorded.leave_at, (float(row["first_s"]), float(row["last_s"]))
    if leave is None:
        first, last = (int(seconds // 60) for seconds in times)
        return text("emergency.minutes_span", span=str(first) if first == last else f"{first} – {last}")
    hours = [f"{(leave + timedelta(seconds=s)).astimezone(opened.timezone):%H:%M}" for s in times]
    return " – ".join(dict.fromkeys(hours))


def _csv(view: PlanView, names: dict[str, str]) -> bytes:
    """Return the departure table; a text that a spreadsheet would take for a formula is led in by an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    columns = ("zone", "persons", "first", "last", "arrive", "shelters", "routes", "unmet")
    writer.writerow([text(f"emergency.column_{column}") for column in columns])
    for row in view.departures.to_dict("records"):
        times = ["" if math.isnan(row[name]) else f"{row[name] / 60:.0f}" for name in ("first_s", "last_s", "arrive_s")]
        where = "; ".join(names.get(i, i) for i in row["shelters"])
        safe = "'" + where if where.startswith(("=", "+", "-", "@")) else where
        writer.writerow([row["zone_id"], round(row["persons"]), *times, safe, row["routes"], round(row["unmet"])])
    return (_BOM + out.getvalue()).encode("utf-8")


def _fill(opened: Workspace, who: Person, view: PlanView) -> list[Line]:
    names = {each.shelter_id: each.name for each in shelter_list(opened, who)}
    lines = []
    for row in view.shelters.to_dict("records"):
        full = "" if math.isnan(row["full_after_s"]) else text(
            "emergency.full_after", time=hours_text(row["full_after_s"], language(), down=True)
        )  # fmt: skip
        places = f"{round(row['persons']):,} / {round(row['capacity_persons']):,}"
        share = f"{100 * row['share']:.0f} %"
        lines.append(
            (names.get(row["shelter_id"]) or row["shelter_id"], places, " · ".join(p for p in (share, full) if p))
        )
    return lines


def _bottlenecks(view: PlanView) -> None:
    """List the roads that limit the plan; a click shows one on the map."""
    rows: list[dict[str, Any]] = view.bottlenecks.to_dict("records")
    if not rows:
        st.caption(text("emergency.no_bottleneck"))
    for number, row in enumerate(rows, start=1):
        name = str(row["name"]) or text("evacuate.nameless_road")
        saves = text("emergency.lane_saves", minutes=f"{row['minutes_saved_per_lane']:.1f}")
        st.button(
            plain(text("emergency.limit_line", number=number, name=name, saves=saves)),
            key=f"limit-{number}",
            on_click=ask_zoom,
            args=(point_frame(row["lon"], row["lat"]),),
            width="stretch",
        )


def _nearest(opened: Workspace, who: Person, view: PlanView) -> None:
    """Compare with everyone to the nearest shelter, when asked."""
    evacuation = view.recorded.evacuation
    if nearest_known(opened, view.recorded) is None:
        st.caption(text("emergency.nearest_means"))
        if not may(who, Right.EVACUATION_WRITE):
            return
        if st.button(text("emergency.compare"), key="compare_nearest", width="stretch"):
            with st.spinner(text("emergency.comparing")):
                compare_with_nearest(opened, who, evacuation.evacuation_id)
            st.rerun()
        return
    if not may(who, Right.EVACUATION_WRITE):
        return
    other, lang, plan = compare_with_nearest(opened, who, evacuation.evacuation_id), language(), view.plan
    away = sum(each.persons - each.capacity_persons for each in other.overfull)
    rows = [
        ("emergency.clearance", hours_text(plan.clearance_time_s, lang), hours_text(other.clearance_time_s, lang)),
        ("emergency.left_behind", f"{round(plan.unmet_persons):,}", f"{round(other.unmet_persons):,}"),
        ("emergency.overfull", "0", f"{len(other.overfull):,}"),
        ("emergency.turned_away", "0", f"{round(away):,}"),
    ]
    titles = (escape(text(f"emergency.{code}")) for code in ("this_plan", "nearest_plan"))
    head = "<tr><th></th>" + "".join(f"<th>{title}</th>" for title in titles) + "</tr>"
    body = "".join(f"<tr><td>{escape(text(code))}</td><td>{a}</td><td>{b}</td></tr>" for code, a, b in rows)
    st.html(f'<table class="gg-table">{head}{body}</table>')
    st.caption(text("emergency.dashed_means"))
