"""改派: a dispatcher sends somebody else than the plan proposes, and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gridgov.errors import ParameterError


class OverrideReason(StrEnum):
    """Why somebody else; the texts are ``override.reason.<code>``. `OTHER` has to be put into words."""

    KNOWS_PLACE = "knows_place"
    SAME_MATTER = "same_matter"
    EQUIPMENT = "equipment"
    WORKLOAD = "workload"
    WAY_BLOCKED = "way_blocked"
    NOT_REACHED = "not_reached"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a plan proposed when the dispatcher decided.

    Attributes
    ----------
    worker_id : str
        Whom it proposed.
    worker_ms, handler_ms : int or None
        How long the way takes whom it proposed, and whom the dispatcher sends; None: not known.
    """

    worker_id: str
    worker_ms: int | None = None
    handler_ms: int | None = None

    def __post_init__(self) -> None:
        for value in (self.worker_ms, self.handler_ms):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise ParameterError(f"a proposal of {self.worker_id} has the travel time {value!r}; give whole ms")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"worker_id": self.worker_id, "worker_ms": self.worker_ms, "handler_ms": self.handler_ms}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Proposal:
        """Read what `to_dict` wrote."""
        return cls(data["worker_id"], data["worker_ms"], data["handler_ms"])


@dataclass(frozen=True, slots=True)
class Decision:
    """What a dispatcher made of a proposal."""

    proposal: Proposal
    reason_code: str = ""
    reason: str = ""

    def overrides(self, handler: str) -> bool:
        """Whether somebody else is sent than proposed."""
        return self.proposal.worker_id != handler

    def payload(self, handler: str) -> dict[str, Any]:
        """Return what the event of the dispatch keeps of it."""
        plain: dict[str, Any] = {"proposal": self.proposal.to_dict()}
        if self.overrides(handler):
            plain["reason_code"] = self.reason_code
        if self.reason:
            plain["reason"] = self.reason
        return plain
