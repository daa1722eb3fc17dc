"""方案报告: a comparison to be taken away: GeoPackage, tables, and one HTML file with maps that opens anywhere."""

from __future__ import annotations

import tempfile
from datetime import datetime
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
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Question
from gridgov.operations.change_words import scenario_lines
from gridgov.operations.figure_words import figure_texts, figure_words, subject_words, verdict_words
from gridgov.operations.scenario_comparison import Comparison, Difference
from gridgov.operations.scenario_grids import figures_of_base_grids, joined_by_grid
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
        return _csv(joined_by_grid(workspace, found))
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
    figures = pd.DataFrame(
        [(r.code, r.subject, r.unit, r.first, r.second, r.change, r.verdict) for r in found.differences],
        columns=["code", "subject", "unit", "first", "second", "change", "verdict"],
    )
    layers: dict[str, pd.DataFrame] = {"by_grid": _drawn_grids(workspace, found)}
    layers |= {f"scenario_{name}": layer for name, layer in found.second.layers.items()}
    layers["figures"] = figures
    if len(found.second.codes):
        layers["grid_codes"] = found.second.codes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.gpkg"
        for name, layer in layers.items():
            _plain(layer).to_file(path, layer=name, driver="GPKG")
        return path.read_bytes()


def _drawn_grids(workspace: Workspace, found: Comparison) -> gpd.GeoDataFrame:
    """Return the figures of both by grid, as the second has its grids; one that only the first has, as there."""
    grids = pd.concat([run.layers.get("grids", workspace.layer("grids")) for run in (found.second, found.first)])
    outlines = grids[["grid_code", "geometry"]].astype({"grid_code": str}).drop_duplicates("grid_code")
    by_grid = joined_by_grid(workspace, found).astype({"grid_code": str})
    return gpd.GeoDataFrame(by_grid.merge(outlines, on="grid_code", how="left"), crs=WGS84)


def _plain(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return a frame that a GeoPackage can hold: lists as text, a table without places."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return gpd.GeoDataFrame(frame, geometry=[None] * len(frame), crs=WGS84)
    frame = frame.copy()
    for name in frame.columns.drop([frame.geometry.name]):
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
        changes=(scenario_lines(workspace, found.first.scenario, lang),
                 scenario_lines(workspace, found.second.scenario, lang)),
    )  # fmt: skip


def _figure(row: Difference, lang: Lang) -> ReportFigure:
    kind, words = verdict_words(row.verdict, row.change, row.unit, lang)
    texts = figure_texts(row.first, row.second, row.change, row.unit)
    return ReportFigure(figure_words(row.code, row.subject, row.unit, lang), *texts, kind, words)


def _counts(workspace: Workspace, found: Comparison, first: Any, second: Any, lang: Lang) -> list[tuple[str, int, int]]:
    """Return how many grids of the base gain and lose, and people of the second scenario, by class."""
    codes, names = change_classes(first, second), change_names(lang)
    people = figures_of_base_grids(workspace, found.second)["persons"].astype("Float64").fillna(0.0)
    persons = people.reindex(workspace.layer("grids")["grid_code"].astype(str)).fillna(0.0).to_numpy(dtype=float)
    order = (2, 1, 0, 6, 8, 3, 4, 5, 7)
    rows = [
        (names[code], int((codes == code).sum()), round(float(persons[codes == code].sum())))
        for code in order
        if (codes == code).any()
    ]
    others = people.drop(workspace.layer("grids")["grid_code"].astype(str), errors="ignore")
    return [*rows, (label("planning.other_grids", lang), len(others), round(others.sum()))] if len(others) else rows


def _facts(workspace: Workspace, found: Comparison, lang: Lang) -> list[tuple[str, str]]:
    """Return what the answers rest on: moment, data, question, digests, and what to know beside the figures."""
    scenarios = found.first.scenario, found.second.scenario
    question = scenarios[1].question or Question()
    hazard = question.hazard
    rows = [
        ("planning.fact_at", _both(*(_moment(workspace, each.base.at) for each in scenarios))),
        ("planning.fact_data", _both(*(each.base.data for each in scenarios))),
        ("planning.fact_near", " · ".join(subject_words(each, lang) for each in question.near)),
        ("planning.fact_mode", _mode(question.mode, lang)),
        ("planning.fact_minutes", f"{question.minutes:g}"),
        ("planning.fact_hazard", "" if hazard is None else hazard.name or hazard.hazard_id or str(hazard.kind)),
        ("planning.fact_seed", _both(*(str(each.seed) for each in scenarios))),
        ("planning.fact_digest_a", f"sha256:{found.first.digest}"),
        ("planning.fact_digest_b", f"sha256:{found.second.digest}"),
    ]
    notes = dict.fromkeys(each.message(lang) for run in (found.first, found.second) for each in run.findings)
    rows += [("planning.fact_note", note) for note in notes]
    return [(label(code, lang), value) for code, value in rows if value]


def _mode(mode: TravelMode | None, lang: Lang) -> str:
    return label("planning.fact_usual_mode" if mode is None else f"dispatch.mode.{mode}", lang)


def _moment(workspace: Workspace, at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(workspace.timezone):%Y-%m-%d %H:%M}"


def _both(first: str, second: str) -> str:
    """Return what holds for both scenarios, else what for each."""
    return second if first == second else f"A {first or '—'} · B {second or '—'}"
