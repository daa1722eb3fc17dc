"""Terrain products from the elevation: slope, aspect, hillshade, and what is seen from a place."""

from __future__ import annotations

import json

import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.frame import language, may_write, text
from app.widgets.wording import picture_html
from gridgov.i18n import Lang
from gridgov.model.rights import Person
from gridgov.operations.catalogue import LayerRecord, layer_versions, list_layers, preview_layer
from gridgov.operations.terrain_products import Sight, TerrainProduct, make_terrain, make_viewshed
from gridgov.workspace import LayerEntry, Workspace

_PRODUCTS = (*TerrainProduct, "viewshed")


def terrain_panel(opened: Workspace, who: Person, lang: Lang) -> None:
    """Draw what to make from which elevation, and the pictures of what was made."""
    elevations = [
        version
        for record in list_layers(opened, who, kind="elevation")
        for version in layer_versions(opened, who, record.layer_id)
    ]
    if not elevations:
        st.info(text("catalogue.no_elevation"))
        return
    left, right = st.columns([0.36, 0.64], gap="medium")
    with left:
        _form(opened, who, elevations, lang)
    with right:
        _made(opened, who, lang)


def _form(opened: Workspace, who: Person, elevations: list[LayerRecord], lang: Lang) -> None:
    product = st.selectbox(
        text("catalogue.product"),
        _PRODUCTS,
        format_func=lambda p: text(f"catalogue.product_{p}"),
        key=f"terrain_product-{language()}",
    )
    source = st.selectbox(
        text("catalogue.elevation"),
        elevations,
        format_func=lambda r: f"{r.name(lang)} {r.entry.date or r.entry.added_at[:10]}",
        key=f"terrain_source-{language()}",
    )
    sight = _sight(opened) if product == "viewshed" else None
    sun = _sun() if product == TerrainProduct.HILLSHADE else (315.0, 45.0)
    if not st.button(text("catalogue.make"), type="primary", key="terrain_make", disabled=not may_write()):
        return

    def make() -> LayerEntry:
        if sight is not None:
            return make_viewshed(opened, who, [sight.place], eye_m=sight.eye_m, options=sight.options,
                                 elevation=source.ref)  # fmt: skip
        return make_terrain(opened, who, TerrainProduct(product), elevation=source.ref, sun=sun)

    with st.spinner(text("catalogue.making")):
        entry = attempt(make, hint="catalogue.error_terrain")
    if entry is not None:
        say(text("catalogue.made", name=entry.names[lang], version=entry.version))
    st.rerun()


def _sight(opened: Workspace) -> Sight:
    west, south, east, north = opened.bounds
    one, two = st.columns(2, gap="small")
    lon = one.number_input(text("catalogue.lon"), west, east, (west + east) / 2, format="%.5f", key="sight_lon")
    lat = two.number_input(text("catalogue.lat"), south, north, (south + north) / 2, format="%.5f", key="sight_lat")
    eye = one.number_input(text("catalogue.eye_m"), 0.0, 500.0, 20.0, key="sight_eye")
    target = two.number_input(text("catalogue.target_m"), 0.0, 500.0, 0.0, key="sight_target")
    radius = one.number_input(text("catalogue.radius_km"), 0.1, 50.0, 3.0, key="sight_radius")
    refraction = two.number_input(text("catalogue.refraction"), 0.0, 1.0, 0.13, key="sight_refraction")
    round_earth = st.checkbox(text("catalogue.curvature"), value=True, key="sight_curvature")
    return Sight.of(
        (lon, lat), eye_m=eye, target_m=target, radius_m=1000.0 * radius, refraction=refraction, curvature=round_earth
    )


def _sun() -> tuple[float, float]:
    one, two = st.columns(2, gap="small")
    azimuth = one.number_input(text("catalogue.azimuth"), 0.0, 360.0, 315.0, key="sun_azimuth")
    altitude = two.number_input(text("catalogue.altitude"), 0.0, 90.0, 45.0, key="sun_altitude")
    return azimuth, altitude


def _made(opened: Workspace, who: Person, lang: Lang) -> None:
    """Show the products that are there, two in a row."""
    made = [record for record in list_layers(opened, who, group="terrain") if record.entry.made_from]
    if not made:
        st.info(text("catalogue.none_made"))
        return
    columns = st.columns(2, gap="small")
    for place, record in enumerate(made):
        preview = attempt(lambda ref=record.ref: preview_layer(opened, who, ref))
        if preview is not None and preview.picture is not None:
            source = json.loads(record.entry.made_from)["elevation"]
            caption = f"{record.name(lang)} · {record.entry.version} · {source}"
            columns[place % 2].html(picture_html(preview.picture, caption))
