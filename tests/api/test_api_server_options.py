"""The options that the console's Streamlit is served with."""

from __future__ import annotations

from streamlit import config

from gridgov.api.server import server_options
from gridgov.config import Settings


def test_an_unforeseen_fault_shows_nothing_of_the_inside_and_no_links_to_other_hosts() -> None:
    options = server_options(Settings())
    assert options["client.showErrorDetails"] == "none"
    assert options["client.showErrorLinks"] is False
    assert set(options) <= set(config.get_config_options()), "Streamlit knows no such option"
