"""Results of planning on the map: classes of numbers, areas of owners, shapes and places."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import shapely

from gridgov.maps.overlays import NO_COLOUR
from gridgov.maps.planning_overlays import (
    KINDS,
    Area,
    Class,
    Place,
    area_overlay,
    colours_apart,
    number_overlay,
    outlines,
    owner_overlay,
    place_entry,
    places,
    steps_of,
)

NAN = float("nan")


def codes(overlay) -> list[int]:
    return list(base64.b64decode(overlay.to_json()["values"]["codes"]))


def test_steps_rise_and_lie_inside_the_values() -> None:
    steps = steps_of(np.array([1.0, 2.0, 3.0, 10.0, 50.0, 51.0, 52.0, NAN]))
    assert list(steps) == sorted(set(steps))
    assert steps[0] >= 1.0
    assert steps[-1] < 52.0


@pytest.mark.parametrize("values", [[], [NAN], [4.0, 4.0, NAN]])
def test_numbers_that_are_all_the_same_or_missing_have_no_steps(values: list[float]) -> None:
    assert steps_of(np.array(values, dtype=float)) == ()


def test_darker_is_more_and_missing_is_grey_with_a_name() -> None:
    overlay = number_overlay("Height", np.array([1.0, 9.0, NAN, 5.0]), unknown="No data", unit=" m")
    found = codes(overlay)
    assert found[0] < found[3] < found[1] < found[2]
    names = [entry["label"] for entry in overlay.to_json()["legend"][0]["entries"]]
    assert names[-1] == "No data"
    assert all(name.endswith(" m") for name in names[:-1])


def test_missing_numbers_without_a_name_have_no_colour() -> None:
    assert codes(number_overlay("Hours", np.array([NAN, 2.0, 4.0])))[0] == NO_COLOUR


def test_one_value_everywhere_is_one_class() -> None:
    overlay = number_overlay("Height", np.array([3.0, 3.0]))
    assert codes(overlay) == [0, 0]
    assert overlay.to_json()["legend"][0]["entries"][0]["label"] == "3"


def test_owners_beside_each_other_have_different_colours_before_and_after() -> None:
    before, after = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0])
    a, b = np.array([0, 1, 2, 3, 0]), np.array([1, 2, 3, 4, 4])
    found = colours_apart([before, after], a, b)
    for owner in (before, after):
        for one, other in zip(owner[a], owner[b], strict=True):
            assert one == other or found[one] != found[other]


def test_every_owner_is_named_and_grids_of_nobody_have_no_colour() -> None:
    overlay = owner_overlay("Today", np.array([1, -1, 0]), ["A", "B"], [0, 1])
    assert codes(overlay) == [1, NO_COLOUR, 0]
    assert overlay.to_json()["values"]["names"] == ["A", "B"]


def test_more_owners_than_a_byte_names_are_told_apart_by_colour_alone() -> None:
    owner = np.append(np.arange(400), -1)
    overlay = owner_overlay("Today", owner, [str(k) for k in range(400)], [k % 8 for k in range(400)])
    assert max(codes(overlay)[:400]) == len(KINDS) - 1
    assert codes(overlay)[400] == NO_COLOUR


def test_areas_lines_and_points_are_drawn_in_the_colour_of_their_class() -> None:
    classes = [Class("one", KINDS[0]), Class("two", KINDS[1])]
    shapes = [shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (1, 1)]), shapely.Point(1, 1)]
    told = area_overlay("Parts", [Area(shape, 1, ("tip",)) for shape in shapes], classes).to_json()
    rules = told["shapes"][0]["rules"]
    drawn = [rules[rule] for rule, _, _ in told["shapes"][0]["parts"]]
    assert [rule.get("fill") or rule.get("line") or rule["symbol"]["fill"] for rule in drawn] == [KINDS[1]] * 3
    assert [entry["label"] for entry in told["legend"][0]["entries"]] == ["two"]


def test_new_places_lie_over_those_that_exist() -> None:
    found = places([Place(1.0, 2.0, "new", ("n",)), Place(3.0, 4.0, "existing", ("e",))]).to_json()
    assert [found["rules"][rule]["symbol"]["shape"] for rule, _, _ in found["parts"]] == ["circle", "star"]
    assert found["tips"] == [("e",), ("n",)]
    assert place_entry("new", "New").shape == "star"


def test_outlines_have_no_filling() -> None:
    assert "fill" not in outlines([shapely.box(0, 0, 1, 1)], "#000000").to_json()["rules"][0]
