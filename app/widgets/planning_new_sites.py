"""The best additional sites beside what there is: model, number, candidates; before and after; a scenario of it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.widgets.background import answer_to
from app.widgets.doing import attempt, say
from app.widgets.frame import language, may_write, signed_in, text
from app.widgets.map_frame import Show
from app.widgets.planning_access import choose_travel, group_name, minutes_text, reason_texts, source_name, sources
from app.widgets.planning_inputs import (
    Row,
    cautions,
    choose,
    choose_some,
    csv_button,
    go_list,
    head,
    layer_name,
    layers_for,
    number,
    percent,
    sentence,
    table,
)
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.maps.planning_overlays import Place, place_entry, places
from gridgov.maps.time_overlays import coverage_overlay, time_steps
from gridgov.model.rights import Person
from gridgov.model.siting import SitingModel, SitingStatus
from gridgov.operations.mapping import grid_name
from gridgov.operations.planning_questions import scenario_of_sites
from gridgov.operations.scenarios import keep_scenario
from gridgov.operations.site_sets import people_groups
from gridgov.operations.siting import SitingProposal, SitingQuery, propose_sites
from gridgov.workspace import Workspace

_NAME = "sites-scenario"
_GRIDS = "grids"
_GRID_DIGITS = 3  # of a grid's code, within its community


def sites_view(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the question and its answer."""
    query = _asked(opened, who)
    found = answer_to(
        opened, "sites", query, lambda: propose_sites(opened, who, query),
        limit_s=query.time_limit_s, hint="planning_parts.cannot_site", label="planning_parts.find_sites",
        ready=bool(query.of),
    )  # fmt: skip
    if found is None:
        show([])
        return
    if not found.plan.solved:
        show([])
        sentence(text(f"planning_parts.status_{found.plan.status}"))
        cautions([*reason_texts(opened, found.plan.reasons), *reason_texts(opened, found.notes)])
        return
    show([overlay_group(_overlay(opened, found))])
    _answer(opened, found)


def _asked(opened: Workspace, who: Person) -> SitingQuery:
    of = choose(
        text("planning_parts.site_of"), sources(opened), name="plan_site_of", show=lambda o: source_name(opened, o)
    )
    model_place, k_place = st.columns([2.2, 1], gap="small")
    model = choose(
        text("planning_parts.model"), list(SitingModel), name="plan_site_model", place=model_place,
        show=lambda name: text(f"planning_parts.model_{name}"),
    )  # fmt: skip
    k = int(number(k_place, text("planning_parts.k"), 1, 50, name="plan_site_k", default=2))
    mode, minutes = choose_travel(opened, "plan_site")
    with st.expander(text("planning_parts.more_settings")):
        candidates = choose(
            text("planning_parts.candidates"), [_GRIDS, *(s for s in sources(opened) if s != of)],
            name="plan_site_candidates",
            show=lambda c: text("planning_parts.candidates_grids") if c == _GRIDS else source_name(opened, c),
        )  # fmt: skip
        weight = choose(
            text("planning_parts.weight"), [*people_groups(opened), _GRIDS], name="plan_site_weight",
            show=lambda g: group_name(opened, g),
        )  # fmt: skip
        avoid = choose_some(
            text("planning_parts.avoid"), layers_for(opened, who, "polygon"), name="plan_site_avoid",
            show=lambda ref: layer_name(opened, ref), default=("water",),
        )  # fmt: skip
        limit = number(st, text("planning_parts.time_limit"), 5, 300, name="plan_site_limit", default=20, step=5)
    return SitingQuery(
        of=of, model=SitingModel(model), k=k, candidates=candidates, weight=weight, avoid=avoid, mode=mode,
        minutes=minutes, time_limit_s=limit,
    )  # fmt: skip


def _overlay(opened: Workspace, found: SitingProposal) -> Overlay:
    """Return the minutes with the new sites, and all sites."""
    steps = time_steps(found.query.minutes)
    minutes = found.grids["minutes_after"].to_numpy(dtype=float)
    codes = np.searchsorted(np.array(steps), np.nan_to_num(minutes), side="left").astype(np.int8)
    codes[np.isnan(minutes)] = -1
    what = source_name(opened, found.query.of)
    plain = coverage_overlay(codes, steps, language(), title=text("planning_parts.after_title", what=what))
    marks = [
        Place(point.x, point.y, "new" if row["rank"] else "existing", _tip(opened, found, row))
        for row, point in zip(found.sites.to_dict("records"), found.sites.geometry, strict=True)
    ]
    part = plain.legend[0]
    entries = (place_entry("new", text("planning_parts.site_new")),)
    if any(mark.kind == "existing" for mark in marks):
        entries = (*entries, place_entry("existing", text("planning_parts.site_existing", what=what)))
    legend = type(part)(part.title, (*entries, *part.entries))
    return Overlay("planning", plain.values, (places(marks),), (legend,))


def _tip(opened: Workspace, found: SitingProposal, row: dict[str, object]) -> tuple[str, ...]:
    rank = text("planning_parts.new_number", n=row["rank"]) if row["rank"] else ""
    served = text("planning_parts.serves", n=f"{float(str(row['persons'])):,.0f}")
    return tuple(each for each in (rank, _site_name(opened, row), served) if each)


def _site_name(opened: Workspace, row: dict[str, object]) -> str:
    """Return the name of a site; a grid is called by its community, too."""
    codes = opened.layer(_GRIDS)["grid_code"].astype(str)
    place = np.flatnonzero((codes == str(row["site_id"])).to_numpy())
    if len(place):
        return f"{grid_name(opened, int(place[0]), language())} {str(row['site_id'])[-_GRID_DIGITS:]}"
    return str(row["name"] or row["site_id"])


def _answer(opened: Workspace, found: SitingProposal) -> None:
    plan, query = found.plan, found.query
    new = int((found.sites["rank"] > 0).sum())
    said = text(f"planning_parts.status_{plan.status}")
    if plan.status == SitingStatus.FEASIBLE:
        gap = "–" if plan.gap is None else percent(plan.gap)
        said = text("planning_parts.status_gap", gap=gap)
    goal = text(f"planning_parts.goal_{query.model}", minutes=f"{query.minutes:g}")
    opening = text("planning_parts.sites_found", n=new) if new else text("planning_parts.no_more_needed")
    sentence(f"{opening} {goal}{said}")
    _scenario(opened, found)
    head(text("planning_parts.before_after"))
    heads = ["", text("planning_parts.before"), text("planning_parts.after")]
    rows = []
    for name in ("within_share", "mean_minutes", "median_minutes", "p90_minutes", "longest_minutes", "unreached"):
        cells = [_figure(each, name) for each in (found.before, found.after)]
        rows.append((text(f"planning_parts.{name}", minutes=f"{query.minutes:g}"), *cells))
    table(heads, rows)
    cautions([*reason_texts(opened, plan.reasons), *reason_texts(opened, found.notes)])
    built = found.sites[found.sites["rank"] > 0]
    lines = [
        Row(_site_name(opened, row), _served(row), geometry=point.__geo_interface__)
        for row, point in zip(built.to_dict("records"), built.geometry, strict=True)
    ]
    if lines:
        go_list(opened, text("planning_parts.new_sites"), lines, name="plan_site_list", height=170)
    names = ("rank", "site_id", "name", "persons", "mean_minutes")
    heads = [text(f"planning_parts.column_{name}") for name in (*names, "lon", "lat")]
    values = [
        (*(_plain(row[name]) for name in names), round(point.x, 6), round(point.y, 6))
        for row, point in zip(found.sites.to_dict("records"), found.sites.geometry, strict=True)
    ]
    csv_button(heads, values, "sites.csv")


def _served(row: dict[str, object]) -> str:
    minutes = float(str(row["mean_minutes"]))
    served = text("planning_parts.serves", n=f"{float(str(row['persons'])):,.0f}")
    return served if np.isnan(minutes) else f"{served} · {text('planning_parts.mean_of', minutes=f'{minutes:.1f}')}"


def _figure(figures: object, name: str) -> str:
    if figures is None:
        return "–"
    if name == "within_share":
        return percent(figures.share_within)  # type: ignore[attr-defined]
    if name == "unreached":
        return f"{figures.persons_unreached:,.0f}"  # type: ignore[attr-defined]
    key = {"mean_minutes": "mean_s", "median_minutes": "median_s", "p90_minutes": "p90_s", "longest_minutes": "max_s"}
    return minutes_text(getattr(figures, key[name]))


def _plain(value: object) -> object:
    return (
        "" if isinstance(value, float) and np.isnan(value) else round(value, 2) if isinstance(value, float) else value
    )


def _scenario(opened: Workspace, found: SitingProposal) -> None:
    if not int((found.sites["rank"] > 0).sum()):
        return
    with st.popover(text("planning_parts.make_scenario"), width="stretch", disabled=not may_write()):
        st.text_input(
            text("planning_parts.scenario_name"), key=_NAME,
            placeholder=text("planning_parts.scenario_example", what=source_name(opened, found.query.of)),
        )  # fmt: skip
        st.button(text("planning_parts.keep"), key="keep_sites", on_click=_keep, args=(opened, found), type="primary")


def _keep(opened: Workspace, found: SitingProposal) -> None:
    name = str(st.session_state.get(_NAME) or "").strip()
    if not name:
        say(text("planning_parts.name_needed"), good=False)
        return
    kept = attempt(
        lambda: keep_scenario(opened, signed_in(), scenario_of_sites(opened, found, name)),
        hint="planning_parts.cannot_keep",
    )
    if kept is not None:
        say(text("planning_parts.kept", name=name))
