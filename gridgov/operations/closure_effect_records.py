"""What `closure_effects` answers with: before and after for incidents, workers, grids, facilities, and the counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.i18n import Lang, label
from gridgov.model import TravelMode
from gridgov.model.closures import Closure
from gridgov.model.findings import Finding
from gridgov.operations.closed_edges import ClosedEdges

Change = Literal["cut_off", "later", "same", "earlier", "restored"]
WORST_FIRST: Mapping[str, int] = {"cut_off": 0, "later": 1, "same": 2, "earlier": 3, "restored": 4}


@dataclass(frozen=True, slots=True)
class EffectNote:
    """Something that has to be said, as a code with its values."""

    code: str
    fields: Mapping[str, str | int] = field(default_factory=dict)

    def text(self, lang: Lang) -> str:
        """Return it as a sentence."""
        return label(f"closure_effects.note.{self.code}", lang, **self.fields)


@dataclass(frozen=True, slots=True)
class IncidentEffect:
    """What changes for one open incident.

    Attributes
    ----------
    is_under_way : bool
        A worker has the task: the times are that worker's. Else those of the nearest worker who can be sent.
    before_ms, after_ms, delay_ms : int or None
        None where there is no way.
    change : str
        ``cut_off``, ``later``, ``same`` (only another worker comes), ``earlier``, ``restored``.
    worker_before, worker_after : str
        Worker ids; "" where nobody comes, or where the person may not know who it is.
    reason : str
        Why it is cut off: ``on_closed_road`` (the incident lies on one), ``worker_on_closed_road``,
        ``worker_stranded``, ``no_way``; "": it is not.
    """

    incident_id: str
    state: str
    severity: int
    grid_code: str
    lon: float
    lat: float
    is_under_way: bool
    before_ms: int | None
    after_ms: int | None
    change: Change
    worker_before: str
    worker_after: str
    is_other_worker: bool
    reason: str

    @property
    def delay_ms(self) -> int | None:
        """How much later; negative: earlier."""
        return None if self.before_ms is None or self.after_ms is None else self.after_ms - self.before_ms

    @property
    def route_is_cut(self) -> bool:
        """Whether every quickest way of the worker under way runs through what is closed now."""
        return self.is_under_way and self.change in {"cut_off", "later"}

    def text(self, lang: Lang) -> str:
        """Return why it is cut off as a sentence; "" where it is not."""
        who = self.worker_before
        return (
            label(f"closure_effects.reason.{self.reason}", lang, incident=self.incident_id, worker=who)
            if (self.reason)
            else ""
        )


@dataclass(frozen=True, slots=True)
class WorkerEffect:
    """A worker who cannot come to the main part of the roads any more, or can again.

    `reason` is ``on_closed_road`` (stands on one and cannot move at all), ``island`` (only a part that is cut off can
    be reached), or ``restored``.
    """

    worker_id: str
    name: str
    mode: TravelMode
    lon: float
    lat: float
    reason: str

    def text(self, lang: Lang) -> str:
        """Return it as a sentence."""
        return label(f"closure_effects.worker.{self.reason}", lang, worker=self.worker_id, name=self.name)


@dataclass(frozen=True, slots=True)
class FacilityEffect:
    """Which of a category a car cannot reach and leave any more, or can again.

    `category` is that of the facilities, or ``shelters``; `total` all there are.
    """

    category: str
    total: int
    cut_off: tuple[str, ...]
    restored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EffectsSummary:
    """Counts of what changes. Grids and persons lose service when no worker comes within the limit any more."""

    edges: int
    streets: int
    length_m: float
    incidents: int
    incidents_cut_off: int
    incidents_later: int
    incidents_better: int
    incidents_other_worker: int
    incidents_without_position: int
    workers_cut_off: int
    grids_cut_off: int
    grids_lost: int
    grids_gained: int
    grids_later: int
    persons_lost: int
    persons_cut_off: int
    grids_lost_without_population: int
    facilities_cut_off: int


@dataclass(frozen=True)
class ClosureEffects:
    """Before and after.

    Attributes
    ----------
    when : datetime
        The moment of both.
    limit_ms : int
        Service means to be reached within it.
    before, after : tuple of Closure
        Those that hold at the moment; drafts have ids ``draft-1``, ….
    edges : ClosedEdges
        Roads that differ, with their lines.
    findings : tuple of Finding
        What is odd about the drafts: they hit no road, hold at no moment, contradict others, ….
    notes : tuple of EffectNote
    grids : DataFrame
        In the order of the layer: id (grid code), before_ms, after_ms, delay_ms, change, service, persons (missing
        where not known), cut_off (no car comes there any more from the main part of the roads).
    incidents : tuple of IncidentEffect
        Those for which something changes, the worst first.
    workers : tuple of WorkerEffect
    facilities : tuple of FacilityEffect
        Categories of which some are cut off or restored, most first.
    summary : EffectsSummary
    """

    when: datetime
    limit_ms: int
    before: tuple[Closure, ...]
    after: tuple[Closure, ...]
    edges: ClosedEdges
    findings: tuple[Finding, ...]
    notes: tuple[EffectNote, ...]
    grids: pd.DataFrame
    incidents: tuple[IncidentEffect, ...]
    workers: tuple[WorkerEffect, ...]
    facilities: tuple[FacilityEffect, ...]
    summary: EffectsSummary

    @cached_property
    def worst_grids(self) -> pd.DataFrame:
        """The grids for which something changes, the worst first: cut off, service lost, then by delay."""
        changed = self.grids[~self.grids["change"].isin(["same", "never"]) | self.grids["cut_off"]]
        rank = changed["change"].astype(str).map(WORST_FIRST).fillna(9)
        order = pd.DataFrame(
            {
                "cut": ~changed["cut_off"],
                "rank": rank,
                "lost": changed["service"] != "lost",
                "delay": -changed["delay_ms"].astype("float64").fillna(0.0),
            }
        )
        return changed.loc[order.sort_values(list(order.columns), kind="stable").index]

    @cached_property
    def grid_after_ms(self) -> NDArray[np.int64]:
        """Time of the nearest worker to every grid afterwards, -1: no way; for `coverage.time_classes`."""
        return np.asarray(self.grids["after_ms"].fillna(-1).to_numpy(dtype=np.int64))
