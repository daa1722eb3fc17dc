"""方案报告: a comparison to be taken away: GeoPackage, tables, and one HTML file with maps that opens anywhere."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.i18n import Lang, label
from gridgov.maps.order_exports import BOM
from gridgov.maps.scenario_overlays import change_classes, change_names
from gridgov.maps.scenario_sheet import ReportFigure, ReportMaps, scenario_sheet
from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Question
from gridgov.operations.figure_words import figure_texts, figure_words, subject_words, verdict_words
from gridgov.operations.scenario_comparison import Comparison, Difference
from gridgov.operations.scenario_map import base_order, changed_shapes, subject_places
from gridgov.workspace import Workspace

ReportFormat = Literal["html", "gpkg", "csv", "grids.csv"]
FORMATS: tuple[ReportFormat, ...] = ("html", "gpkg", "csv", "grids.csv")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def comparison_file(
    workspace: Workspace, person: Person, found: Comparison, file_format: ReportFormat, lang: Lang, *, subject: str = ""
) -> bytes:
    """Return a comparison as a file.

    Parameters
    ----------
    file_format : str
        ``html`` (report), ``gpkg``, ``csv`` (figures), ``grids.csv`` (every grid).
    subject : str
        What the maps of the report show the minutes to; default: the first that is asked for.

    Raises
    ------
    ParameterError
        The format is unknown, or the subject was not asked for.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    if file_format == "csv":
        return _csv(figures_frame(found, lang))
    if file_format == "grids.csv":
        return _csv(found.by_grid)
    if file_format == "gpkg":
        return _geopackage(workspace, found)
    if file_format == "html":
        return _report(workspace, found, lang, subject).encode()
    raise ParameterError(f"there is no report in the format '{file_format}'; there are {', '.join(FORMATS)}")


def figures_frame(found: Comparison, lang: Lang) -> pd.DataFrame:
    """Return the figures with their words, in SI units, columns named in a language."""
    names = ("code", "subject", "figure", "unit", "first", "second", "change", "verdict")
    rows = [
        (row.code, row.subject, figure_words(row.code, row.subject, row.unit, lang), row.unit, row.first, row.second,
         row.change, label(f"what_if.verdict.{row.verdict}", lang))
        for row in found.differences
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[label(f"planning.column_{name}", lang) for name in names])


def _csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV for spreadsheets; a text that one would take for a formula is led in by an apostrophe."""
    safe = frame.copy()
    for name in safe.select_dtypes(exclude="number"):
        safe[name] = [f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) else v for v in safe[name]]
    return (BOM + safe.to_csv(index=False, lineterminator="\r\n")).encode("utf-8")


def _geopackage(workspace: Workspace, found: Comparison) -> bytes:
    """Return grids with the figures of both, the layers that the second changes, its figures and new grid codes."""
    grids = found.second.layers.get("grids", workspace.layer("grids"))
    outlines = grids[["grid_code", "geometry"]].astype({"grid_code": str})
    by_grid = outlines.merge(found.by_grid.astype({"grid_code": str}), on="grid_code", how="left")
    figures = pd.DataFrame(
        [(r.code, r.subject, r.unit, r.first, r.second, r.change, r.verdict) for r in found.differences],
        columns=["code", "subject", "unit", "first", "second", "change", "verdict"],
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.gpkg"
        gpd.GeoDataFrame(by_grid, crs=WGS84).to_file(path, layer="by_grid", driver="GPKG")
        for name, layer in found.second.layers.items():
            if isinstance(layer, gpd.GeoDataFrame) and name != "grids":
                _plain(layer).to_file(path, layer=f"scenario_{name}", driver="GPKG")
        table = gpd.GeoDataFrame(figures, geometry=[None] * len(figures), crs=WGS84)
        table.to_file(path, layer="figures", driver="GPKG")
        if len(codes := found.second.codes):
            old_new = gpd.GeoDataFrame(codes, geometry=[None] * len(codes), crs=WGS84)
            old_new.to_file(path, layer="grid_codes", driver="GPKG")
        return path.read_bytes()


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a frame whose columns a GeoPackage can hold: lists as text."""
    frame = frame.copy()
    for name in frame.columns.drop(frame.geometry.name):
        if frame[name].map(lambda value: isinstance(value, list | tuple | np.ndarray)).any():
            frame[name] = [
                ";".join(map(str, v)) if isinstance(v, list | tuple | np.ndarray) else None for v in frame[name]
            ]
    return frame


def _report(workspace: Workspace, found: Comparison, lang: Lang, subject: str) -> str:
    question = found.second.scenario.question or Question()
    subject = subject or question.near[0]
    if subject not in question.near:
        raise ParameterError(f"the scenarios were not asked for '{subject[:40]}'; they were for {question.near}")
    grids = workspace.layer("grids")
    first, second = (base_order(workspace, run, subject) for run in (found.first, found.second))
    maps = ReportMaps(
        grids=list(grids.geometry),
        first_s=first,
        second_s=second,
        minutes=question.minutes,
        shapes=(changed_shapes(workspace, found.first.scenario, lang),
                changed_shapes(workspace, found.second.scenario, lang)),
        places=(subject_places(workspace, found.first, subject), subject_places(workspace, found.second, subject)),
        network=workspace.network().base,
        what=subject_words(subject, lang),
    )  # fmt: skip
    figures = [_figure(row, lang) for row in found.differences]
    return scenario_sheet(
        maps,
        figures,
        lang,
        title=label("planning.report_title", lang, district=workspace.name(lang)),
        names=(found.first.scenario.name, found.second.scenario.name),
        facts=_facts(workspace, found, lang),
        counts=_counts(workspace, found, first, second, lang),
    )


def _figure(row: Difference, lang: Lang) -> ReportFigure:
    kind, words = verdict_words(row.verdict, row.change, row.unit, lang)
    texts = figure_texts(row.first, row.second, row.change, row.unit)
    return ReportFigure(figure_words(row.code, row.subject, row.unit, lang), *texts, kind, words)


def _counts(workspace: Workspace, found: Comparison, first: Any, second: Any, lang: Lang) -> list[tuple[str, int, int]]:
    """Return how many grids and people gain and lose, by class."""
    codes, names = change_classes(first, second), change_names(lang)
    grids = workspace.layer("grids")
    before, after = (
        run.by_grid.drop_duplicates("grid_code").set_index("grid_code")["persons"].reindex(grids["grid_code"])
        for run in (found.first, found.second)
    )
    recut = grids["grid_code"].astype(str).isin(found.second.codes["old_code"]).to_numpy(dtype=bool)
    persons = np.nan_to_num(np.where(recut, before, after).astype(float))  # of grids that are others, as they were
    order = (2, 1, 0, 6, 8, 3, 4, 5, 7)
    return [
        (names[code], int((codes == code).sum()), round(float(persons[codes == code].sum())))
        for code in order
        if (codes == code).any()
    ]


def _facts(workspace: Workspace, found: Comparison, lang: Lang) -> list[tuple[str, str]]:
    """Return what the answers rest on: moment, data, question, digests."""
    second = found.second.scenario
    question = second.question or Question()
    at = second.base.at
    when = "" if at is None else f"{at.astimezone(workspace.timezone):%Y-%m-%d %H:%M}"
    hazard = question.hazard
    rows = [
        ("planning.fact_at", when),
        ("planning.fact_data", second.base.data),
        ("planning.fact_near", " · ".join(subject_words(each, lang) for each in question.near)),
        ("planning.fact_minutes", f"{question.minutes:g}"),
        ("planning.fact_hazard", "" if hazard is None else hazard.name or hazard.hazard_id or str(hazard.kind)),
        ("planning.fact_changes", str(len(second.closures) + len(second.changes))),
        ("planning.fact_seed", str(second.seed)),
        ("planning.fact_digest_a", f"sha256:{found.first.digest}"),
        ("planning.fact_digest_b", f"sha256:{found.second.digest}"),
    ]
    return [(label(code, lang), value) for code, value in rows if value]
