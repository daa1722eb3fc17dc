"""The attributes of a new or changed place: one input for each field that people know it by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.widgets.frame import language, text
from gridgov.i18n import Lang
from gridgov.model.layers import FieldSpec, LayerSpec
from gridgov.workspace import Workspace

_DATA_LANG: Lang = "zh"  # of the names of classes in the layers
_USUAL = {"capacity_persons": 500}
_MOST = 10_000_000
_MEASURED = "area_m2"  # of what is drawn


def field_inputs(opened: Workspace, layer: str, *, key: str, now: Mapping[str, Any] | None = None) -> None:
    """Draw the inputs, beginning with the values of a place that is there."""
    spec = opened.spec(layer)
    known = now or {}
    for name in _shown(spec):
        _input(spec, spec.fields[name], f"{key}-{name}", known.get(name), is_new=now is None)


def given_fields(opened: Workspace, layer: str, *, key: str) -> dict[str, Any]:
    """Return what was given; empty inputs are left out."""
    spec, given = opened.spec(layer), {}
    for name in _shown(spec):
        value = st.session_state.get(_key(spec, spec.fields[name], f"{key}-{name}"))
        if isinstance(value, str):
            value = value.strip()
        if value not in (None, ""):
            given[name] = value
    named = spec.class_names.get(str(given.get("class_code", "")))
    if named and "class_name" in spec.fields:
        given["class_name"] = named[_DATA_LANG]
    return given


def _shown(spec: LayerSpec) -> list[str]:
    """Return the fields with an input: names, classes and numbers."""
    return [
        name
        for name, field in spec.fields.items()
        if name not in {spec.key, _MEASURED}
        and (name in {"name", _class_field(spec)} or field.type in {"integer", "number"})
    ]


def _class_field(spec: LayerSpec) -> str:
    """Return the field whose values have names; of land, which is drawn in one colour, its code or its use."""
    named = [name for name in ("class_code", "category") if name in spec.fields and spec.class_names]
    return spec.style.class_field or next(iter(named), "")


def _key(spec: LayerSpec, field: FieldSpec, key: str) -> str:
    return f"{key}-{language()}" if field.name == _class_field(spec) else key


def _input(spec: LayerSpec, field: FieldSpec, key: str, value: Any, *, is_new: bool) -> None:
    words, key = field.names[language()], _key(spec, field, key)
    if field.name == _class_field(spec):
        options = list(spec.class_names)
        index = options.index(value) if value in options else 0 if is_new else None
        st.selectbox(
            words, options, index=index, format_func=lambda each: spec.class_names[each][language()], key=key,
            placeholder=text("planning.choose"),
        )  # fmt: skip
    elif field.type == "integer":
        least, most = int(field.minimum or 0), int(field.maximum or _MOST)
        start = _USUAL.get(field.name) if value is None and is_new else value
        start = None if start is None else min(max(int(start), least), most)
        st.number_input(words, least, most, start, 50, key=key)
    elif field.type == "number":
        start = None if value is None else float(value)
        st.number_input(words, field.minimum, field.maximum, start, key=key)
    else:
        st.text_input(words, value=None if value is None else str(value), max_chars=80, key=key, placeholder=words)
