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
        (HEAD + LAYER + LAYER, "two layers are named 'grids'"),
        (HEAD + LAYER.replace("grids.gpkg", "${NOT_SET_ANYWHERE}"), "variable NOT_SET_ANYWHERE is not set"),
        (HEAD.replace("Asia/Shanghai", "Asia/Atlantis") + LAYER, "timezone 'Asia/Atlantis' is unknown"),
        (HEAD.replace("+08:00", "") + LAYER, "no offset from UTC"),
        (HEAD.replace("[119.0, 29.0, 120.0, 30.0]", "[120.0, 29.0, 119.0, 30.0]") + LAYER, "west and south first"),
        (HEAD.replace('id = "here"', 'id = "Hier da"') + LAYER, "id is missing or holds other signs"),
        (HEAD + LAYER + 'id = "other"', "id must be 'grids' or begin with 'grids-'"),
        (HEAD + LAYER + "gcj02 = 1", "gcj02 must be true or false"),
        ("[workspace", "not a valid TOML file"),
    ],
)
def test_a_wrong_import_file_is_refused_with_its_fault(tmp_path: Path, text: str, said: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(SpecError, match=said):
        read_import_file(write(tmp_path, text), {})


def test_a_missing_import_file_is_an_input_error(tmp_path: Path) -> None:
    """No traceback for a mistyped path."""
    with pytest.raises(SpecError, match="cannot read this import file"):
        read_import_file(tmp_path / "nothing.toml")
