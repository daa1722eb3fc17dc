"""How people get ready to leave: the share of them who are, as a curve over time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridgov.evacuation.parameters import EvacuationParams
from gridgov.network.validation import Floats

_ALL = 0.999
_HALVINGS = 60
_STEEPNESS = 4.4  # of the logit curve: 90 % are ready at one and a half times the half time

Curve = Callable[[Floats], Floats]


def mobilisation(params: EvacuationParams) -> Curve | None:
    """Return the share of people ready by some seconds after the order, or None where all are at once.

    Rayleigh as in Tweedie et al. (1986), logit as in the S-curves of evacuation practice; both are assumptions about
    behaviour, to be replaced by what a district has seen.
    """
    scale = params.mobilisation_s
    if params.mobilisation == "rayleigh":

        def rayleigh(seconds: Floats) -> Floats:
            return np.asarray(1.0 - np.exp(-0.5 * (np.maximum(seconds, 0.0) / scale) ** 2), dtype=np.float64)

        return rayleigh
    if params.mobilisation == "logit":
        low = 1.0 / (1.0 + np.exp(_STEEPNESS))

        def logit(seconds: Floats) -> Floats:
            share = 1.0 / (1.0 + np.exp(-_STEEPNESS * (np.maximum(seconds, 0.0) - scale) / scale))
            return np.asarray((share - low) / (1.0 - low), dtype=np.float64)

        return logit
    return None


def ready_share(curve: Curve, seconds: Floats) -> Floats:
    """Return the share of people who may have left by some seconds after the order: the last 0.1 % come with those
    before.
    """
    share = curve(seconds)
    return np.where(share >= _ALL, 1.0, share)


def ready_moment(curve: Curve) -> float:
    """Return when (s) all are ready."""
    high = 1.0
    while float(curve(np.array([high]))[0]) < _ALL:
        high *= 2
    low = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if float(curve(np.array([middle]))[0]) >= _ALL else (middle, high)
    return high


def ready_by_step(curve: Curve | None, step_ms: int, horizon_ms: float) -> Floats | None:
    """Return the share of people ready by the end of each step."""
    if curve is None:
        return None
    return ready_share(curve, np.arange(1, int(horizon_ms / step_ms) + 2, dtype=np.float64) * (step_ms / 1000.0))
