"""Import files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.errors import SpecError
from gridgov.layers import read_import_file

HEAD = """
[workspace]
id = "here"
names = { zh = "此地", en = "Here" }
timezone = "Asia/Shanghai"
bounds = [119.0, 29.0, 120.0, 30.0]
as_of = "2026-06-30T10:00:00+08:00"
"""
LAYER = """
[[layer]]
kind = "grids"
source = "grids.gpkg"
fields = { grid_code = "CODE" }
values = { name = { a = "b" } }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "import.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_source_lies_relative_to_the_import_file(tmp_path: Path) -> None:
    """The working folder plays no part."""
    plan = read_import_file(write(tmp_path, HEAD + LAYER))
    assert plan.layers[0].source == tmp_path / "grids.gpkg"
    assert plan.layers[0].layer_id == "grids"
    assert plan.layers[0].fields == {"grid_code": "CODE"}
    assert plan.layers[0].recode == {"name": {"a": "b"}}
    assert plan.layers[0].timezone == "Asia/Shanghai"
    assert plan.bounds == (119.0, 29.0, 120.0, 30.0)
    assert plan.as_of is not None
    assert plan.as_of.utcoffset() is not None


def test_variables_are_expanded_and_have_defaults(tmp_path: Path) -> None:
    """`${NAME}` and `${NAME:-default}` come from the environment."""
    path = write(tmp_path, HEAD + LAYER.replace("grids.gpkg", "${PLACE:-there}/grids.gpkg"))
    assert read_import_file(path, {}).layers[0].source == tmp_path / "there" / "grids.gpkg"
    assert read_import_file(path, {"PLACE": "/data"}).layers[0].source == Path("/data/grids.gpkg")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "no \\[\\[layer\\]\\]"),
        (LAYER, "\\[workspace\\] is missing"),
        (HEAD + LAYER + "sauce = 1", "unknown key 'sauce'"),
        (HEAD + LAYER.replace('source = "grids.gpkg"', ""), "'source' is missing"),
        (HEAD + 2 * LAYER.replace("grids", "shelters"), "two layers are named 'shelters'; give one another id"),
        (HEAD + LAYER + LAYER, "one layer of kind 'grids'; remove the second"),
        (HEAD + LAYER + LAYER + 'id = "grids-b"', "one layer of kind 'grids'; remove the second"),
        (HEAD + 'metric_crs = "EPSG:99999"' + LAYER, "metric_crs 'EPSG:99999' is unknown"),
        (HEAD + 'metric_crs = "EPSG:4326"' + LAYER, "metric_crs 'EPSG:4326' is not projected in metres"),
        (HEAD + 'metric_crs = "EPSG:2263"' + LAYER, "metric_crs 'EPSG:2263' is not projected in metres"),
        (HEAD + "metric_crs = true" + LAYER, "metric_crs 'True' is unknown"),
        (HEAD + LAYER + 'names = { zh = "网格" }', "names needs zh and en"),
        (HEAD.replace("names", "#") + LAYER, "names is missing"),
        (HEAD + LAYER.replace("grids.gpkg", "${NOT_SET_ANYWHERE}"), "variable NOT_SET_ANYWHERE is not set"),
        (HEAD.replace("Asia/Shanghai", "Asia/Atlantis") + LAYER, "timezone 'Asia/Atlantis' is unknown"),
        (HEAD.replace("+08:00", "") + LAYER, "no offset from UTC"),
        (HEAD.replace("[119.0, 29.0, 120.0, 30.0]", "[120.0, 29.0, 119.0, 30.0]") + LAYER, "west and south first"),
        (HEAD.replace('id = "here"', 'id = "Hier da"') + LAYER, "id is missing or holds other signs"),
        (HEAD + LAYER + 'id = "other"', "id must be 'grids' or begin with 'grids-'"),
        (HEAD + LAYER + "gcj02 = 1", "gcj02 must be true or false"),
        (HEAD + LAYER + 'date_format = "%Q"', "date_format '%Q' is none"),
        (HEAD + LAYER + 'date_format = "%Y-%m"', "date_format '%Y-%m' names no whole day"),
        ("[workspace", "not a valid TOML file"),
    ],
)
def test_a_wrong_import_file_is_refused_with_its_fault(tmp_path: Path, text: str, said: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(SpecError, match=said):
        read_import_file(write(tmp_path, text), {})


def test_the_mark_that_windows_notepad_writes_is_no_part_of_the_file(tmp_path: Path) -> None:
    """UTF-8 with a byte-order mark is read as well."""
    path = tmp_path / "import.toml"
    path.write_text(HEAD + LAYER, encoding="utf-8-sig")
    assert read_import_file(path, {}).workspace_id == "here"


def test_a_layer_may_have_names_of_its_own(tmp_path: Path) -> None:
    """Two layers of one kind can be told apart; without it the names are the kind's."""
    named = LAYER.replace("grids", "shelters") + 'id = "shelters-new"\nnames = { zh = "新", en = "New" }'
    layers = read_import_file(write(tmp_path, HEAD + 'metric_crs = "EPSG:4549"' + LAYER + named), {}).layers
    assert [layer.names for layer in layers] == [None, {"zh": "新", "en": "New"}]


def test_a_missing_import_file_is_an_input_error(tmp_path: Path) -> None:
    """No traceback for a mistyped path."""
    with pytest.raises(SpecError, match="cannot read this import file"):
        read_import_file(tmp_path / "nothing.toml")


def dated(*dates: str, kind: str = "land") -> str:
    """Sources of one layer, with a date each (an empty one: none)."""
    one = f'\n[[layer]]\nkind = "{kind}"\nsource = "a.gpkg"\n'
    return HEAD + "".join(one + (f"date = {date}\n" if date else "") for date in dates)


def test_sources_of_one_layer_with_several_dates_are_its_versions(tmp_path: Path) -> None:
    """A date is a text, a year or a day of TOML."""
    plan = read_import_file(write(tmp_path, dated("2020", '"2024-06"', "2025-06-30")))
    assert [layer.date for layer in plan.layers] == ["2020", "2024-06", "2025-06-30"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (dated("2020", "2020"), "a date of its own"),
        (dated("2020", ""), "a date of its own"),
        (dated("2020", "2021", kind="incidents"), "two layers are named"),
        (dated('"June 2020"'), "is no date"),
        (dated('"2020-13"'), "is no date"),
        (dated('"20200"'), "is no date"),
    ],
)
def test_dates_that_do_not_tell_versions_apart_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        read_import_file(write(tmp_path, text))
