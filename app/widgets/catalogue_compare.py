"""Before and after: two layers, or two versions of one, left and right of a line on the map."""

from __future__ import annotations

import streamlit as st
from streamlit_folium import st_folium

from app.widgets.catalogue_list import version_name
from app.widgets.doing import sentence_of
from app.widgets.frame import language, text
from gridgov.errors import GridgovError
from gridgov.i18n import Lang
from gridgov.maps import console_map
from gridgov.model.rights import Person
from gridgov.operations.catalogue import LIVE, LayerRecord, layer_versions, list_layers
from gridgov.operations.comparing import compare_layers
from gridgov.workspace import Workspace

_HEIGHT_PX = 580


def compare_panel(opened: Workspace, who: Person, lang: Lang) -> None:
    """Draw the two choices and the map of the pair."""
    drawable = [
        version
        for record in list_layers(opened, who)
        if record.entry.geometry != "table" and record.entry.kind not in LIVE
        for version in layer_versions(opened, who, record.layer_id)
    ]
    first, second = _usual(drawable)
    left, right = st.columns(2, gap="small")

    def name(record: LayerRecord) -> str:
        return f"{record.name(lang)} {version_name(record)}"

    one = left.selectbox(
        text("catalogue.left"), drawable, index=first, format_func=name, key=f"compare_left-{language()}"
    )
    two = right.selectbox(
        text("catalogue.right"), drawable, index=second, format_func=name, key=f"compare_right-{language()}"
    )
    try:
        view = compare_layers(opened, who, one.ref, two.ref, lang)
    except GridgovError as error:
        st.info(sentence_of(error, "catalogue.not_comparable"))
        return
    with st.container(key="compare_map"):
        st_folium(
            console_map(view), key=f"compare {view.key}", height=_HEIGHT_PX, use_container_width=True,
            returned_objects=[],
        )  # fmt: skip


def _usual(records: list[LayerRecord]) -> tuple[int, int]:
    """Return the places of two versions of one layer, older first, if any layer has two; else of the first two."""
    by_id: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        by_id.setdefault(record.layer_id, []).append(place)
    several = next((places for places in by_id.values() if len(places) > 1), None)
    return (several[1], several[0]) if several else (0, min(1, len(records) - 1))
