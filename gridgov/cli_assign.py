"""The commands `gridgov assign`, `gridgov overrides` and `gridgov speeds`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.config import load_settings
from gridgov.errors import ParameterError
from gridgov.i18n import as_lang, label

if TYPE_CHECKING:
    import pandas as pd

    from gridgov.i18n import Lang
    from gridgov.model.assignments import AssignmentPlan
    from gridgov.model.rights import Person
    from gridgov.model.tours import TourPlan
    from gridgov.workspace import Workspace

Command = Callable[..., argparse.ArgumentParser]


def add_commands(command: Command, workspace: str) -> None:
    """Add the commands."""
    assign = command("assign", _assign, "decide who goes to which of all filed incidents; sends nobody")
    assign.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    assign.add_argument("--limit", type=int, metavar="N", help="the N most urgent incidents (default 1000, tours 60)")
    when = assign.add_mutually_exclusive_group()
    when.add_argument("--at", metavar="TIME", help="roads, shifts and speeds of a moment, such as 2026-06-30T08:10")
    when.add_argument("--hour", type=int, metavar="H", help="the same of an hour of today, 0 … 23")
    assign.add_argument("--capacity", type=int, metavar="N", help="incidents for one worker (default 1)")
    assign.add_argument("--under-way", action="store_true", help="may call back who is under way, where that pays")
    assign.add_argument("--any-skill", action="store_true", help="everybody may take every class")
    assign.add_argument("--check", type=int, metavar="N", help="try out the first N smallest changes")
    assign.add_argument("--tours", action="store_true", help="several incidents for each worker, in order, in time")
    assign.add_argument("--workers", type=int, metavar="N", help="workers for tours (default 20)")
    assign.add_argument("--seconds", type=float, metavar="S", help="latest end of the search for tours (default 10)")
    assign.add_argument("--json", action="store_true", help="print the plan as JSON")

    overrides = command("overrides", _overrides, "list who was sent against a proposal, why, and what became of it")
    overrides.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    overrides.add_argument("--since", metavar="TIME", help="default 30 days before the end")
    overrides.add_argument("--until", metavar="TIME", help="default now")
    overrides.add_argument("--by", choices=("reason_code", "dispatcher"), help="sum up by reason or by dispatcher")
    overrides.add_argument("--json", action="store_true", help="print the rows as JSON")

    speeds = command("speeds", _speeds, "learn the speeds of roads from the workers' tracks, or show what counts")
    speeds.add_argument("what", choices=("learn", "show", "use"), help="use VERSION: let it count; without one: none")
    speeds.add_argument("version", nargs="?", default="", metavar="VERSION")
    speeds.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    speeds.add_argument("--since", metavar="TIME", help="of the positions; default 28 days before the end")
    speeds.add_argument("--until", metavar="TIME", help="default now")
    speeds.add_argument("--least", type=int, default=3, metavar="N", help="passages that count (default %(default)s)")
    speeds.add_argument("--json", action="store_true", help="print the result as JSON")


def opened(arguments: argparse.Namespace) -> tuple[Workspace, Person]:
    """Return the workspace of a command, and whoever sits at the shell as a person."""
    from gridgov.model.rights import EVERYWHERE, Person, Role
    from gridgov.workspace import open_workspace

    at_the_shell = Person("system", Role.COMMANDER, EVERYWHERE)
    return open_workspace(arguments.workspace, settings=load_settings()), at_the_shell


def moment(workspace: Workspace, text: str | None, option: str) -> datetime | None:
    """Return an ISO time, local where it has no zone; None where none is given.

    Raises
    ------
    ParameterError
        The text is no time.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"{option} takes a time such as 2026-06-30T08:10, not '{text}'") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=workspace.timezone)


def _when(workspace: Workspace, arguments: argparse.Namespace) -> datetime | None:
    if arguments.hour is None:
        return moment(workspace, arguments.at, "--at")
    if not 0 <= arguments.hour <= 23:
        raise ParameterError(f"--hour {arguments.hour}: give an hour from 0 to 23")
    today = workspace.now().astimezone(workspace.timezone).date()
    return datetime.combine(today, time(arguments.hour), workspace.timezone)


def _check_kind(arguments: argparse.Namespace) -> None:
    """Refuse options that the kind of plan asked for would ignore."""
    if arguments.tours:
        given = {
            "--capacity": arguments.capacity,
            "--check": arguments.check,
            "--under-way": arguments.under_way or None,
        }
        why = "does not go with --tours, which give each worker as many filed incidents as fit; leave it out"
    else:
        given = {"--workers": arguments.workers, "--seconds": arguments.seconds}
        why = "is for tours only; add --tours or leave it out"
    if wrong := [name for name, value in given.items() if value is not None]:
        raise ParameterError(f"{wrong[0]} {why}")


def _assign(arguments: argparse.Namespace) -> int:
    _check_kind(arguments)
    workspace, person = opened(arguments)
    when, lang = _when(workspace, arguments), as_lang(arguments.lang)
    if arguments.tours:
        return _tours(workspace, person, when, arguments)
    from gridgov.dispatch import AssignmentParams
    from gridgov.operations.assigning import AssignmentQuery, assign

    query = AssignmentQuery(
        limit=1000 if arguments.limit is None else arguments.limit,
        include_under_way=arguments.under_way,
        any_skill=arguments.any_skill,
        check=max(arguments.check or 0, 0),
        params=AssignmentParams(capacity=1 if arguments.capacity is None else arguments.capacity),
    )
    plan = assign(workspace, person, query, now=when)
    if arguments.json:
        print(json.dumps(plan.to_dict(), ensure_ascii=False, indent=1))
    else:
        _show_plan(plan, lang)
    return 0 if plan.assignments else 1


def _show_plan(plan: AssignmentPlan, lang: Lang) -> None:
    if not plan.assignments and not plan.unassigned:
        print(label("assignment.nothing", lang))
        return
    columns = ("incident", "worker", "mode", "arrives", "runner_up", "difference", "flip")
    rows = [
        (
            one.incident_id,
            f"{one.worker_id} {one.name}".strip() + (f" ({one.turn})" if one.turn > 1 else ""),
            label(f"dispatch.mode.{one.mode}", lang),
            _clock(one.travel_time_ms),
            one.runner_up or "–",
            "–" if one.difference_ms is None else f"{one.difference_ms / 1000:+.1f}",
            "–" if one.flip_ms is None else f"{one.flip_ms / 1000:+.3f}",
        )
        for one in plan.assignments
    ]
    if rows:
        _print_table([label(f"assignment.column.{column}", lang) for column in columns], rows, right=range(3, 7))
    for one in plan.assignments:  # what the table does not say: why it is not simply the nearest
        if one.nearer or one.kept or one.moved_from:
            print(f"{one.incident_id}: {' '.join(one.texts(lang)[: 2 if one.moved_from else 1])}")
    for text in [*plan.texts(lang), *(left.text(lang) for left in plan.unassigned)]:
        print(text)


def _tours(workspace: Workspace, person: Person, when: datetime | None, arguments: argparse.Namespace) -> int:
    import sys

    from gridgov.operations.touring import TourQuery, tours

    lang = as_lang(arguments.lang)
    query = TourQuery(
        limit=60 if arguments.limit is None else arguments.limit,
        workers=20 if arguments.workers is None else arguments.workers,
        time_limit_s=10.0 if arguments.seconds is None else arguments.seconds,
        any_skill=arguments.any_skill,
    )
    plan = tours(workspace, person, query, now=when, progress=lambda code: print(label(code, lang), file=sys.stderr))
    if arguments.json:
        print(json.dumps(plan.to_dict(), ensure_ascii=False, indent=1))
    elif not plan.tours and not plan.left_out:
        print(label("assignment.nothing", lang))
    else:
        _show_tours(plan, lang)
    return 0 if plan.tours else 1


def _show_tours(plan: TourPlan, lang: Lang) -> None:
    rows = [
        (
            f"{tour.name} {tour.worker_id}".strip(),
            " → ".join(f"{stop.incident_id} ({stop.arrive_ms / 60_000:.0f})" for stop in tour.stops),
        )
        for tour in plan.tours
    ]
    _print_table([label("tours.worker", lang), label("tours.stops", lang)], rows, title=label("tours.title", lang))
    for text in plan.texts(lang):
        print(text)


def _overrides(arguments: argparse.Namespace) -> int:
    from gridgov.operations.overrides import override_summary, overrides

    workspace, person = opened(arguments)
    lang = as_lang(arguments.lang)
    since, until = (moment(workspace, getattr(arguments, name), f"--{name}") for name in ("since", "until"))
    table = overrides(workspace, person, since=since, until=until)
    if arguments.by:
        table = override_summary(workspace, table, arguments.by)
    if arguments.json:
        print(table.to_json(orient="records", date_format="iso", force_ascii=False, indent=1))
    elif table.empty:
        print(label("override.none", lang))
    else:
        _show_overrides(table, lang)
    return 0 if len(table) else 1


def _show_overrides(table: pd.DataFrame, lang: Lang) -> None:
    wanted = ("name", "count", "arrived") if "count" in table else ("incident_id", "dispatcher", "proposed", "handler")
    columns = [*wanted, *(("reason_code",) if "reason_code" in table else ()), "longer_s", "late_s"]
    columns += ["undone"] if "count" in table else []
    shown = table[columns].drop(columns="name") if "reason_code" in table and "count" in table else table[columns]
    shown = shown.copy()
    if "reason_code" in shown:
        shown["reason_code"] = [label(f"override.reason.{code}", lang) for code in shown["reason_code"]]
    rows = [tuple(_cell(value) for value in row) for row in shown.itertuples(index=False)]
    _print_table([label(f"override.column.{column}", lang) for column in shown.columns], rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:,.0f}"  # noqa: PLR0124 - NaN is what differs from itself
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def _speeds(arguments: argparse.Namespace) -> int:
    from gridgov.operations.speeds import learn_speeds, use_speeds

    workspace, person = opened(arguments)
    lang = as_lang(arguments.lang)
    if arguments.what == "use":
        use_speeds(workspace, person, arguments.version)
    if arguments.what != "learn":
        return _show_speeds(workspace, person, lang, as_json=arguments.json)
    since, until = (moment(workspace, getattr(arguments, name), f"--{name}") for name in ("since", "until"))
    learned = learn_speeds(
        workspace, person, since=since, until=until, least_samples=arguments.least, progress=_tell_progress
    )
    if arguments.json:
        facts = {name: getattr(learned, name) for name in learned.__slots__ if name != "findings"}
        found = [finding.to_dict(lang) for finding in learned.findings]
        print(json.dumps({**facts, "findings": found}, ensure_ascii=False, indent=1))
    else:
        counts = {name: f"{getattr(learned, name):,}" for name in ("positions", "workers", "legs", "counted")}
        said = "speeds.learned" if learned.version else "speeds.not_learned"
        print(label(said, lang, version=learned.version, **counts))
        for finding in learned.findings:
            print(finding.message(lang))
    return 0 if learned.version else 1


def _tell_progress(done: int, total: int) -> None:
    import sys

    if sys.stderr.isatty():
        print(f"\r{done:,}/{total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _show_speeds(workspace: Workspace, person: Person, lang: Lang, *, as_json: bool) -> int:
    from gridgov.operations.speeds import read_speeds, speed_versions

    versions, current = speed_versions(workspace, person), read_speeds(workspace, person)
    facts = {} if current is None else current.facts
    if as_json:
        rows = [] if current is None else json.loads(current.table.to_json(orient="records"))
        print(json.dumps({"versions": versions, "current": facts or None, "edges": rows}, ensure_ascii=False, indent=1))
        return 0 if current is not None else 1
    if current is None:
        print(label("speeds.none", lang, versions=", ".join(versions) or "–"))
        return 1
    print(label("speeds.current", lang, **facts))
    table = current.table[current.table["samples"] >= facts["least_samples"]]
    grouped = table.groupby(["mode", "day", "hour"], as_index=False).agg(
        edges=("edge_id", "size"), samples=("samples", "sum"), factor=("factor", "median")
    )
    rows = [
        (label(f"dispatch.mode.{r.mode}", lang), label(f"speeds.{r.day}", lang), f"{r.hour}", f"{r.edges:,}",
         f"{r.samples:,}", f"{r.factor:.2f}")
        for r in grouped.itertuples()
    ]  # fmt: skip
    columns = ("mode", "day", "hour", "edges", "samples", "factor")
    _print_table([label(f"speeds.column.{column}", lang) for column in columns], rows, right=range(2, 6))
    return 0


def _print_table(
    columns: Sequence[str], rows: Sequence[tuple[str, ...]], *, right: range = range(0), title: str | None = None
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for number, column in enumerate(columns):
        justify: Any = "right" if number in right else "left"
        table.add_column(column, justify=justify)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _clock(milliseconds: int) -> str:
    seconds = round(milliseconds / 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"
