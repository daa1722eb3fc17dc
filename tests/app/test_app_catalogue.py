"""The page of layers without a browser: who may bring in layers, what is shown of one, terrain products."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def part(test: AppTest, name: str) -> AppTest:
    """The page at one of its parts."""
    test.session_state["catalogue_part-en"] = name
    return test.run()


def words(test: AppTest) -> str:
    return "\n".join(str(element.value) for element in (*test.subheader, *test.caption, *test.info))


@pytest.mark.parametrize(("account", "writes"), [("plan", True), ("keeper", True), ("boss", False)])
def test_only_who_may_bring_in_layers_is_offered_it(desk, account: str, writes: bool) -> None:
    desk.sit(account)
    test = desk.open("data_page")
    assert not test.exception
    assert ("Bring in a layer" in list(test.get("button_group")[0].options)) is writes


def test_the_list_shows_the_first_layer_and_its_rows(desk) -> None:
    desk.sit("plan")
    test = desk.open("data_page")
    test.text_input(key="catalogue_query").set_value("basic farmland").run()
    assert not test.exception
    assert list(test.dataframe[0].value["name"]) == ["Permanent basic farmland"]
    assert "First rows" in words(test)


@pytest.mark.parametrize("name", ["upload", "compare", "terrain", "findings"])
def test_every_part_of_the_page_is_drawn(desk, name: str) -> None:
    desk.sit("plan")
    test = part(desk.open("data_page"), name)
    assert not test.exception


def test_slope_is_made_by_a_button_and_stands_in_the_catalogue(desk) -> None:
    desk.sit("plan")
    test = part(desk.open("data_page"), "terrain")
    test.button(key="terrain_make").click().run()
    assert not test.exception
    assert desk.open("data_page").dataframe[0].value["name"].str.contains("Slope").any()
