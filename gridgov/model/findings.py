"""校验发现: what a check has to say about one row of a source."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from gridgov.i18n import Lang, label


class FindingLevel(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class FindingAction(StrEnum):
    """What became of the row."""

    KEPT = "kept"
    REPAIRED = "repaired"
    EMPTIED = "emptied"  # one value did not fit and was taken out; the row is in the layer
    ASIDE = "aside"  # written to aside/<layer>.csv with its reason, and not part of the layer


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault or oddity of one row, or of a whole layer.

    Attributes
    ----------
    layer : str
        Layer id in the workspace.
    row : int | None
        1-based row (feature) of the source, header not counted; None: the layer as a whole.
    field : str | None
        Field name of the layer specification (not the source's column).
    rule : str
        Code of the rule; its sentence is the text ``finding.<rule>``.
    level : FindingLevel
    action : FindingAction
    key : str | None
        Id of the row in its own key, where it has one.
    detail : dict
        Values that the rule's sentence names.
    """

    layer: str
    row: int | None
    field: str | None
    rule: str
    level: FindingLevel
    action: FindingAction = FindingAction.KEPT
    key: str | None = None
    detail: dict[str, str | int | float] = dataclasses.field(default_factory=dict)

    def message(self, lang: Lang = "zh") -> str:
        """Return the finding as a sentence."""
        return label(f"finding.{self.rule}", lang, **{"field": self.field or "", "key": self.key or "", **self.detail})

    def to_dict(self, lang: Lang = "zh") -> dict[str, object]:
        """Return the finding as plain data for JSON, its sentence included."""
        return {**dataclasses.asdict(self), "message": self.message(lang)}
