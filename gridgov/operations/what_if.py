"""假设分析: run a scenario, and compare two: every figure from the same operations that answer in real life.

A run works on a workspace as it would be (`gridgov.workspace_variants`) at the moment of the scenario, with the
closures that held when it was made and those of its own; so it does not depend on the day on which it is run. Its
digest is over question and answers; figures of a computation that the clock stopped are left out of it and say so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgov.analysis.changing import drawn_area, lay_changes
from gridgov.errors import ParameterError
from gridgov.layers.values import value_fault
from gridgov.model.changes import AreaAdded, Change, DutyAssigned, PlaceAdded, PlaceChanged, SpeedsScaled, VersionUsed
from gridgov.model.closures import Closure, added
from gridgov.model.findings import Finding
from gridgov.model.hazards import made
from gridgov.model.rights import EVERYWHERE, Person, Right, Role, require
from gridgov.model.what_if import Base, Indicator, Question, Scenario
from gridgov.network import RoadNetwork, place_closures
from gridgov.operations.closures import book_closures
from gridgov.operations.coverage import TOO_FAR_M, WORKERS, CoverageQuery, coverage, coverage_subjects
from gridgov.operations.duty_months import duty_after, is_from_books, month_of
from gridgov.operations.impact import impact_of
from gridgov.operations.resource_areas import resource_areas
from gridgov.operations.scenario_findings import scenario_findings
from gridgov.workspace import Workspace
from gridgov.workspace_variants import WorkspaceVariant

if TYPE_CHECKING:
    from gridgov.model.evacuation import EvacuationPlan

_ASKING = Person("what-if", Role.COMMANDER, EVERYWHERE)  # whoever may ask is checked before; nobody's name is shown
_HAZARD = "what-if"
_M_PER_DEGREE = 111_320.0
_MARGIN_S = 1.0  # of a computation that ended by itself
Progress = Callable[[str, float], None]
"""Told what is being done (``access``, ``impact``, ``evacuation``, ``month``, ``areas``) and the share that is done."""


@dataclass(frozen=True)
class ScenarioRun:
    """The answers of a scenario.

    Attributes
    ----------
    scenario : Scenario
    indicators : tuple of Indicator
    by_grid : DataFrame
        grid_code, persons, ``<subject>_s`` (time to the nearest; missing where there is no way), in the order of the
        grids of the scenario.
    layers : mapping of str to GeoDataFrame
        Those that the scenario changes.
    codes : DataFrame
        old_code, new_code, share, change of the grids that it merges or splits; all others keep their code.
    plan : EvacuationPlan or None
    at_risk : DataFrame or None
        People of each grid inside the hazard, as in `gridgov.analysis.impact.Impact.by_grid`.
    data_changed : bool
        Whether the data were imported anew since the scenario was made: then the answers are those of the new data.
    digest : str
        Of question and answers.
    seconds : float
    findings : tuple of Finding
        What to know beside the figures, as in `gridgov.operations.scenario_findings`.
    at : datetime
        The moment that was asked about, in the district's time zone.
    """

    scenario: Scenario
    indicators: tuple[Indicator, ...]
    by_grid: pd.DataFrame
    layers: dict[str, gpd.GeoDataFrame]
    codes: pd.DataFrame
    plan: EvacuationPlan | None
    at_risk: pd.DataFrame | None
    data_changed: bool
    digest: str
    seconds: float
    findings: tuple[Finding, ...]
    at: datetime

    def value(self, code: str, subject: str = "") -> float | None:
        """Return one figure.

        Raises
        ------
        ParameterError
            It was not asked for.
        """
        for indicator in self.indicators:
            if indicator.key == (code, subject):
                return indicator.value
        raise ParameterError(f"the scenario was not asked for '{code}' of '{subject}'")


def base_of(workspace: Workspace, *, at: datetime | None = None) -> Base:
    """Return what a scenario that is made now starts from: this data, the closures that hold at a moment."""
    when = at or workspace.now()
    held = tuple(closure for closure in book_closures(workspace) if closure.holds_at(when))
    return Base(data_fingerprint(workspace), when, held)


def data_fingerprint(workspace: Workspace) -> str:
    """Return what changes with every import and with every version of a layer that comes into use."""
    used = [f"{layer}@{workspace.entry(layer).version}" for layer in workspace.layer_ids]
    return hashlib.sha256("\n".join([workspace.version, *sorted(used)]).encode()).hexdigest()[:16]


def unchanged(scenario: Scenario, name: str) -> Scenario:
    """Return the same question about the base alone."""
    return replace(scenario, name=name, closures=(), changes=())


def run_scenario(
    workspace: Workspace, person: Person, scenario: Scenario, *, progress: Progress | None = None
) -> ScenarioRun:
    """Answer the question of a scenario; nothing is written.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    ParameterError
        A change names what is not there or gives a field a value that it cannot have; the scenario has no question.
    LayerNotFoundError
        The workspace has no roads or no grids.
    """
    require(person, Right.SCENARIO_WRITE)
    scenario = stamped(workspace, scenario)
    question, started = scenario.question or Question(), perf_counter()
    told = progress or (lambda _stage, _share: None)
    variant = variant_of(workspace, scenario)
    if not question.month and any(isinstance(change, DutyAssigned) for change in scenario.changes):
        raise ParameterError(
            "the scenario changes duty areas, and only a simulated month of dispatch shows what they do; ask with "
            "month = true"
        )
    areas = resource_areas(variant, question.resources)
    indicators: list[Indicator] = []
    by_grid = _access(variant, question, indicators, told)
    at_risk, plan = None, None
    if question.hazard is not None:
        told("impact", 0.5)
        at_risk = _impact(variant, indicators)
    if question.evacuate:
        told("evacuation", 0.6)
        plan = _evacuation(variant, question, scenario.seed, indicators, told)
    if question.month:
        told("month", 0.9)
        _month(workspace, variant, scenario, indicators)
    told("areas", 0.95)
    indicators += areas
    changed = {name: variant.layer(name) for name in variant.changed_layers}
    told("done", 1.0)
    return ScenarioRun(
        scenario=scenario,
        indicators=tuple(indicators),
        by_grid=by_grid,
        layers=changed,
        codes=variant.codes,
        plan=plan,
        at_risk=at_risk,
        data_changed=bool(scenario.base.data) and scenario.base.data != data_fingerprint(workspace),
        digest=_digest(workspace, scenario, indicators, by_grid),
        seconds=perf_counter() - started,
        findings=scenario_findings(variant, scenario),
        at=variant.now().astimezone(workspace.timezone),
    )


def variant_of(workspace: Workspace, scenario: Scenario) -> WorkspaceVariant:
    """Return the workspace as it would be, with the closures and the hazard of a scenario on its books.

    Raises
    ------
    ParameterError
        A change names what is not there or gives a field a value that it cannot have, a closure hits no road, or names
        edges of roads that were imported anew since.
    """
    specs = {layer: workspace.spec(layer) for layer in workspace.layer_ids}
    for number, change in enumerate(scenario.changes, start=1):
        try:
            _check_values(workspace, change)
        except ParameterError as error:
            raise ParameterError(f"change {number}: {error}") from error
    rasters = {
        change.layer: workspace.raster_path(f"{change.layer}@{change.version}")
        for change in scenario.changes
        if isinstance(change, VersionUsed) and change.layer in specs and specs[change.layer].geometry == "raster"
    }
    laid = lay_changes(
        scenario.changes,
        specs,
        workspace.layer,
        lambda layer, version: workspace.layer(f"{layer}@{version}"),
        workspace.metric_crs,
    )
    when = scenario.base.at or workspace.now()
    respeed = _respeeding([change for change in scenario.changes if isinstance(change, SpeedsScaled)])
    variant = WorkspaceVariant(workspace, when, layers=laid.layers, rasters=rasters, respeed=respeed, codes=laid.codes)
    if any(isinstance(change, DutyAssigned) for change in scenario.changes):
        duty_after(workspace, scenario.changes)  # refuses workers and grids that are not there
    scenario = stamped(workspace, scenario)
    _check_placed(workspace, scenario.closures)
    closures = (*scenario.base.closures, *scenario.closures)
    events = [added(closure, _ASKING.actor, when) for closure in closures]
    hazard = None if scenario.question is None else scenario.question.hazard
    if hazard is not None:
        events.append(made(hazard.named(_HAZARD, hazard.starts_at or when), _ASKING.actor, when))
    if events:
        variant.store.append(events)
    return variant


def stamped(workspace: Workspace, scenario: Scenario) -> Scenario:
    """Return a scenario whose closures by edge ids say which road network those ids are of.

    Raises
    ------
    ParameterError
        One does not say so in a scenario of other data: the same numbers may be other roads here.
    """
    if not any(each.edges and not each.topology for each in (*scenario.closures, *scenario.base.closures)):
        return scenario
    here, digest = data_fingerprint(workspace), workspace.network().topology.digest

    def stamp(closure: Closure) -> Closure:
        if not closure.edges or closure.topology:
            return closure
        if scenario.base.data not in {"", here}:
            raise ParameterError(
                f"closure {closure.closure_id} names edges of a road network that is not known, and scenario "
                f"{scenario.name} was made on other data; draw it again on this one"
            )
        return replace(closure, topology=digest)

    base = replace(scenario.base, closures=tuple(map(stamp, scenario.base.closures)))
    return replace(scenario, closures=tuple(map(stamp, scenario.closures)), base=base)


def _check_placed(workspace: Workspace, closures: tuple[Closure, ...]) -> None:
    """Refuse a closure that closes nothing, or edges of another road network."""
    for number, closure in enumerate(closures, start=1):
        try:
            edges = place_closures(workspace.network(), [closure]).edges[0]
        except ParameterError as error:
            raise ParameterError(f"close_roads {number}: {error}") from error
        if not len(edges):
            raise ParameterError(
                f"close_roads {number}: closure {closure.closure_id} of the scenario hits no road; draw it across one"
            )


def _check_values(workspace: Workspace, change: Change) -> None:
    """Refuse a value that its field cannot have; which fields there are is said where the change is laid on."""
    if not isinstance(change, PlaceAdded | PlaceChanged | AreaAdded) or not workspace.has(change.layer):
        return
    if isinstance(change, PlaceAdded):
        _check_near(workspace, f"{change.kind} {change.id}", (change.lon, change.lat, change.lon, change.lat))
    elif isinstance(change, AreaAdded):
        west, south, east, north = drawn_area(change).bounds
        for corner in ((west, south), (east, north)):  # also one that only reaches far away
            _check_near(workspace, f"{change.kind} {change.id}", (*corner, *corner))
    spec = workspace.spec(change.layer)
    for name, value in change.attributes.items():
        if name in spec.fields and (fault := value_fault(value, spec.fields[name], timezone=str(workspace.timezone))):
            raise ParameterError(f"{change.kind} {change.id}: {name} = {value!r} {fault}")


def _check_near(workspace: Workspace, what: str, box: tuple[float, float, float, float]) -> None:
    """Refuse what lies so far from the district that no road of it leads there: it would change nothing in silence."""
    west, south, east, north = workspace.bounds
    across, up = max(west - box[2], box[0] - east, 0.0), max(south - box[3], box[1] - north, 0.0)
    away = float(np.hypot(across * np.cos(np.radians((south + north) / 2)), up)) * _M_PER_DEGREE
    if away > TOO_FAR_M:
        raise ParameterError(
            f"{what} lies {away / 1000:,.0f} km from the district (longitude {west:.3f} to {east:.3f}, latitude "
            f"{south:.3f} to {north:.3f}); check longitude and latitude"
        )


def _respeeding(changes: list[SpeedsScaled]) -> Callable[[RoadNetwork], RoadNetwork] | None:
    def respeed(network: RoadNetwork) -> RoadNetwork:
        factors = np.ones(network.n_edges)
        highways = np.array([network.highway(edge) for edge in range(network.n_edges)], dtype=object)
        for change in changes:
            met = np.isin(highways, change.highways) if change.highways else np.ones(network.n_edges, dtype=np.bool_)
            if not met.any():
                raise ParameterError(f"scale_speeds: no road is of the class {', '.join(change.highways)}")
            factors[met] *= change.factor
        return network.with_speed_factors(factors)

    return respeed if changes else None


def _access(variant: Workspace, question: Question, indicators: list[Indicator], told: Progress) -> pd.DataFrame:
    if not question.near:
        raise ParameterError(
            "the question asks for nothing to be near; give near one or more of "
            f"{', '.join(coverage_subjects(variant))}"
        )
    known = coverage_subjects(variant)
    columns: dict[str, Any] = {}
    for number, subject in enumerate(question.near):
        if subject not in known:
            raise ParameterError(f"the question asks for '{subject[:40]}'; there are {', '.join(known)}")
        told("access", 0.5 * number / len(question.near))
        mode = question.mode if subject != WORKERS or question.mode is not None else None
        shown = coverage(variant, _ASKING, CoverageQuery(of=subject, minutes=question.minutes, mode=mode))
        columns.setdefault("grid_code", shown.grid_code)
        columns.setdefault("persons", shown.persons)
        time_s = np.where(shown.order_time_ms < 0, np.nan, shown.order_time_ms / 1000)
        columns[f"{subject}_s"] = time_s
        median, most = weighted_quantiles(time_s, shown.persons, (0.5, 0.9))
        far, summary = shown.summary.share_beyond, shown.summary
        indicators += [
            Indicator("time_median", subject, median, "s", -1),
            Indicator("time_p90", subject, most, "s", -1),
            Indicator("share_within", subject, None if far is None else 1 - far, "share", 1),
            Indicator("persons_beyond", subject, summary.persons_beyond + summary.persons_unreached, "persons", -1),
        ]
    return pd.DataFrame(columns)


def weighted_quantiles(values: Any, weights: Any, shares: tuple[float, ...]) -> tuple[float | None, ...]:
    """Return the least values that a share of the weight does not exceed; None where that share is never reached.

    Parameters
    ----------
    values : float array
        NaN: never reached, and counted as the largest.
    weights : float array
        NaN: not known, and left out.
    """
    known = ~np.isnan(weights) & (weights > 0)
    value, weight = np.asarray(values)[known], np.asarray(weights)[known]
    if not len(value):
        return tuple(None for _ in shares)
    order = np.argsort(np.where(np.isnan(value), np.inf, value), kind="stable")
    reached = np.cumsum(weight[order])
    positions = np.searchsorted(reached, np.array(shares) * reached[-1] * (1 - 1e-12))
    found = value[order][np.minimum(positions, len(value) - 1)]
    return tuple(None if np.isnan(each) else float(each) for each in found)


def _impact(variant: Workspace, indicators: list[Indicator]) -> pd.DataFrame:
    impact = impact_of(variant, _ASKING, _HAZARD).impact
    for name, unit in (("persons", "persons"), ("facilities", "count"), ("shelters", "count")):
        if name in impact.figures:
            indicators.append(Indicator(f"at_risk_{name}", "", float(impact.figures[name].value), unit, -1))
    return impact.by_grid


def _evacuation(
    variant: Workspace, question: Question, seed: int, indicators: list[Indicator], told: Progress
) -> EvacuationPlan:
    from gridgov.evacuation import EvacuationParams  # noqa: PLC0415 - OR-tools takes a second to load
    from gridgov.operations.evacuating import evacuate  # noqa: PLC0415
    from gridgov.operations.evacuation_input import EvacuationQuery  # noqa: PLC0415

    params = EvacuationParams(time_limit_s=question.evacuation_s)
    started = perf_counter()

    def better(_plan: EvacuationPlan) -> None:
        told("evacuation", 0.6 + 0.35 * min(1.0, (perf_counter() - started) / question.evacuation_s))

    plan, _ = evacuate(variant, _ASKING, EvacuationQuery(hazard_id=_HAZARD, params=params, seed=seed), progress=better)
    exact = perf_counter() - started < question.evacuation_s - _MARGIN_S
    indicators += [
        Indicator("clearance_time", "", plan.clearance_time_s, "s", -1, exact),
        Indicator("clearance_bound", "", plan.lower_bound_s, "s", -1, exact),
        Indicator("unmet_persons", "", plan.unmet_persons, "persons", -1),
    ]
    return plan


def _month(workspace: Workspace, variant: WorkspaceVariant, scenario: Scenario, indicators: list[Indicator]) -> None:
    month = month_of(workspace, variant, scenario.changes, seed=scenario.seed)
    exact = not is_from_books(workspace)
    indicators += [
        Indicator("response_median", "", month.median_s, "s", -1, exact),
        Indicator("response_p90", "", month.p90_s, "s", -1, exact),
        Indicator("by_owner", "", month.by_owner, "share", 1, exact),
        Indicator("uneven_work", "", month.uneven, "share", -1, exact),
        Indicator("unreached_incidents", "", float(month.unreached), "count", -1, exact),
    ]


def _digest(workspace: Workspace, scenario: Scenario, indicators: list[Indicator], by_grid: pd.DataFrame) -> str:
    """Return the fingerprint of question and answers, rounded to what they are exact to."""
    told = {
        "question": scenario.digest,
        "data": data_fingerprint(workspace),
        "indicators": [_rounded(each) for each in indicators if each.exact],
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in by_grid:
        column = by_grid[name]
        if name == "grid_code":
            digest.update("\n".join(column.astype(str)).encode())
        else:
            numbers = np.nan_to_num(column.to_numpy(dtype=float) * 1000, nan=-1.0)
            digest.update(np.round(numbers).astype("<i8").tobytes())
    return digest.hexdigest()


def _rounded(indicator: Indicator) -> list[Any]:
    return [*indicator.key, None if indicator.value is None else round(indicator.value, 3)]
