"""What speaks against a closure: it lies elsewhere, its key stands for another one, it holds at another time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from gridgov.errors import ConflictError, ParameterError, RightsError
from gridgov.model.closures import Closure
from gridgov.model.events import Event, NewEvent
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.rights import EVERYWHERE, Person
from gridgov.network import RoadNetwork, place_closures
from gridgov.network.closing import LAYER
from gridgov.network.validation import Int64s
from gridgov.workspace import Workspace

if TYPE_CHECKING:
    from gridgov.operations.closures import ClosureDraft


def check_area(workspace: Workspace, person: Person, closure: Closure, edges: Int64s | None = None) -> None:
    """Refuse a closure that hits a road outside the person's area: one that touches no grid of it.

    Parameters
    ----------
    edges : int64 array, optional
        What the closure hits, where that is known already. A closure that hits no road must touch a grid of the area.

    Raises
    ------
    RightsError
    """
    if EVERYWHERE[0] in person.areas:
        return
    edges = _hit_by(workspace, closure) if edges is None else edges
    if not len(edges):
        if not _touching(workspace, person, [_drawn(closure)]).any():
            raise RightsError(
                f"closure {closure.closure_id} touches no grid of the area of account {person.account_id}"
            )
        return
    topology = workspace.network().topology
    streets, first = np.unique(topology.streets.street_of_edge[edges], return_index=True)
    outside = ~_touching(workspace, person, topology.edge_lines.of_streets(streets.astype(np.intp)))
    if outside.any():
        raise RightsError(_outside(workspace.network(), person, closure, edges[first[outside]], also=not outside.all()))


def _outside(network: RoadNetwork, person: Person, closure: Closure, edges: Int64s, *, also: bool) -> str:
    """Return the sentence about roads outside an area, by one edge of each."""
    names = {name: edge for edge in sorted(edges.tolist(), reverse=True) if (name := network.street_name(edge))}
    first = min(names, key=names.__getitem__) if names else f"edge {edges.min()}"
    hits = f"{'also ' if also else ''}hits {len(edges)} road{'s' * (len(edges) > 1)}"
    return (
        f"closure {closure.closure_id} {hits} outside the area of account {person.account_id}, the first is {first}; "
        "draw it smaller or ask for them"
    )


def _touching(workspace: Workspace, person: Person, shapes: Any) -> NDArray[np.bool_]:
    """Return which shapes touch a grid of a person's area; a missing shape touches none."""
    touching = np.zeros(len(shapes), dtype=np.bool_)
    if person.areas and workspace.has("grids"):
        grids = workspace.layer("grids")
        shape_row, grid_row = grids.sindex.query(np.asarray(shapes, dtype=object), predicate="intersects")
        own = grids["grid_code"].astype(str).str.startswith(person.areas).to_numpy()
        touching[shape_row[own[grid_row]]] = True
    return touching


def _hit_by(workspace: Workspace, closure: Closure) -> Int64s:
    """Return the edges that a closure hits on today's roads; none where it is about others or cannot be placed."""
    network = workspace.network()
    if not closure.edges or closure.topology == network.topology.digest:
        with suppress(ParameterError):  # from older books; whoever may reopen everywhere can still reopen it
            return place_closures(network, [closure]).edges[0]
    return np.zeros(0, dtype=np.int64)


def _drawn(closure: Closure) -> Any:
    """Return what a closure covers; None where it was not drawn."""
    if closure.geometry is None:
        return None
    drawn = shape(closure.geometry)
    return drawn if drawn.is_valid else shapely.make_valid(drawn)


def check_repeated(done: Sequence[Event], asked: Sequence[NewEvent], drafts: Sequence[ClosureDraft]) -> None:
    """Refuse an idempotency key under which something else was closed.

    Raises
    ------
    ConflictError
    """
    same = len(done) == len(asked) and all(
        _content(one, draft) == _content(other, draft) for one, other, draft in zip(done, asked, drafts, strict=True)
    )
    if not same:
        raise ConflictError("this idempotency key was used for another request: use a new one for each")


def _content(event: Event | NewEvent, draft: ClosureDraft) -> tuple[str, dict[str, Any]]:
    """Return what an event closes, without what is new at every attempt."""
    new = {"closure_id", *(() if draft.valid_from else ("valid_from",))}
    closure = event.payload.get("closure", {})
    return event.kind, {name: value for name, value in closure.items() if name not in new}


def not_then(closure: Closure, moment: datetime) -> Finding:
    """Return the finding that a closure does not hold at a moment."""
    detail: dict[str, str | int | float] = {"moment": moment.isoformat()}
    return Finding(
        LAYER, None, "valid_from", "closure_not_then", FindingLevel.INFO, FindingAction.KEPT, closure.closure_id, detail
    )
