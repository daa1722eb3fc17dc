"""新旧编码对照: which part of an old grid is which new grid, and old figures restated under new codes.

A share says which part of what was counted in the old grid belongs to the new one; the shares of an old grid add up to
1, so totals stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from gridgov.errors import ParameterError
from gridgov.grids.codes import code_fault

COLUMNS = ("old_code", "new_code", "share", "change")
SAME, MERGED, SPLIT, RECUT = "same", "merged", "split", "recut"
_CLOSE = 1e-6


def code_table(shares: Iterable[tuple[str, str, float]]) -> pd.DataFrame:
    """Return the table of old and new codes.

    Parameters
    ----------
    shares : iterable of (old code, new code, share)

    Returns
    -------
    DataFrame
        `old_code`, `new_code`, `share` (above 0, exactly adding up to 1 for each old code), `change`: ``same``,
        ``merged`` (several old in one new), ``split`` (one old in several new) or ``recut`` (both).

    Raises
    ------
    ParameterError
        A share is not between 0 and 1, a pair is there twice, or the shares of an old code do not add up to 1.
    """
    rows = sorted((str(old), str(new), float(share)) for old, new, share in shares if share != 0)
    frame = pd.DataFrame(rows, columns=list(COLUMNS[:3]))
    if not len(frame):
        return frame.assign(change=pd.Series(dtype="str"))
    if (double := frame.duplicated(["old_code", "new_code"])).any():
        old, new, _ = rows[int(double.to_numpy().argmax())]
        raise ParameterError(f"grid {old} is said to be part of {new} twice; give one share")
    total = frame.groupby("old_code")["share"].transform("sum")
    wrong = (frame["share"] < 0) | ((total - 1).abs() > _CLOSE)
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        raise ParameterError(f"the shares of grid {frame['old_code'][row]} add up to {total[row]:g}, not to 1")
    frame["share"] /= total
    into = frame.groupby("old_code")["new_code"].transform("size").to_numpy() > 1
    from_many = frame.groupby("new_code")["old_code"].transform("size").to_numpy() > 1
    frame["change"] = np.select([into & from_many, into, from_many], [RECUT, SPLIT, MERGED], SAME)
    return frame


def restate(counts: Mapping[str, float] | pd.Series, table: pd.DataFrame, *, whole: bool = False) -> pd.Series:
    """Return old figures under the new codes; their sum is what it was.

    Parameters
    ----------
    counts : mapping or Series
        Old code -> number; a code that the table does not know keeps it.
    table : DataFrame
        From `code_table`.
    whole : bool
        Whole numbers for whole numbers: of each old grid the remainders go to its largest fractions (Hamilton).

    Returns
    -------
    Series
        By new code; every new code of the table is in it.
    """
    old = pd.Series(counts, dtype=float)
    if not np.isfinite(old.to_numpy()).all():
        raise ParameterError(f"the count of grid {old.index[~np.isfinite(old.to_numpy())][0]} is no number")
    parts: dict[str, float] = dict.fromkeys(table["new_code"].astype(str), 0.0)
    known = {str(code): rows for code, rows in table.groupby("old_code", sort=False)}
    for code, count in zip(old.index.astype(str), old.tolist(), strict=True):
        rows = known.get(code)
        if rows is None:
            parts[code] = parts.get(code, 0.0) + count
            continue
        shares = _shared(count, rows["share"].to_numpy(dtype=float), whole=whole)
        for new, part in zip(rows["new_code"].astype(str), shares, strict=True):
            parts[new] += part
    result = pd.Series(parts, dtype=float).sort_index().rename_axis("grid_code")
    return result.round().astype("int64") if whole else result


def restate_columns(frame: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return columns of counts under the new codes: sums stay what they were, and an unknown part is no sum.

    Parameters
    ----------
    frame : DataFrame
        By old code, one column for each count; missing: unknown.
    table : DataFrame
        From `code_table`; a code that it does not know keeps its counts.

    Returns
    -------
    DataFrame
        By new code: whole numbers (Int64) where the column held only such, else Float64. A new grid with a part of an
        old one whose count is unknown is unknown.
    """
    known = set(table["old_code"].astype(str))
    kept = [(code, code) for code in frame.index.astype(str) if code not in known]
    parts = pd.DataFrame([*zip(table["old_code"], table["new_code"], strict=True), *kept], columns=["old", "new"])
    columns = {}
    for name in frame:
        counts = pd.to_numeric(frame[name]).astype("Float64").set_axis(frame.index.astype(str))
        held = counts.dropna().astype(float)
        whole = bool((held == held.round()).all())
        unsaid = parts["new"][parts["old"].isin(counts.index[counts.isna()])]
        codes = sorted(set(parts["new"]))
        found = restate(held, table, whole=whole).reindex(codes).astype("Int64" if whole else "Float64")
        columns[str(name)] = found.mask(found.index.isin(unsaid))
    return pd.DataFrame(columns).rename_axis("grid_code")


def new_codes(old: Sequence[str], count: int, used: Iterable[str]) -> list[str]:
    """Return codes for new grids of a community that no grid of it has or had.

    Parameters
    ----------
    old : sequence of str
        Codes of the grids that they come from, all of one community.
    count : int
    used : iterable of str
        Every code that must not be given again.

    Returns
    -------
    list of str
        The next free sequence numbers for 15-digit codes, else the first old code with ``+1``, ``+2``, …

    Raises
    ------
    ParameterError
        The community has no free sequence number left.
    """
    taken = set(used)
    first = min(old)
    if any(code_fault(code) is not None for code in old):
        names = (f"{first}+{number}" for number in range(1, len(taken) + count + 2))
        return [name for name in names if name not in taken][:count]
    community = first[:12]
    highest = max((int(code[12:]) for code in taken if code.startswith(community) and len(code) == 15), default=0)
    numbers = list(range(highest + 1, 1000)) + list(range(1, highest))
    free = [code for number in numbers if (code := f"{community}{number:03d}") not in taken][:count]
    if len(free) < count:
        raise ParameterError(f"community {community} has no free sequence number for {count} new grids")
    return free


def _shared(count: float, shares: np.ndarray, *, whole: bool) -> list[float]:
    exact = count * shares
    if not whole or count != round(count):
        exact[-1] = count - exact[:-1].sum()
        return [float(part) for part in exact]
    floor = np.floor(exact + 1e-9)
    rest = round(count - floor.sum())
    order = np.lexsort((np.arange(len(exact)), -(exact - floor)))
    floor[order[:rest]] += 1
    return [float(part) for part in floor]
