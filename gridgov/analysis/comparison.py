"""Before and after: who arrives later, who lost service, who is cut off; ids in, frame out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridgov.errors import ParameterError

CHANGES = ("cut_off", "later", "same", "earlier", "restored", "never")
SERVICES = ("lost", "kept", "gained", "none")


def compare_times(
    ids: Sequence[str], before_ms: ArrayLike, after_ms: ArrayLike, *, limit_ms: int | None = None
) -> pd.DataFrame:
    """Return what a closure, a scenario or another plan changes for each of some incidents or grids.

    Parameters
    ----------
    ids : sequence of str
    before_ms, after_ms : array_like of int
        Travel times, -1 where there is no way.
    limit_ms : int, optional
        Service means to be reached within this time.

    Returns
    -------
    DataFrame
        One row for each id, in the order given: id; before_ms, after_ms (missing where there is no way); delay_ms
        (missing where one of them is); change: ``cut_off`` (reached before, no more now), ``later``, ``same``,
        ``earlier``, ``restored`` (reached only now), ``never``; with a limit also service: ``lost``, ``kept``,
        ``gained``, ``none``.

    Raises
    ------
    ParameterError
        The lengths differ.
    """
    before, after = np.asarray(before_ms, dtype=np.int64), np.asarray(after_ms, dtype=np.int64)
    if not len(ids) == len(before) == len(after):
        raise ParameterError(
            f"{len(ids)} ids, {len(before)} times before and {len(after)} after; give one of each for everything"
        )
    had, has = before >= 0, after >= 0
    delay = after - before
    cases = {"cut_off": had & ~has, "restored": ~had & has, "never": ~had & ~has, "later": delay > 0}
    change = np.select([*cases.values(), delay < 0], [*cases, "earlier"], "same")
    frame = pd.DataFrame(
        {
            "id": list(ids),
            "before_ms": pd.array(before, dtype="Int64"),
            "after_ms": pd.array(after, dtype="Int64"),
            "delay_ms": pd.array(delay, dtype="Int64"),
            "change": pd.Categorical(change, categories=CHANGES),
        }
    )
    frame.loc[~had, "before_ms"] = pd.NA
    frame.loc[~has, "after_ms"] = pd.NA
    frame.loc[~(had & has), "delay_ms"] = pd.NA
    if limit_ms is not None:
        served, serves = had & (before <= limit_ms), has & (after <= limit_ms)
        service = np.select([served & ~serves, served & serves, serves], ["lost", "kept", "gained"], "none")
        frame["service"] = pd.Categorical(service, categories=SERVICES)
    return frame
