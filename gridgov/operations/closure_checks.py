"""What speaks against a closure: it lies elsewhere, its key stands for another one, it holds at another time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import shape

from gridgov.errors import ConflictError, RightsError
from gridgov.model.closures import Closure
from gridgov.model.events import Event, NewEvent
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.rights import EVERYWHERE, Person
from gridgov.network.closing import LAYER
from gridgov.workspace import Workspace

if TYPE_CHECKING:
    from gridgov.operations.closures import ClosureDraft


def check_area(workspace: Workspace, person: Person, closure: Closure) -> None:
    """Refuse a closure that touches no grid of the person's area.

    Raises
    ------
    RightsError
    """
    if EVERYWHERE[0] in person.areas:
        return
    drawn = _drawn(workspace, closure)
    if person.areas and workspace.has("grids") and drawn is not None:
        grids = workspace.layer("grids")
        touched = grids.sindex.query(drawn, predicate="intersects")
        if any(code.startswith(person.areas) for code in grids["grid_code"].astype(str).iloc[touched]):
            return
    raise RightsError(f"closure {closure.closure_id} touches no grid of the area of account {person.account_id}")


def _drawn(workspace: Workspace, closure: Closure) -> Any:
    """Return what a closure covers; None where its edges belong to another network than today's."""
    if closure.geometry is not None:
        drawn = shape(closure.geometry)
        return drawn if drawn.is_valid else shapely.make_valid(drawn)
    network = workspace.network()
    if closure.topology != network.topology.digest:
        return None
    lines = [network.edge_coordinates(edge) for edge in closure.edges]
    return shapely.multilinestrings([shapely.linestrings(line) for line in lines if len(line) > 1])


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
