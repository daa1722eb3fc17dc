"""The map in a real browser: it draws, it answers clicks, it keeps the view, it stays on this host."""

from __future__ import annotations

import re

INK = """(id) => {
  const layer = gridgov.current.layers.find((each) => each.id === id).leaflet;
  const canvases = layer._canvas ? [layer._canvas] : Object.values(layer._tiles).map((tile) => tile.el);
  let ink = 0;
  for (const canvas of canvases) {
    if (!canvas.getContext) { ink += canvas.naturalWidth > 1 ? 1000 : 0; continue; }
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    for (let k = 3; k < data.length; k += 4) if (data[k]) ink++;
  }
  return ink;
}"""


def test_every_layer_is_drawn(watch, served_map):
    """Roads, water, grids, divisions, incidents and workers all leave ink; nothing fails on the way."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    for layer in ("roads", "water", "grids", "divisions", "incidents", "workers", "land_cover"):
        assert frame.evaluate(INK, layer) > 50, layer
    assert watch.errors == []


def test_names_stand_on_the_map(watch, served_map):
    """The label canvas carries the names of a street and of a division."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    frame.evaluate(
        """() => { window.drawn = []; const draw = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
          drawn.push(text); return draw.call(this, text, ...rest); };
        gridgov.current.labels._redrawNow(); }"""
    )
    assert {"中山路", "江北街道"} <= set(frame.evaluate("drawn"))


def test_a_click_near_an_incident_means_the_incident(watch, served_map):
    """Six pixels beside the symbol the server still finds the row, and the plan appears without a new map."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    frame.evaluate("window.same = true")
    place = frame.evaluate(
        """() => { const p = gridgov.current.map.latLngToContainerPoint([31.024, 121.025]); return [p.x, p.y]; }"""
    )
    box = watch.page.locator("iframe").bounding_box()
    watch.page.mouse.click(box["x"] + place[0] + 4, box["y"] + place[1] + 4)
    watch.page.get_by_text("row 2").wait_for(timeout=15_000)
    frame.locator(".gg-marker").wait_for(timeout=15_000)
    assert frame.evaluate("window.same === true")
    assert watch.errors == []


def test_the_view_survives_a_change_of_language(watch, served_map):
    """Another language loads the map anew, at the place where the user was and with the layers they chose."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    frame.evaluate("gridgov.current.map.setView([31.01, 121.03], 15, {animate: false})")
    frame.locator(".gg-layers-button").click()
    frame.locator("input[data-layer=grids]").uncheck()
    watch.page.goto(f"{served_map}/?lang=en")
    frame = watch.map_frame()
    view = frame.evaluate("[gridgov.current.map.getZoom(), gridgov.current.map.getCenter().lng]")
    assert view[0] == 15
    assert abs(view[1] - 121.03) < 1e-3
    assert frame.evaluate("gridgov.current.layers.find((layer) => layer.id === 'grids').visible") is False


def test_words_of_the_map_are_in_the_page_language(watch, served_map):
    """Buttons, legend and layer list in English on the English page: no Chinese word is left in them."""
    watch.page.goto(f"{served_map}/?lang=en")
    frame = watch.map_frame()
    frame.locator(".gg-layers-button").click()
    words = " ".join(frame.locator(".gg-panel").all_inner_texts())
    titles = frame.locator(".gg-buttons a").evaluate_all("(all) => all.map((each) => each.title).join(' ')")
    assert "Legend" in words
    assert not re.search(r"[\u4e00-\u9fff]", words + titles)


def test_switching_a_layer_changes_map_and_legend(watch, served_map):
    """A layer switched off leaves the map and the legend; the map itself stays."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    assert "案件" in frame.locator(".gg-legend").inner_text()
    frame.locator(".gg-layers-button").click()
    frame.locator("input[data-layer=incidents]").uncheck()
    assert "案件" not in frame.locator(".gg-legend").inner_text()
    frame.locator("input[data-layer=elevation]").check()
    watch.page.wait_for_timeout(1200)
    assert frame.evaluate(INK, "elevation") > 50
    assert watch.errors == []


def test_values_recolour_areas_without_new_tiles(watch, served_map):
    """A class per row number changes the colour of the grids at once; no tile is fetched again."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    before, asked = frame.evaluate(INK, "grids"), len(watch.requests)
    frame.evaluate(
        """() => gridgov.current.layers.find((layer) => layer.id === 'grids').leaflet.setValues(
        new Uint8Array(16).fill(0), [{ fill: '#b3123a', fillOpacity: 0.5 }])"""
    )
    assert frame.evaluate(INK, "grids") > 5 * before
    assert len(watch.requests) == asked


def test_beyond_the_last_zoom_the_map_is_still_sharp(watch, served_map):
    """At map zoom 18 the last tiles are drawn larger: the street is there, with a sharp edge."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    frame.evaluate("gridgov.current.map.setView([31.02, 121.02], 18, {animate: false})")
    watch.page.wait_for_timeout(1500)
    assert frame.evaluate(INK, "roads") > 2000
    assert (
        max(int(url.split("/tiles/roads/")[1].split("/")[0]) for url in watch.requests if "/tiles/roads/" in url) == 14
    )


def test_points_and_areas_of_one_layer_are_drawn(watch, served_map):
    """Hazards may be points and areas: both leave ink, and both have a tooltip."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    frame.locator(".gg-layers-button").click()
    frame.locator("input[data-layer=hazards]").check()
    watch.page.wait_for_timeout(1500)
    found = frame.evaluate(
        """() => { const layer = gridgov.current.layers.find((each) => each.id === "hazards").leaflet;
        const nameAt = (place) => layer.featureAt(L.latLng(place)).properties.name;
        return [[31.028, 121.026], [31.008, 121.034]].map(nameAt); }"""
    )
    assert found == ["油库", "滑坡"]
    assert frame.evaluate(INK, "hazards") > 300
    assert watch.errors == []


def test_hovering_a_grid_names_it(watch, served_map):
    """The tooltip of a grid shows its code."""
    watch.page.goto(served_map)
    frame = watch.map_frame()
    box = watch.page.locator("iframe").bounding_box()
    place = frame.evaluate(
        """() => { const p = gridgov.current.map.latLngToContainerPoint([31.033, 121.018]); return [p.x, p.y]; }"""
    )
    watch.page.mouse.move(box["x"] + place[0] - 5, box["y"] + place[1])
    watch.page.mouse.move(box["x"] + place[0], box["y"] + place[1])
    frame.locator(".gg-tip").wait_for(timeout=5000)
    assert "310101001000013" in frame.locator(".gg-tip").inner_text()
