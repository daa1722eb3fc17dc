"""The console map: thin, local, the same for the same view."""

from __future__ import annotations

import re
from dataclasses import replace

import folium
import folium.plugins
import pytest
from branca.colormap import linear
from folium.elements import JSCSSMixin
from map_source import MapSource
from shapely import box
from streamlit_folium import generate_leaflet_string

from gridgov.config import resource_dir
from gridgov.errors import NotFoundError
from gridgov.i18n import LANGS
from gridgov.maps import area_group, assets, console_map, incident_marker, plan_group, view_of
from gridgov.model import DispatchOption, DispatchPlan, TravelMode

FOREIGN = re.compile(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)


def plan() -> DispatchPlan:
    options = tuple(
        DispatchOption(rank, f"w{rank}", "<张三>", TravelMode.EBIKE, 121.0, 31.0 + rank / 1000, 60_000 * rank, 0, 900.0,
                       ((121.0, 31.0 + rank / 1000), (121.001, 31.0)), ())
        for rank in range(1, 6)
    )  # fmt: skip
    return DispatchPlan(121.0012, 31.0, None, 20.0, options, (), 5, 5)


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_names_no_other_host(source: MapSource, lang):
    """The whole page of the map, all feature groups included, has no link to another host."""
    page = console_map(view_of(source, lang))
    for group in (plan_group(plan(), lang), area_group(box(121, 31, 121.1, 31.1))):
        group.add_to(page)
    incident_marker(121, 31).add_to(page)
    assets.localise(page)
    assert FOREIGN.findall(page.get_root().render()) == []


@pytest.mark.parametrize("element", [folium.Map, folium.plugins.Draw])
def test_every_link_of_a_used_class_is_local(element):
    """Folium's own map and the drawing tool find all their files here."""
    part = element()
    (part if isinstance(part, folium.Map) else part.add_to(folium.Map(tiles=None)))
    assets.localise(part)
    links = [link for _, link in (*part.default_js, *part.default_css)]
    assert links
    for link in links:
        assert (resource_dir("assets") / link.removeprefix("/assets/").split("?")[0]).is_file()


def test_localising_leaves_folium_alone():
    """The classes of folium keep their own links: no other user of folium in the process is touched."""
    before = {part: list(part.default_js) for part in JSCSSMixin.__subclasses__()}
    assets.localise(folium.Map(tiles=None))
    assert before == {part: list(part.default_js) for part in JSCSSMixin.__subclasses__()}


@pytest.mark.parametrize(
    "element",
    [folium.plugins.HeatMap([[31, 121]]), linear.viridis.scale(0, 1), folium.Marker([0, 0], icon=folium.Icon())],
)
def test_what_is_not_local_is_an_error(element):
    """An element that would load files of another host is refused."""
    page = folium.Map(tiles=None)
    page.add_child(element)
    with pytest.raises(NotFoundError):
        assets.localise(page)


def test_the_script_is_thin(source):
    """The script holds URLs and styles, no data: under 20 KB."""
    page = console_map(view_of(source, "zh"))
    page.render()
    assert len(generate_leaflet_string(page).encode()) < 20_000


def test_the_same_view_gives_the_same_script(source):
    """A rerun of the page does not load the map anew; a new version of the data does."""
    view = view_of(source, "zh")
    scripts = []
    for shown in (view, view, replace(view, version="other")):
        page = console_map(shown)
        page.render()
        scripts.append(generate_leaflet_string(page))
    assert scripts[0] == scripts[1] != scripts[2]


def test_layers_lie_in_drawing_order(source):
    """What covers the ground lies below, points come last, and every layer has a legend."""
    layers = view_of(source, "zh").layers
    assert [layer.layer_id for layer in layers] == [
        "land_cover", "water", "elevation", "hazards", "roads", "grids", "divisions", "workers", "incidents",
    ]  # fmt: skip
    assert all(layer.legend for layer in layers)


def test_a_missing_base_map_is_said(source):
    """Without roads and land cover the legend says so."""

    class Bare(MapSource):
        layer_ids = ("grids",)

    assert view_of(Bare(source.folder), "zh").notes
    assert not view_of(source, "zh").notes


def test_names_from_data_cannot_become_script(source):
    """A layer's name that closes the script element stays text; a worker's name stays text."""
    page = console_map(view_of(source, "zh", names={"roads": "</script><script>alert(1)</script>"}))
    plan_group(plan(), "zh").add_to(page)
    html = page.get_root().render()
    assert "<script>alert(1)" not in html
    assert "<张三>" not in html


def test_unknown_own_files_are_refused():
    """Only the two joined files exist."""
    with pytest.raises(NotFoundError):
        assets.own_file("secret.js")


def test_assets_hold_no_link_that_a_browser_follows():
    """No style sheet of the assets loads a font or picture from elsewhere; no source map is asked for."""
    for file in resource_dir("assets").rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//", file.read_text(encoding="utf-8")), file
    for file in [*resource_dir("assets").rglob("*.js"), *resource_dir("assets").rglob("*.css")]:
        assert not re.search(r"^\s*//# sourceMappingURL", file.read_text(encoding="utf-8"), re.MULTILINE), file
