"""The layer catalogue in a browser: a file with one bad row, opacity and order on the map, before and after."""

from __future__ import annotations

import json

import shapely


def _parcels(console_server) -> bytes:
    """Three parcels of grass in the middle of the district, the third with the number of the second.

    No other test of the shared console asks for grassland.
    """
    west, south, east, north = json.loads((console_server.folder / "workspace.json").read_text("utf-8"))["bounds"]
    x, y = (west + east) / 2, (south + north) / 2
    features = [
        {
            "type": "Feature",
            "properties": {"parcel_id": f"N{min(k, 2)}", "class_code": "0404"},
            "geometry": shapely.geometry.mapping(shapely.box(x + 0.002 * k, y, x + 0.002 * k + 0.0015, y + 0.001)),
        }
        for k in (1, 2, 3)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_a_planner_brings_in_a_layer_and_sees_before_and_after(watch, console_server) -> None:
    """One bad row is shown as a finding; the layer's opacity and order are changed; two versions are swiped."""
    page = watch.page
    console_server.sign_in(page, "plan")
    page.goto(f"{console_server.address}/?lang=zh")
    page.get_by_role("link", name="数据", exact=True).click()
    page.get_by_role("radio", name="图层入库").or_(page.get_by_role("button", name="图层入库")).first.click()
    uploader = page.get_by_test_id("stFileUploader")
    uploader.get_by_role("button", name="选择文件").wait_for()
    assert uploader.inner_text().split() == ["图层文件"]  # and none of Streamlit's own words
    page.locator("input[type=file]").set_input_files(
        {"name": "草地核查.geojson", "mimeType": "application/json", "buffer": _parcels(console_server)}
    )
    page.get_by_text("文件有 3 行").wait_for()
    page.get_by_role("combobox", name="图层种类").click()
    page.get_by_role("option", name="草地", exact=True).click()
    page.get_by_label("数据时间").fill("2026-05")
    page.get_by_role("button", name="检查并入库").click()
    said = page.locator(".gg-said").first
    said.wait_for()
    assert "2 行，搁置 1 行" in said.inner_text()
    page.get_by_role("button", name="下载搁置的 1 行及原因").wait_for()

    page.get_by_role("radio", name="前后对比").or_(page.get_by_role("button", name="前后对比")).first.click()
    frame = watch.map_frame()
    handle = frame.locator(".gg-swipe-handle")
    assert handle.get_attribute("aria-valuenow") == "50"
    clips = "[...document.querySelectorAll('.gg-raster')].map((node) => node.style.clip)"
    before = frame.evaluate(clips)
    assert len([clip for clip in before if clip.startswith("rect(")]) == 2
    handle.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert handle.get_attribute("aria-valuenow") == "40"
    assert frame.evaluate(clips) != before

    frame.locator(".gg-layers-button").click()
    row = frame.locator(".gg-row", has=frame.locator("input[data-layer='roads']"))
    row.locator(".gg-opacity").fill("30")
    assert frame.evaluate("gridgov.current.layers.find((layer) => layer.id === 'roads').opacity") == 0.3
    frame.get_by_role("button", name="叠放次序").click()
    top = frame.locator(".gg-stack .gg-row")
    first = top.first.get_attribute("data-layer")
    top.first.get_by_role("button").last.click()
    assert top.nth(1).get_attribute("data-layer") == first
    watch.settle()
    assert watch.errors == []
