"""The command `gridgov evacuate`: from a hazard to a plan that carries its own proof."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.config import load_settings
from gridgov.errors import ParameterError
from gridgov.i18n import as_lang, label

if TYPE_CHECKING:
    from gridgov.evacuation.bus_plans import BusPlan
    from gridgov.i18n import Lang
    from gridgov.model.evacuation import EvacuationPlan
    from gridgov.model.rights import Person
    from gridgov.operations.evacuation_input import EvacuationInput, EvacuationQuery
    from gridgov.workspace import Workspace

Command = Callable[..., argparse.ArgumentParser]
_MOST_BOTTLENECKS = 5
_MOST_SHELTERS = 10
_MOST_TRIPS = 20
_LEAST_MINUTES = 0.1  # that one more lane must save to be worth a line


def add_command(command: Command, workspace: str) -> None:
    """Add the command."""
    evacuate = command("evacuate", _evacuate, "plan how everybody leaves a hazard, and prove how good the plan is")
    evacuate.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    what = evacuate.add_mutually_exclusive_group(required=True)
    what.add_argument("--hazard", metavar="ID", help="a hazard on the books")
    what.add_argument("--polygon", type=Path, metavar="FILE", help="a GeoJSON polygon; it is put on the books")
    evacuate.add_argument(
        "--arrival", type=float, default=0.0, metavar="MIN", help="minutes until the polygon's danger"
    )
    evacuate.add_argument("--routes", type=int, default=2, metavar="N", help="routes per grid (default 2; 0: no limit)")
    evacuate.add_argument("--occupancy", type=float, default=2.5, metavar="P", help="persons per vehicle (default 2.5)")
    evacuate.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds to compute (default 60)")
    evacuate.add_argument("--gap", type=float, default=0.005, metavar="G", help="good enough (default 0.005)")
    evacuate.add_argument("--capacity", type=float, default=1.0, metavar="X", help="times the capacity of all roads")
    evacuate.add_argument("--walk", action="store_true", help="everybody goes on foot")
    evacuate.add_argument("--contraflow", action="store_true", help="opposite lanes may be turned")
    evacuate.add_argument("--without", action="append", default=[], metavar="SHELTER", help="not this shelter")
    evacuate.add_argument("--buses", type=int, default=0, metavar="N", help="buses for people without a car")
    evacuate.add_argument(
        "--without-car", type=float, metavar="X", help="share of people without a car (default: buses.toml)"
    )
    evacuate.add_argument("--seats", type=int, metavar="N", help="people in a bus (default: buses.toml)")
    evacuate.add_argument("--seed", type=int, default=0)
    evacuate.add_argument("--out", type=Path, metavar="FILE", help="write the plan document; .gz: compressed")
    evacuate.add_argument("--keep", action="store_true", help="put the plan on the books")
    evacuate.add_argument("--json", action="store_true", help="print the plan document")


def _evacuate(arguments: argparse.Namespace) -> int:
    from gridgov.operations.evacuating import evacuate, keep_plan

    workspace, person = _opened(arguments)
    lang = as_lang(arguments.lang)
    _check_out(arguments.out)
    query = _query(arguments, workspace, person)
    plan, asked = _watched(lambda progress: evacuate(workspace, person, query, progress=progress), lang)
    if arguments.out is not None:
        arguments.out.write_bytes(plan.to_json(compress=arguments.out.name.endswith(".gz")))
    kept = keep_plan(workspace, person, query, plan, asked) if arguments.keep else None
    if arguments.json:
        print(plan.to_json().decode())
        return 0 if not _left_behind(plan, asked) else 1
    _show(plan, asked, lang)
    if kept is not None:
        print(label("evacuate.kept", lang, id=kept.evacuation.evacuation_id))
    if arguments.out is not None:
        print(label("evacuate.written", lang, path=arguments.out))
    return 0 if not _left_behind(plan, asked) else 1


def _left_behind(plan: EvacuationPlan, asked: EvacuationInput) -> float:
    return plan.unmet_persons + (0 if asked.buses is None else asked.buses.unmet_persons)


def _opened(arguments: argparse.Namespace) -> tuple[Workspace, Person]:
    from gridgov.model.rights import EVERYWHERE, Person, Role
    from gridgov.workspace import open_workspace

    at_the_shell = Person("system", Role.COMMANDER, EVERYWHERE)
    return open_workspace(arguments.workspace, settings=load_settings()), at_the_shell


def _query(arguments: argparse.Namespace, workspace: Workspace, person: Person) -> EvacuationQuery:
    from gridgov.evacuation import EvacuationParams
    from gridgov.operations.bus_input import BusQuery, bus_params
    from gridgov.operations.evacuation_input import EvacuationQuery, check_shelters

    params = EvacuationParams(
        max_routes_per_zone=arguments.routes or None,
        occupancy_persons_per_vehicle=arguments.occupancy,
        time_limit_s=arguments.time_limit,
        target_gap=arguments.gap,
        mode="walk" if arguments.walk else "drive",
        capacity_factor=arguments.capacity,
        contraflow=arguments.contraflow,
    )
    buses = None
    if arguments.buses:
        buses = BusQuery(vehicles=arguments.buses, share_without_car=arguments.without_car, seats=arguments.seats)
        bus_params(buses)
    elif arguments.without_car is not None or arguments.seats is not None:
        raise ParameterError("--without-car and --seats are about buses: say how many there are with --buses")
    check_shelters(workspace, arguments.without)
    hazard_id = arguments.hazard or _drawn(arguments, workspace, person)  # the books last, when all else can be
    return EvacuationQuery(
        hazard_id=hazard_id, params=params, shelters_out=tuple(arguments.without), buses=buses, seed=arguments.seed
    )


def _check_out(path: Path | None) -> None:
    """Refuse a file that cannot be written before a plan is computed for it."""
    if path is None:
        return
    if path.is_dir():
        raise ParameterError(f"--out {path} is a folder; name a file in it")
    there = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise ParameterError(f"--out {path} cannot be written: {error.strerror or error}") from error
    if not there:
        path.unlink()


def _drawn(arguments: argparse.Namespace, workspace: Workspace, person: Person) -> str:
    """Put the polygon of a file on the books, once however often it is given."""
    from gridgov.operations.hazards import HazardHeader, draw_hazard

    try:
        content = json.loads(arguments.polygon.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParameterError(f"{arguments.polygon}: this is no JSON ({error}); give a GeoJSON file") from error
    geometry = _geometry(content, arguments.polygon)
    told = f"{json.dumps(geometry, sort_keys=True)}|{arguments.arrival}"
    key = hashlib.sha256(told.encode()).hexdigest()
    header = HazardHeader(name=arguments.polygon.stem[:200], idempotency_key=key)
    return draw_hazard(workspace, person, geometry, header, arrival_s=arguments.arrival * 60).hazard_id


def _geometry(content: Any, file: Path) -> dict[str, Any]:
    """Return the one geometry of a GeoJSON file."""
    if isinstance(content, dict) and content.get("type") == "FeatureCollection":
        features = content.get("features")
        if not isinstance(features, list) or len(features) != 1:
            count = len(features) if isinstance(features, list) else 0
            raise ParameterError(f"{file}: it holds {count} features; give one polygon")
        content = features[0]
    if isinstance(content, dict) and content.get("type") == "Feature":
        content = content.get("geometry")
    if not isinstance(content, dict) or "type" not in content:
        raise ParameterError(f"{file}: there is no geometry in it; give a GeoJSON polygon")
    return content


def _watched(work: Callable[..., Any], lang: Lang) -> tuple[EvacuationPlan, EvacuationInput]:
    """Run a computation with a line of progress on the error output, so that the output stays clean."""
    from rich.console import Console

    from gridgov.model.evacuation_words import promise_text

    console = Console(stderr=True)
    with console.status(label("evacuate.reading", lang)) as status:

        def better(plan: EvacuationPlan) -> bool:
            status.update(promise_text(plan, lang))
            return True

        done: tuple[EvacuationPlan, EvacuationInput] = work(better)
        return done


def _show(plan: EvacuationPlan, asked: EvacuationInput, lang: Lang) -> None:
    from rich.console import Console

    from gridgov.model.evacuation_words import promise_text, unmet_texts, warning_texts

    for finding in asked.hazard.findings:
        print(finding.message(lang))
    print(
        label(
            "evacuate.asked", lang, persons=f"{round(asked.persons):,}", grids=len(asked.demand), n=len(asked.shelters)
        )
    )
    if asked.struck:
        print(label("evacuate.struck", lang, n=len(asked.struck)))
    if plan.flows or asked.buses is None or not asked.buses.persons:
        print(promise_text(plan, lang))
    for sentence in [*unmet_texts(plan, lang), *warning_texts(plan, lang)]:
        print(sentence)
    if plan.flows:
        Console().print(_shelter_table(plan, asked, lang))
    if asked.buses is not None:
        _show_buses(asked.buses, lang)
    worth_it = [limit for limit in plan.bottlenecks if limit.minutes_saved_per_lane >= _LEAST_MINUTES]
    for limit in worth_it[:_MOST_BOTTLENECKS]:
        name = asked.network.street_name(limit.edge) or label("evacuate.nameless_road", lang)
        print(label("evacuate.bottleneck", lang, road=name, minutes=f"{limit.minutes_saved_per_lane:.1f}"))
    print(label("evacuate.not_a_prediction", lang))


def _shelter_table(plan: EvacuationPlan, asked: EvacuationInput, lang: Lang) -> Any:
    """Return the shelters by how many come."""
    from rich.table import Table

    coming: dict[str, float] = {}
    for flow in plan.flows:
        coming[flow.shelter_id] = coming.get(flow.shelter_id, 0.0) + flow.persons
    coming = {shelter_id: persons for shelter_id, persons in coming.items() if round(persons)}
    table = Table()
    for column in ("shelter", "coming", "places"):
        table.add_column(label(f"evacuate.column.{column}", lang), justify="left" if column == "shelter" else "right")
    known = asked.shelters.set_index("shelter_id")
    for shelter_id in sorted(coming, key=lambda each: -coming[each])[:_MOST_SHELTERS]:
        row = known.loc[shelter_id]
        table.add_row(
            f"{row['name']} {shelter_id}".strip(), f"{round(coming[shelter_id]):,}", f"{row['capacity_persons']:,.0f}"
        )
    return table


def _show_buses(plan: BusPlan, lang: Lang) -> None:
    """Print what the buses promise, and the first trips of the table."""
    from rich.console import Console
    from rich.table import Table

    from gridgov.operations.busing import bus_plan_texts

    for sentence in bus_plan_texts(plan, lang):
        print(sentence)
    if not plan.trips:
        return
    table = Table()
    for column in ("bus", "grids", "persons", "arrives", "done", "shelter"):
        right = column in ("persons", "arrives", "done")
        table.add_column(label(f"buses.column.{column}", lang), justify="right" if right else "left")
    runs = sorted(((run.reaches_first_stop_s, bus.bus_id, run) for bus in plan.buses for run in bus.runs), key=_first)
    for reached_s, bus_id, run in runs[:_MOST_TRIPS]:
        stops = ", ".join(f"{zone} ({persons})" for zone, persons in run.trip.stops)
        times = _clock(reached_s), _clock(run.done_s)
        table.add_row(bus_id, stops, str(run.trip.persons), *times, run.trip.shelter_id)
    Console().print(table)
    if len(runs) > _MOST_TRIPS:
        print(label("buses.more", lang, n=len(runs) - _MOST_TRIPS))


def _first(row: tuple[float, str, object]) -> tuple[float, str]:
    return row[:2]


def _clock(seconds: float) -> str:
    """Return a time after the order as hours and minutes."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}"
