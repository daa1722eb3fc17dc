"""两个方案的网格对到一起: the figures of grids that a scenario merges or splits, beside those of the other scenario.

Everything goes by the table of old and new codes: people by its shares, in whole numbers, so that no person is lost or
counted twice; minutes from the part where most of the people are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgov.grids.code_changes import code_table, restate_columns
from gridgov.operations.scenario_comparison import Comparison
from gridgov.operations.what_if import ScenarioRun
from gridgov.workspace import Workspace

_PERSONS = "persons"


def joined_by_grid(workspace: Workspace, found: Comparison) -> pd.DataFrame:
    """Return `Comparison.by_grid` with the figures of the first under the grids of the second.

    Returns
    -------
    DataFrame
        The same columns, in the order of the second's grids; a grid that only the first has (another version of the
        grids) comes after them. The people of both sides sum to those of both runs.
    """
    if not len(found.first.codes) and not len(found.second.codes):
        return found.by_grid
    first = _under_new_codes(figures_of_base_grids(workspace, found.first), found.second.codes)
    second = _by_code(found.second)
    frame = second.add_suffix("_second").join(first.add_suffix("_first"), how="outer", sort=False)
    order = [*second.index, *sorted(set(first.index) - set(second.index))]
    frame = frame.reindex(order).rename_axis("grid_code").reset_index()
    for name in (each.removesuffix("_first") for each in map(str, frame) if each.endswith("_s_first")):
        frame[f"{name}_change"] = frame[f"{name}_second"] - frame[f"{name}_first"]
    return frame[found.by_grid.columns.tolist()]


def figures_of_base_grids(workspace: Workspace, run: ScenarioRun) -> pd.DataFrame:
    """Return the figures of a run by the codes of before its grids were merged or split; its people add up the same.

    The people of a grid that was merged go to those that it is of, as many to each as it has in the base.
    """
    figures, codes = _by_code(run), run.codes
    if not len(codes):
        return figures
    base = workspace.layer("grids")
    people = pd.Series(
        base[_PERSONS].astype("Float64").to_numpy(dtype=float, na_value=0.0), base["grid_code"].astype(str)
    )
    part = people.reindex(codes["old_code"]).fillna(0.0).to_numpy() * codes["share"].to_numpy(dtype=float)
    of_new = pd.Series(part).groupby(codes["new_code"].to_numpy()).transform("sum").to_numpy()
    evenly = codes["share"] / codes.groupby("new_code")["share"].transform("sum")
    back = np.where(of_new > 0, part / np.where(of_new > 0, of_new, 1.0), evenly)
    return _moved(figures, code_table(zip(codes["new_code"], codes["old_code"], back, strict=True)), codes, "new_code")


def _under_new_codes(figures: pd.DataFrame, codes: pd.DataFrame) -> pd.DataFrame:
    """Return figures by old code under the new ones."""
    return _moved(figures, codes, codes, "old_code") if len(codes) else figures


def _moved(figures: pd.DataFrame, table: pd.DataFrame, codes: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return figures under other codes: people by shares, minutes of the code with most of them."""
    other = "old_code" if by == "new_code" else "new_code"
    people = restate_columns(figures[[_PERSONS]], table[table["old_code"].isin(figures.index)])
    amount = codes["share"].to_numpy(dtype=float) * figures[_PERSONS].reindex(codes[by]).fillna(0.0).to_numpy(
        dtype=float
    )
    most = codes.assign(amount=amount).sort_values(["amount", "share", by]).drop_duplicates(other, keep="last")
    source = pd.Series(most[by].to_numpy(), most[other].to_numpy())
    asked = source.reindex(people.index)
    asked = asked.where(asked.notna(), people.index.to_series())
    times = figures.drop(columns=_PERSONS).reindex(asked.to_numpy()).set_axis(people.index)
    return people.join(times)


def _by_code(run: ScenarioRun) -> pd.DataFrame:
    frame = run.by_grid.drop_duplicates("grid_code")
    return frame.drop(columns="grid_code").set_index(frame["grid_code"].astype(str))
