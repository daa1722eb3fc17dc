"""Layer specifications."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.errors import SpecError
from gridgov.layers import load_specs, read_spec

KINDS = {
    "roads", "grids", "divisions", "population", "workers", "incidents", "shelters", "facilities", "sensors", "hazards",
    "land", "water", "forest", "grassland", "wetland", "sea", "land_cover", "elevation",
    "farmland", "protection_lines", "plan", "slope", "aspect", "hillshade", "viewshed", "population_cells",
}  # fmt: skip

PIERS = """
kind = "piers"
geometry = "point"
group = "governance"
key = "pier_id"
names = { zh = "码头", en = "Piers" }
[fields]
pier_id = { type = "string", names = { zh = "编号", en = "Id" }, required = true }
[style]
fill = "#336699"
"""


def test_every_kind_of_the_programme_has_a_specification() -> None:
    """The kinds that the product knows are files in layers/."""
    assert set(load_specs()) == KINDS


def test_steps_of_a_measure_rise_and_are_numbers(tmp_path: Path) -> None:
    """A raster of measures is coloured by lower bounds; a bound that is no number, or out of order, is said."""
    head = 'kind = "depth"\ngeometry = "raster"\ngroup = "hazards"\nnames = { zh = "水深", en = "Depth" }\n'
    (tmp_path / "depth.toml").write_text(head + '[style.steps]\n"0.5" = "#0000ff"\n1 = "#000088"\n', "utf-8")
    assert not read_spec(tmp_path / "depth.toml").holds_classes
    for steps, words in (('deep = "#0000ff"', "no number"), ('1 = "#0000ff"\n0 = "#0000aa"', "must rise")):
        (tmp_path / "depth.toml").write_text(f"{head}[style.steps]\n{steps}\n", "utf-8")
        with pytest.raises(SpecError, match=words):
            read_spec(tmp_path / "depth.toml")


def test_every_class_that_has_a_colour_has_a_name_in_both_languages() -> None:
    """A legend never shows a bare code."""
    for spec in load_specs().values():
        if spec.style.steps:
            assert spec.class_names.keys() <= spec.style.steps.keys(), spec.kind
        elif spec.style.classes:  # land is drawn in one colour, and its classes are named all the same
            assert spec.style.classes.keys() == spec.class_names.keys(), spec.kind
        assert all(names["zh"] and names["en"] for names in spec.class_names.values())


def test_land_cover_names_its_codes() -> None:
    """The classes of the land-cover raster are the agreed codes."""
    classes = load_specs()["land_cover"].style.classes
    assert {int(code) for code in classes} == {10, 20, 30, 40, 50, 60, 70, 80, 90}


def test_another_city_adds_a_kind_by_adding_a_file(tmp_path: Path) -> None:
    """A new kind needs no code."""
    (tmp_path / "piers.toml").write_text(PIERS, encoding="utf-8")
    spec = load_specs(tmp_path)["piers"]
    assert spec.name("zh") == "码头"
    assert spec.fields["pier_id"].required


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('geometry = "point"', 'geometry = "dot"', "geometry 'dot' is unknown"),
        ('key = "pier_id"', 'key = "id"', "key 'id' is not one of its fields"),
        ('type = "string"', 'type = "text"', "has type 'text'"),
        ("#336699", "blue", "write it as #rrggbb"),
        ('en = "Piers"', 'fr = "Quais"', "needs a name in zh and in en"),
        ('group = "governance"', 'group = "governance"\ncolour = 1', "unknown key 'colour'"),
        ('group = "governance"', "", "'group' is missing"),
        ('kind = "piers"', 'kind = "pier"', "make them equal"),
        ("[style]", "[style", "not a valid TOML file"),
    ],
)
def test_a_wrong_specification_is_refused_with_the_file_and_the_fault(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """One sentence says what is wrong in which file."""
    path = tmp_path / "piers.toml"
    path.write_text(PIERS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError, match=said) as caught:
        read_spec(path)
    assert "piers.toml" in str(caught.value)


CONFLICT = """
kind = "lines"
geometry = "polygon"
group = "planning"
key = "line_id"
names = { zh = "线", en = "Lines" }

[fields]
line_id = { type = "string", names = { zh = "编号", en = "Id" } }
category = { type = "string", names = { zh = "类别", en = "Category" } }

[style]
class_field = "category"

[class_names]
urban = { zh = "城镇", en = "Urban" }
red = { zh = "红线", en = "Red line" }

[conflict]
urban = "outside"
red = "inside"
"""


def test_a_kind_says_of_which_classes_the_outside_conflicts(tmp_path: Path) -> None:
    """Inside is what conflicts unless the kind says outside."""
    (tmp_path / "lines.toml").write_text(CONFLICT, encoding="utf-8")
    assert load_specs(tmp_path)["lines"].conflicts_outside == ("urban",)
    shipped = load_specs()
    assert shipped["protection_lines"].conflicts_outside == ("urban_boundary",)
    assert all(not spec.conflict for kind, spec in shipped.items() if kind != "protection_lines")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('urban = "outside"', 'urban = "beside"', "conflict.urban is 'beside'; write inside or outside"),
        ('urban = "outside"', "urban = 1", "conflict.urban is 1"),
        ('urban = "outside"', 'rural = "outside"', "conflict.rural is no class of"),
        ('geometry = "polygon"', 'geometry = "line"', "needs areas with classes"),
        ('class_field = "category"', 'fill = "#336699"', "needs areas with classes"),
        ('[conflict]\nurban = "outside"\nred = "inside"', "", None),
    ],
)
def test_a_conflict_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, said: str | None) -> None:
    """The sentence names the class and what may stand there."""
    path = tmp_path / "lines.toml"
    path.write_text(CONFLICT.replace(old, new, 1), encoding="utf-8")
    if said is None:
        assert not read_spec(path).conflict
        return
    with pytest.raises(SpecError, match=said):
        read_spec(path)


def test_a_folder_without_specifications_is_refused(tmp_path: Path) -> None:
    """An empty folder is an error, not an empty answer."""
    with pytest.raises(SpecError, match="no layer specification"):
        load_specs(tmp_path)
