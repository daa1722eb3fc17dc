"""疏散命令: orders of a kept plan as table, sheet and files; door tasks for grid workers; the draft of a warning."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import shapely
from shapely.geometry import shape

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.evacuation.alert_draft import WarningFacts, draft_alert, draft_cancel, draft_update
from gridgov.evacuation.door_tasks import door_tasks
from gridgov.evacuation.orders import make_orders, with_bus_calls
from gridgov.i18n import LANGS, Lang, label
from gridgov.maps.order_exports import departures_csv, orders_geojson, orders_gpx, write_geopackage
from gridgov.maps.order_sheet import order_sheet
from gridgov.model import TravelMode, WorkerStatus
from gridgov.model.alerts import CapAlert
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.evacuations import ORDERED, PLANNED, WITHDRAWN
from gridgov.model.hazards import ACTIVE
from gridgov.model.orders import DoorTask, EvacuationOrders
from gridgov.model.rights import Person, Right, require
from gridgov.network import RoadNetwork
from gridgov.operations.crew import crew_of
from gridgov.operations.evacuating import RecordedEvacuation, evacuations_of, read_bus_plan, read_evacuation, read_plan
from gridgov.operations.hazards import check_hazard_area, read_hazard
from gridgov.profiles.alerts import load_alert_profile
from gridgov.workspace import Workspace

OrderFormat = Literal["html", "csv", "geojson", "gpkg", "gpx"]
FORMATS: tuple[OrderFormat, ...] = ("html", "csv", "geojson", "gpkg", "gpx")
_COUNTY_DIGITS = 6
_MANY_STREETS = 5  # more are named by the district


@dataclass(frozen=True)
class OrderPapers:
    """Orders with what is drawn beside them.

    Attributes
    ----------
    orders : EvacuationOrders
        Times count from when the orders were given, before that from now.
    network : RoadNetwork
    outlines : mapping of zone id to geometry
    hazard : geometry
    """

    orders: EvacuationOrders
    network: RoadNetwork
    outlines: dict[str, Any]
    hazard: Any


def orders_of(workspace: Workspace, person: Person, evacuation_id: str) -> OrderPapers:
    """Return the orders of a kept plan.

    Raises
    ------
    RecordNotFoundError
        There is no such evacuation.
    StorageError
        Its document is missing or was changed.
    ParameterError
        The roads are others than those of the plan.
    """
    require(person, Right.LAYER_READ)
    recorded = read_evacuation(workspace, person, evacuation_id)
    plan = read_plan(workspace, person, evacuation_id)
    hazard = read_hazard(workspace, person, recorded.evacuation.hazard_id).hazard
    network = workspace.network(_mode(plan))
    zones = _zones(workspace)
    orders = make_orders(
        plan.to_dict(),
        network,
        announced_at=recorded.leave_at or workspace.now(),
        timezone=str(workspace.timezone),
        zones=zones,
        shelters=workspace.layers_of_kind("shelters"),
    )
    if (buses := read_bus_plan(workspace, person, evacuation_id)) is not None:
        orders = with_bus_calls(orders, buses)
    leaving = {zone.zone_id for zone in orders.zones}
    outlines = {
        zone: geometry for zone, geometry in zip(zones["zone_id"], zones.geometry, strict=True) if zone in leaving
    }
    area = shapely.union_all([shape(dict(zone.geometry)) for zone in hazard.zones])
    return OrderPapers(orders, network, outlines, area)


def order_file(
    workspace: Workspace, person: Person, evacuation_id: str, file_format: OrderFormat = "html", lang: Lang = "zh"
) -> bytes:
    """Return the orders as one of `FORMATS`; nobody is named in it.

    Raises
    ------
    See `orders_of`; ParameterError
        The format is unknown.
    """
    if file_format not in FORMATS:
        raise ParameterError(f"orders are written as {', '.join(FORMATS)}, not as '{file_format}'")
    papers = orders_of(workspace, person, evacuation_id)
    orders, outlines = papers.orders, papers.outlines
    if file_format == "csv":
        return departures_csv(orders, lang)
    if file_format == "gpx":
        return orders_gpx(orders, lang)
    if file_format == "geojson":
        return orders_geojson(orders, lang, outlines).encode("utf-8")
    if file_format == "gpkg":
        with tempfile.TemporaryDirectory(prefix="gridgov-orders-") as folder:
            path = Path(folder) / "orders.gpkg"
            write_geopackage(orders, path, lang, outlines)
            return path.read_bytes()
    title = f"{workspace.name(lang)} {label('orders.title', lang)}"
    return order_sheet(orders, papers.network, lang, zones=outlines, hazard=papers.hazard, title=title).encode("utf-8")


def door_tasks_of(
    workspace: Workspace, person: Person, evacuation_id: str
) -> tuple[tuple[DoorTask, ...], tuple[str, ...]]:
    """Return who knocks at which doors, and the zones that nobody can be sent to; workers as they are now.

    Raises
    ------
    See `orders_of`; RightsError
        The person may not plan evacuations, or not there.
    """
    _may_order(workspace, person, evacuation_id)
    papers = orders_of(workspace, person, evacuation_id)
    workers = workspace.layers_of_kind("workers")
    if workers is None:
        return (), tuple(zone.zone_id for zone in papers.orders.zones if zone.first_departure is not None)
    crew = crew_of(workspace)
    now = crew.frame.assign(duty_grids=workers["duty_grids"].to_numpy() if "duty_grids" in workers else None)
    off = now.loc[now["status"] == WorkerStatus.OFF, "worker_id"].tolist()
    return door_tasks(papers.orders, now, workspace.network(TravelMode.WALK), off_duty=off)


def warning_of(
    workspace: Workspace, person: Person, evacuation_id: str, *, earlier: CapAlert | None = None
) -> CapAlert:
    """Return the draft of a CAP 1.2 message for a plan; `gridgov.model.cap.to_xml` writes it.

    A first warning; for a plan that replaces another one, an update that refers to the warning of that one; for a plan
    that was withdrawn, a cancel that refers to its own. That is the all-clear only if the hazard itself was withdrawn
    and no other orders for it hold; else it says that the orders are withdrawn and that the danger has not passed. A
    message keeps its identifier and the time at which the plan was made or its orders were given, so that what refers
    to it finds it.

    Parameters
    ----------
    earlier : CapAlert, optional
        What was really sent, where it is not the draft as it stood here.

    Raises
    ------
    See `door_tasks_of`.
    """
    _may_order(workspace, person, evacuation_id)
    recorded = read_evacuation(workspace, person, evacuation_id)
    if recorded.status == WITHDRAWN:
        base = earlier or _warning(workspace, person, recorded)
        over = _over_since(workspace, person, recorded.evacuation.hazard_id)
        if over is None:
            called_back = f"{evacuation_id}-cancel"
            return draft_cancel(base, identifier=called_back, now=recorded.at, note=recorded.note, danger_passed=False)
        since, identifier = max(over, recorded.at), f"{evacuation_id}-clear"
        return draft_cancel(base, identifier=identifier, now=since, note=recorded.note)
    return _warning(workspace, person, recorded, earlier)


def _warning(
    workspace: Workspace, person: Person, recorded: RecordedEvacuation, earlier: CapAlert | None = None
) -> CapAlert:
    """Return the warning or update of an evacuation, as it was before it may have been withdrawn."""
    evacuation_id, replaced = recorded.evacuation.evacuation_id, _updates(workspace, person, recorded)
    facts, sent = _facts(workspace, person, recorded), recorded.warned_at
    if earlier is None and replaced:
        earlier = _warning(workspace, person, read_evacuation(workspace, person, replaced))
    if earlier is None:
        return draft_alert(facts, load_alert_profile(), identifier=evacuation_id, now=sent)
    return draft_update(earlier, facts, load_alert_profile(), identifier=evacuation_id, now=sent)


def _updates(workspace: Workspace, person: Person, recorded: RecordedEvacuation) -> str:
    """Return the evacuation whose warning the one of this evacuation updates; "": it is the first."""
    if recorded.superseded is not None:
        return next(iter(recorded.superseded), "")
    own, hazard_id = recorded.evacuation.evacuation_id, recorded.evacuation.hazard_id
    in_force = next((each for each in _in_force(workspace, person, hazard_id) if each != own), "")
    return in_force if recorded.status == PLANNED and in_force else recorded.evacuation.replaces


def _over_since(workspace: Workspace, person: Person, hazard_id: str) -> datetime | None:
    """Return since when nobody has to leave a hazard: it was withdrawn, and no orders for it hold; None: not yet."""
    hazard = read_hazard(workspace, person, hazard_id)
    return None if hazard.status == ACTIVE or _in_force(workspace, person, hazard_id) else hazard.at


def _in_force(workspace: Workspace, person: Person, hazard_id: str) -> list[str]:
    """Return the evacuations of a hazard whose orders hold, the last changed first."""
    found = evacuations_of(workspace, person, hazard_id)
    return [each.evacuation.evacuation_id for each in found if each.status == ORDERED]


def _facts(workspace: Workspace, person: Person, recorded: RecordedEvacuation) -> WarningFacts:
    papers = orders_of(workspace, person, recorded.evacuation.evacuation_id)
    hazard = read_hazard(workspace, person, recorded.evacuation.hazard_id).hazard
    orders = papers.orders
    outlines = shapely.union_all(list(papers.outlines.values())) if papers.outlines else papers.hazard
    names, whole_streets = _warned_streets(workspace, orders)
    onset = hazard.starts_at
    if onset is not None:
        onset += timedelta(seconds=min(zone.arrival_s for zone in hazard.zones))
    by_bus = sum(call.persons for zone in orders.zones for call in zone.buses)
    return WarningFacts(
        outlines,
        str(hazard.kind),
        max(zone.level for zone in hazard.zones),
        names,
        onset=onset,
        clearance_s=orders.clearance_time_s,
        persons=orders.persons + orders.unmet_persons + by_bus,
        geocodes=tuple((_code_list(code), code) for code in whole_streets),
    )


def _warned_streets(workspace: Workspace, orders: EvacuationOrders) -> tuple[dict[str, str], list[str]]:
    """Return the names of the area by language, and the codes of the streets of which every grid leaves.

    The area of a warning is all that its polygons and its geocodes name (CAP 1.2, 3.2.4): the code of a street of which
    only some grids leave would warn all of it, and its name says that it is a part.
    """
    streets = {zone.area_code: zone for zone in orders.zones if zone.area_code}
    leaving = Counter(zone.area_code for zone in orders.zones)
    grids = workspace.layers_of_kind("grids")
    every: Counter[str] = Counter()
    if grids is not None and "street_code" in grids:
        every.update(grids["street_code"].dropna().astype(str))
    whole = [code for code in sorted(streets) if leaving[code] >= every[code] > 0]

    def part(name: str, lang: Lang, grids_leaving: int, complete: bool) -> str:
        return name if complete else label("alert.area_part", lang, area=name, grids=grids_leaving)

    names: dict[str, str] = {}
    for lang in LANGS:
        if len(streets) > _MANY_STREETS:
            names[lang] = part(workspace.name(lang), lang, len(orders.zones), len(orders.zones) >= every.total())
            continue
        named = (part(zone.area_name(lang), lang, leaving[code], code in whole) for code, zone in streets.items())
        names[lang] = label("orders.and", lang).join(named)
    return names, whole


def _code_list(code: str) -> str:
    """Return which standard's list a code is of: counties have six digits, streets and towns nine."""
    return "GB/T 2260" if len(code) == _COUNTY_DIGITS else "GB/T 10114"


def _may_order(workspace: Workspace, person: Person, evacuation_id: str) -> None:
    require(person, Right.EVACUATION_WRITE)
    hazard_id = read_evacuation(workspace, person, evacuation_id).evacuation.hazard_id
    check_hazard_area(workspace, person, read_hazard(workspace, person, hazard_id).hazard)


def _mode(plan: EvacuationPlan) -> TravelMode:
    return TravelMode.WALK if dict(plan.params).get("mode") == "walk" else TravelMode.DRIVE


def _zones(workspace: Workspace) -> gpd.GeoDataFrame:
    """Return the grids as zones, with the names of their streets."""
    grids = workspace.layers_of_kind("grids")
    if grids is None:
        return gpd.GeoDataFrame({"zone_id": []}, geometry=[], crs=WGS84)
    zones = grids.rename(columns={"grid_code": "zone_id", "elderly_persons": "in_need"})
    divisions = workspace.layers_of_kind("divisions")
    if divisions is None or "street_code" not in zones:
        return zones
    known = divisions.drop_duplicates("division_code").set_index("division_code")
    for column, given in (("street_name", "name"), ("street_name_en", "name_en")):
        if given in known:
            zones[column] = zones["street_code"].map(known[given])
    return zones
