"""规划问题: the questions of the planner's page, put together from what is typed there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gridgov.analysis.patrol import PatrolParams
from gridgov.analysis.suitability import Criterion
from gridgov.errors import ParameterError
from gridgov.grids.redesign import RedesignParams
from gridgov.model.changes import PlaceAdded
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.analysing import LayerUse
from gridgov.operations.coverage import SHELTERS, coverage_subjects
from gridgov.operations.hotspots import HotspotQuery
from gridgov.operations.redesigning import RedesignQuery
from gridgov.operations.siting import SitingProposal
from gridgov.operations.suiting import Constraint, Measure, SuitabilityQuery
from gridgov.workspace import Workspace

_OTHER_CATEGORIES = ("grids",)


@dataclass(frozen=True, slots=True)
class Wish:
    """One criterion of the page.

    Attributes
    ----------
    what : str
        As of `Measure`.
    name : str
        Id of a layer, or a number column of the grids.
    weight : float
    more : bool
        Whether more is better.
    """

    what: Literal["raster", "distance_m", "share", "field"]
    name: str
    weight: float = 1.0
    more: bool = True

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return f"{self.what}:{self.name}"

    @property
    def measure(self) -> Measure:
        """The number that it looks at."""
        if self.what == "field":
            return Measure(what="field", column=self.name)
        return Measure(what=self.what, layer=LayerUse(self.name))


def suitability_question(
    wishes: Sequence[Wish], avoid: Sequence[str] = (), *, most_share: float = 0.1, k: int = 5
) -> SuitabilityQuery:
    """Return the question for the grids where something fits best.

    Parameters
    ----------
    avoid : sequence of str
        Ids of layers of areas; a grid that lies in one with more than `most_share` of its area is excluded.
    """
    criteria = [
        (wish.measure, Criterion(wish.key, wish.weight, "more" if wish.more else "less"))
        for wish in wishes
    ]  # fmt: skip
    barred = tuple(
        Constraint(measure=Measure(what="share", layer=LayerUse(layer)), at_most=most_share) for layer in avoid
    )
    return SuitabilityQuery(criteria=tuple(criteria), constraints=barred, k=k)


def redesign_question(area: str, *, compactness: float, time_limit_s: float) -> RedesignQuery:
    """Return the question for duty areas."""
    return RedesignQuery(area=area, params=RedesignParams(compactness=compactness, time_limit_s=time_limit_s))


def hotspot_question(
    area: str, now: datetime, *, days: int = 0, class_code: str = "", per_person: bool = False
) -> HotspotQuery:
    """Return the question for hot spots; `days` 0: all of history."""
    since = now - timedelta(days=days) if days else None
    return HotspotQuery(
        area=area, since=since, classes=(class_code,) if class_code else (), per_person=per_person
    )  # fmt: skip


def patrol_question(hours: float, span_h: int) -> PatrolParams:
    """Return what there is to spend on patrols."""
    return PatrolParams(hours=hours, span_h=span_h)


def scenario_of_sites(workspace: Workspace, found: SitingProposal, name: str) -> Scenario:
    """Return a scenario in which the proposed sites are built; ask `keep_scenario` to keep it.

    Raises
    ------
    ParameterError
        Nothing was proposed, or there is no layer of places to put it into.
    """
    layer, attributes = _layer_of(workspace, found.query.of)
    spec = workspace.spec(layer)
    new = found.sites[found.sites["rank"] > 0]
    if not len(new):
        raise ParameterError("no new site was proposed, so there is nothing to keep")
    taken = set(workspace.layer(layer)[spec.key].astype(str)) if spec.key in workspace.layer(layer) else set()
    changes = []
    for row, point in zip(new.to_dict("records"), new.geometry, strict=True):
        given = {
            k: v for k, v in {**attributes, "name": str(row["name"] or row["site_id"])}.items() if k in spec.fields
        }
        number = next(n for n in (f"new-{row['rank']}{'x' * tail}" for tail in range(99)) if n not in taken)
        changes.append(PlaceAdded(layer, number, float(point.x), float(point.y), given))
    near = tuple(dict.fromkeys((*Question().near, *([found.query.of] if _is_subject(workspace, found) else []))))
    question = Question(near=near, minutes=found.query.minutes)
    return Scenario(name, changes=tuple(changes), question=question)


def _is_subject(workspace: Workspace, found: SitingProposal) -> bool:
    return found.query.of in coverage_subjects(workspace)


def _layer_of(workspace: Workspace, of: str) -> tuple[str, Mapping[str, str]]:
    """Return the layer of points that facilities of a kind stand in, and what marks them there."""
    if of == SHELTERS and workspace.of_kind("shelters"):
        return workspace.of_kind("shelters")[0], {}
    if of in coverage_subjects(workspace) and workspace.of_kind("facilities"):
        return workspace.of_kind("facilities")[0], {"category": of}
    if of and of not in _OTHER_CATEGORIES and workspace.has(of) and workspace.entry(of).geometry in {"point", "any"}:
        return of, {}
    raise ParameterError(
        f"'{of[:40]}' is no layer of places that a scenario could add to; choose shelters or facilities"
    )
