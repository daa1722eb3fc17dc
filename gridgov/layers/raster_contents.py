"""What the cells of a raster hold: whether they are what the kind of the layer says, classes or measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridgov.errors import SourceError
from gridgov.model import Finding, FindingLevel, LayerSpec

_MAX_CLASSES = 256  # more values than that are measures, not classes
_FEW = 20


@dataclass
class RasterContents:
    """Counted block by block, so that a raster of any size takes the same memory.

    Attributes
    ----------
    valid, fitting : int
        Cells with a value; those of them with a known class, or within the limits of the kind.
    codes : set of float
        Values that occur, of a raster of classes; some of them where there are very many.
    """

    spec: LayerSpec
    valid: int = 0
    fitting: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    codes: set[float] = field(default_factory=set)

    def add(self, values: NDArray[Any]) -> None:
        """Count the values of a block; what is not finite has none."""
        values = values[np.isfinite(values)]
        if not len(values):
            return
        self.valid += len(values)
        self.lowest, self.highest = min(self.lowest, float(values.min())), max(self.highest, float(values.max()))
        if not self.spec.holds_classes:
            low, high = self._limits
            self.fitting += int(((values >= low) & (values <= high)).sum())
            return
        self.fitting += int(np.isin(values, self._known).sum())
        if len(self.codes) <= _MAX_CLASSES:
            self.codes.update(np.unique(values)[: _MAX_CLASSES + 1].astype(float).tolist())

    def refuse_unfit(self, path: Path) -> None:
        """Refuse a raster in which no cell is what the kind says.

        Raises
        ------
        SourceError
        """
        if self.fitting:
            return
        if self.spec.holds_classes:
            found, known = _listed(self.codes), _listed(self._known.tolist())
            raise SourceError(
                f"{path}: no cell has a class of '{self.spec.kind}' (the raster has {found}; known are {known}); give "
                f"the cells these codes, or choose another kind of layer",
                code="no_known_class", fields={"found": found, "known": known},
            )  # fmt: skip
        words = {"lowest": f"{self.lowest:g}", "highest": f"{self.highest:g}", **self._limit_words}
        raise SourceError(
            f"{path}: every cell is between {words['lowest']} and {words['highest']}, but '{self.spec.kind}' lies "
            f"between {words['minimum']} and {words['maximum']}; correct the unit, or choose another kind of layer",
            code="out_of_range", fields=words,
        )  # fmt: skip

    def findings(self, layer_id: str) -> list[Finding]:
        """Say which classes are unknown and how many cells have them, or how many lie outside of the limits."""
        percent = f"{100.0 * (self.valid - self.fitting) / max(self.valid, 1):.3g}"
        found: list[tuple[str, dict[str, str | int | float]]] = []
        if self.spec.holds_classes and (unknown := self.codes - set(self._known.tolist())):
            found.append(("raster_classes", {"codes": _listed(unknown), "count": len(unknown)}))
        if self.fitting < self.valid and self.spec.holds_classes:
            found.append(("raster_unknown_share", {"percent": percent}))
        elif self.fitting < self.valid:
            actual = {"lowest": f"{self.lowest:g}", "highest": f"{self.highest:g}"}
            found.append(("raster_out_of_range", {"percent": percent, **actual, **self._limit_words}))
        level = FindingLevel.WARNING if self.fitting else FindingLevel.ERROR
        return [Finding(layer_id, None, None, rule, level, detail=detail) for rule, detail in found]

    @property
    def _known(self) -> NDArray[np.float64]:
        return np.array([float(code) for code in self.spec.class_names])

    @property
    def _limits(self) -> tuple[float, float]:
        low, high = self.spec.minimum, self.spec.maximum
        return -np.inf if low is None else low, np.inf if high is None else high

    @property
    def _limit_words(self) -> dict[str, str]:
        low, high = self._limits
        return {"minimum": f"{low:g}".replace("inf", "∞"), "maximum": f"{high:g}".replace("inf", "∞")}


def _listed(codes: Any) -> str:
    listed = ", ".join(f"{code:g}" for code in sorted(codes)[:_FEW])
    return f"{listed}, …" if len(codes) > _FEW else listed
