"""适宜性评价: weighted criteria with constraints, for grids or for the cells of a raster, and how firm the ranking is.

A weighted sum of scores from 0 (worst) to 1 (best): Malczewski, GIS and Multicriteria Decision Analysis (1999). What a
constraint excludes has no score; where a criterion is not known there is none either, and both are said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridgov.analysis.metric_layers import Floats
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel

_DRAWS = 500
_MOST_WORK = 500_000_000  # alternatives x draws
_Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion.

    Attributes
    ----------
    name : str
        Key of its values.
    weight : float
        0 or more; only their ratios count.
    direction : "more" or "less"
        What is better.
    low, high : float, optional
        Values of the two ends of the scale; default the least and the largest value that is not excluded.
    breakpoints : tuple of (value, score)
        Instead of ends and direction: rising values with scores from 0 to 1, in a straight line between them.
    """

    name: str
    weight: float
    direction: Literal["more", "less"] = "more"
    low: float | None = None
    high: float | None = None
    breakpoints: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no criterion."""
        if not (np.isfinite(self.weight) and self.weight >= 0):
            raise ParameterError(f"criterion '{self.name}' has the weight {self.weight}; give 0 or more")
        if self.direction not in {"more", "less"}:
            raise ParameterError(f"criterion '{self.name}': direction '{self.direction}' is neither 'more' nor 'less'")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ParameterError(f"criterion '{self.name}': low {self.low} is not below high {self.high}")
        if self.breakpoints:
            values, scores = np.array(self.breakpoints, dtype=float).T
            if len(values) < 2 or (np.diff(values) <= 0).any() or (scores < 0).any() or (scores > 1).any():
                raise ParameterError(
                    f"criterion '{self.name}': give at least two breakpoints with rising values and scores from 0 to 1"
                )


@dataclass(frozen=True, slots=True)
class Suitability:
    """Scores of alternatives.

    Attributes
    ----------
    score : float array
        0 to 1, in the shape of the values; NaN where excluded or not known.
    scores : float array, shape (criteria, ...)
        Of each criterion.
    weights : float array, shape (criteria,)
        Summing to 1.
    excluded, unknown : bool array
        By a constraint; for a missing value of a criterion that has a weight (and not excluded).
    names : tuple of str
    findings : tuple of Finding
    """

    score: Floats
    scores: Floats
    weights: Floats
    excluded: _Bools
    unknown: _Bools
    names: tuple[str, ...]
    findings: tuple[Finding, ...]

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Return the alternatives, best first.

        Returns
        -------
        DataFrame
            id, rank (missing without a score), score, a column for each criterion with what it contributes (score x
            weight; they sum to the score), excluded, unknown.
        """
        rank = _ranks(self.score[None, :])[0]
        parts = {name: self.scores[i] * self.weights[i] for i, name in enumerate(self.names)}
        ranks = pd.array(rank, dtype="Int64")
        ranks[np.isnan(self.score)] = pd.NA
        frame = pd.DataFrame({"id": list(ids), "rank": ranks, "score": self.score, **parts})
        frame["excluded"], frame["unknown"] = self.excluded, self.unknown
        return frame.sort_values(["rank", "id"], kind="stable", ignore_index=True)


def suitability(
    values: Mapping[str, ArrayLike],
    criteria: Sequence[Criterion],
    *,
    excluded: ArrayLike | None = None,
    name: str = "suitability",
) -> Suitability:
    """Score alternatives: grids (values of shape (grids,)) or cells (values of shape (rows, columns)).

    Parameters
    ----------
    values : mapping of criterion name to array
        All of one shape; NaN where not known.
    criteria : sequence of Criterion
    excluded : bool array, optional
        Constraints: True where nothing may be.
    name : str
        For messages.

    Raises
    ------
    ParameterError
        No criterion, weights that sum to zero, values that are missing, infinite or of different shapes, a criterion
        named twice, or constraints that exclude everything.
    """
    weights = _weights(criteria)
    names = tuple(criterion.name for criterion in criteria)
    arrays = [_values(values, criterion) for criterion in criteria]
    shape = arrays[0].shape
    for key, array in zip(names, arrays, strict=True):
        if array.shape != shape:
            raise ParameterError(f"criterion '{key}' has {array.shape} values, '{names[0]}' {shape}; give as many")
    out = np.zeros(shape, dtype=bool) if excluded is None else np.asarray(excluded, dtype=bool)
    if out.shape != shape:
        raise ParameterError(f"the constraints have the shape {out.shape} and the criteria {shape}")
    if out.all():
        raise ParameterError(f"the constraints of {name} exclude everything; nothing is left to compare")
    findings = list[Finding]()
    scores = np.stack([_scored(a, c, out, name, findings) for a, c in zip(arrays, criteria, strict=True)])
    unknown = np.isnan(scores[weights > 0]).any(axis=0) & ~out
    if unknown.any():
        missing = ", ".join(c.name for c, s in zip(criteria, scores, strict=True) if (np.isnan(s) & ~out).any())
        detail: dict[str, str | int | float] = {"count": int(unknown.sum()), "criteria": missing}
        findings.append(Finding(name, None, None, "suitability_unknown", FindingLevel.WARNING, detail=detail))
    total = np.tensordot(weights, np.where(weights.reshape(-1, *[1] * len(shape)) > 0, scores, 0.0), axes=1)
    return Suitability(np.where(out, np.nan, total), scores, weights, out, unknown, names, tuple(findings))


def _weights(criteria: Sequence[Criterion]) -> Floats:
    if not criteria:
        raise ParameterError("no criterion is given; name at least one")
    names = [criterion.name for criterion in criteria]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ParameterError(f"criterion '{twice[0]}' is given twice; name each once")
    weights = np.array([criterion.weight for criterion in criteria], dtype=np.float64)
    if not weights.sum() > 0:
        raise ParameterError(f"the weights of {', '.join(names)} sum to zero; give at least one a weight above 0")
    return np.asarray(weights / weights.sum())


def _values(values: Mapping[str, ArrayLike], criterion: Criterion) -> Floats:
    if criterion.name not in values:
        raise ParameterError(f"criterion '{criterion.name}' has no values; there are {', '.join(values) or 'none'}")
    array = np.asarray(values[criterion.name], dtype=np.float64)
    endless = np.flatnonzero(np.isinf(array.ravel()))
    if len(endless):
        raise ParameterError(
            f"criterion '{criterion.name}' is infinite in row {endless[0] + 1}; leave it out if unknown"
        )
    return array


def _scored(values: Floats, criterion: Criterion, out: _Bools, name: str, findings: list[Finding]) -> Floats:
    """Return scores from 0 to 1; NaN stays."""
    if criterion.breakpoints:
        at, score = np.array(criterion.breakpoints, dtype=float).T
        return np.where(np.isnan(values), np.nan, np.interp(values, at, score))
    known = values[~out & ~np.isnan(values)]
    if not len(known):
        raise ParameterError(f"criterion '{criterion.name}' is known nowhere; leave it out")
    low = float(known.min()) if criterion.low is None else criterion.low
    high = float(known.max()) if criterion.high is None else criterion.high
    if not low < high:
        findings.append(
            Finding(name, None, None, "criterion_constant", FindingLevel.WARNING, detail={"criterion": criterion.name})
        )
        return np.where(np.isnan(values), np.nan, 0.5)
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(share if criterion.direction == "more" else 1.0 - share)


@dataclass(frozen=True, slots=True)
class RankSensitivity:
    """How a ranking bears other weights.

    Attributes
    ----------
    k, draws, spread, seed
        As asked for.
    same_top : float
        Share of the draws in which the first k are the same alternatives, in whatever order.
    same_first : float
        Share of the draws in which the best alternative is the same one.
    table : DataFrame
        Of the alternatives that have a score, by rank: position (in the values), rank, share_in_top (of the draws in
        which it is among the first k), best_rank, worst_rank, median_rank.
    """

    k: int
    draws: int
    spread: float
    seed: int
    same_top: float
    same_first: float
    table: pd.DataFrame


def rank_sensitivity(
    result: Suitability, *, k: int, seed: int, draws: int = _DRAWS, spread: float = 0.25
) -> RankSensitivity:
    """Draw other weights and rank again.

    Parameters
    ----------
    result : Suitability
        Of alternatives in one dimension, such as grids.
    k : int
        How many places are to be given.
    seed : int
    draws : int
    spread : float
        Every weight is multiplied by a number drawn evenly between 1 - spread and 1 + spread (0 to 1); then they sum to
        1 again.

    Raises
    ------
    ParameterError
        k is larger than the alternatives, or a number cannot be.
    """
    ranked = np.flatnonzero(~np.isnan(result.score.ravel()))
    if not 1 <= k <= len(ranked):
        raise ParameterError(f"k is {k}, but {len(ranked)} alternatives have a score; give 1 to {len(ranked)}")
    if not (0 < spread <= 1) or draws < 1 or draws * len(ranked) > _MOST_WORK:
        raise ParameterError(f"spread {spread} or draws {draws} cannot be: above 0 up to 1, and at least 1 draw")
    scores = result.scores.reshape(len(result.weights), -1)[:, ranked]
    scores = np.where(result.weights[:, None] > 0, scores, 0.0)
    factors = np.random.default_rng(seed).uniform(1.0 - spread, 1.0 + spread, (draws, len(result.weights)))
    weights = factors * result.weights
    weights /= weights.sum(axis=1, keepdims=True)
    base = _ranks((result.weights @ scores)[None, :])[0]
    ranks = np.stack([_ranks((row @ scores)[None, :])[0] for row in weights])
    top = base <= k
    within = ranks <= k
    frame = pd.DataFrame(
        {"position": ranked, "rank": base, "share_in_top": within.mean(axis=0), "best_rank": ranks.min(axis=0),
         "worst_rank": ranks.max(axis=0), "median_rank": np.median(ranks, axis=0)}
    )  # fmt: skip
    return RankSensitivity(
        k, draws, spread, seed, float((within == top).all(axis=1).mean()),
        float((ranks[:, np.argmin(base)] == 1).mean()), frame.sort_values("rank", ignore_index=True),
    )  # fmt: skip


def _ranks(scores: NDArray[Any]) -> NDArray[np.int32]:
    """Return ranks from 1 (largest) along the rows; of equal scores the first comes first, missing ones last."""
    order = np.argsort(-np.round(scores, 12), axis=1, kind="stable")
    ranks = np.empty(scores.shape, dtype=np.int32)
    np.put_along_axis(ranks, order, np.arange(1, scores.shape[1] + 1, dtype=np.int32)[None, :], axis=1)
    return ranks
