"""What the parts of the planner's page are asked with and answer with: choices that stay, tables, lists, files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app.widgets.choices import kept_choice, remembered_select, told_apart
from app.widgets.frame import area_text, language, text
from app.widgets.selection import ask_zoom
from app.widgets.wording import plain, unturned
from gridgov.model.findings import Finding
from gridgov.model.rights import EVERYWHERE, Person
from gridgov.operations.catalogue import LIVE, LayerRecord, list_layers
from gridgov.operations.mapping import geometry_frame, grid_frame
from gridgov.operations.situation import division_names
from gridgov.workspace import Workspace

HECTARE_M2 = 10_000.0
_BOM = "\ufeff"  # spreadsheets then know the encoding
_LISTED = 40
_FOUND = 4


@dataclass(frozen=True)
class Row:
    """One line of a list that can be gone to: a grid by its row, or a GeoJSON geometry."""

    head: str
    caption: str = ""
    grid: int = -1
    geometry: Mapping[str, Any] | None = None


def choose(
    label: str, options: Sequence[str], *, name: str, show: Callable[[str], str], place: DeltaGenerator | None = None
) -> str:
    """Draw a select box and return what is chosen; "" where there is nothing to choose from."""
    if not options:
        return ""
    shown = told_apart({option: show(option) for option in options})
    remembered_select(place or st.container(), label, list(options), name=name, show=lambda option: shown[option])
    kept = kept_choice(name)
    return kept if kept in options else options[0]


def choose_some(
    label: str, options: Sequence[str], *, name: str, show: Callable[[str], str], default: Sequence[str] = ()
) -> tuple[str, ...]:
    """Draw a choice of several and return what is chosen."""
    shown, key = told_apart({option: show(option) for option in options}), f"{name}-{language()}"
    kept = [option for option in st.session_state.get(name, default) if option in options]

    def keep() -> None:
        st.session_state[name] = list(st.session_state[key])

    chosen = st.multiselect(
        label, list(options), default=kept, format_func=lambda option: shown[option], key=key, on_change=keep,
        placeholder=text("planning_parts.choose_some"),
    )  # fmt: skip
    return tuple(chosen)


def number(place: Any, label: str, low: float, high: float, *, name: str, default: float, step: float = 1) -> float:
    """Draw a number and return it; it is kept under its name."""
    whole = all(float(each).is_integer() for each in (low, default, step))
    cast: Callable[[float], Any] = int if whole else float
    value = min(max(st.session_state.get(name, default), low), high)
    given = place.number_input(
        label,
        cast(low),
        cast(high),
        value=cast(value),
        step=cast(step),
        key=f"{name}-in",
        format="%d" if whole else "%g",
    )
    st.session_state[name] = given
    return float(given)


def layers_for(opened: Workspace, who: Person, *geometries: str) -> list[str]:
    """Return the ids of the layers of some geometries that a question can be put to."""
    return [r.layer_id for r in list_layers(opened, who) if r.entry.geometry in geometries and r.entry.kind not in LIVE]


def layer_name(opened: Workspace, ref: str) -> str:
    """Return the name of a layer, with the date of a version that is not in use."""
    entry = opened.entry(ref)
    return f"{entry.names[language()]} {entry.date}".strip() if "@" in ref else entry.names[language()]


def dated_name(record: LayerRecord) -> str:
    """Return the name of a layer with the date of its content."""
    return f"{record.name(language())} {record.entry.date or record.entry.added_at[:10]}".strip()


def class_name(opened: Workspace, layer_id: str, value: object) -> str:
    """Return a class, given by its code or its name in the data, in the language of the page; "": the layer itself."""
    words, lang = str(value), language()
    known = opened.spec(layer_id).class_names if opened.has(layer_id) else {}
    named = known.get(words) or next((names for names in known.values() if words in names.values()), {})
    return named.get(lang) or words or layer_name(opened, layer_id)


def field_name(opened: Workspace, column: str) -> str:
    """Return what a number of the grids is called, by the layers that grids get numbers from."""
    named = (
        opened.spec(layer).fields.get(column) for layer in (*opened.of_kind("grids"), *opened.of_kind("population"))
    )
    return next((field.names[language()] for field in named if field is not None), column)


def choose_area(opened: Workspace, who: Person, *, name: str) -> str:
    """Draw the choice of a street or community and return its code; "": all that the account is for."""
    codes = [code for code in division_names(opened) if _belongs(code, who)]
    return choose(
        text("planning_parts.area"), ["", *sorted(codes)], name=name,
        show=lambda code: area_text(opened, (code,), language()) if code else text("planning_parts.whole_area"),
    )  # fmt: skip


def _belongs(code: str, who: Person) -> bool:
    return who.areas == EVERYWHERE or any(code.startswith(area) for area in who.areas)


def grid_rows(opened: Workspace) -> dict[str, int]:
    """Return grid code → row of the grid layer."""
    codes = opened.layer("grids")["grid_code"].astype(str).tolist()
    return {code: row for row, code in enumerate(codes)}


def by_grid(opened: Workspace, codes: Iterable[object], values: Iterable[Any]) -> NDArray[np.float64]:
    """Return numbers in the order of the grid layer; missing for grids that are not there."""
    rows = grid_rows(opened)
    found = np.full(len(rows), np.nan)
    for code, value in zip(codes, values, strict=True):
        found[rows[str(code)]] = value
    return found


def head(words: str) -> None:
    """Draw the title of a table or list."""
    st.html(f'<div class="gg-list-head">{escape(words)}</div>')


def sentence(words: str) -> None:
    """Draw the answer in words."""
    st.html(f'<div class="gg-answer" role="status">{escape(words)}</div>')


def cautions(words: Iterable[str]) -> None:
    """Draw what has to be known beside an answer."""
    for each in words:
        st.html(f'<p class="gg-caution">{escape(each)}</p>')


def finding_texts(opened: Workspace, findings: Sequence[Finding]) -> list[str]:
    """Return findings as sentences that begin with their layer, each once; many of one kind are counted."""
    said: dict[str, list[str]] = {}
    for finding in findings:
        said.setdefault(f"{finding.layer}/{finding.rule}", []).append(_found(opened, finding))
    texts = []
    for words in said.values():
        more = f" {text('planning_parts.and_more', n=len(words) - 1)}" if len(words) > 1 else ""
        texts.append(f"{words[0]}{more}")
    return texts[:_FOUND]


def _found(opened: Workspace, finding: Finding) -> str:
    words = finding.message(language())
    if not opened.has(finding.layer):
        return words
    return text("planning_parts.of_layer", layer=layer_name(opened, finding.layer), words=words)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, height: int | None = None, words: int = 1) -> None:
    """Draw a small table; a long one scrolls. Its first `words` columns are texts, the others numbers."""
    left = ' style="text-align:left"'
    top = "".join(f"<th{left if k < words else ''}>{escape(each)}</th>" for k, each in enumerate(heads))
    body = "".join(f"<tr>{''.join(_cell(cell, k < words) for k, cell in enumerate(row))}</tr>" for row in rows)
    place = st.container(height=height, border=False) if height and len(rows) * 27 > height else st.container()
    place.html(f'<table class="gg-table"><tr>{top}</tr>{body}</table>')


def _cell(cell: str, is_text: bool) -> str:
    style = "text-align:left" if is_text else "white-space:nowrap"
    return f'<td style="{style}">{escape(unturned(cell))}</td>'


def cells(items: Sequence[tuple[str, str, str]]) -> None:
    """Draw big numbers: name, number, what stands behind it."""
    boxes = "".join(
        f"<div><span>{escape(name)}</span><b>{escape(value)}</b><small>{escape(more)}</small></div>"
        for name, value, more in items
    )
    st.html(f'<div class="gg-cells">{boxes}</div>')


def go_list(opened: Workspace, label: str, rows: Sequence[Row], *, name: str, height: int = 230) -> None:
    """Draw a list; choosing a line asks to go there."""
    head(label)
    key = f"{name}-{language()}"
    listed = list(rows[:_LISTED])

    def go_there() -> None:
        row = listed[int(st.session_state[key])]
        if row.geometry is not None:
            ask_zoom(geometry_frame(row.geometry))
        elif row.grid >= 0:
            ask_zoom(grid_frame(opened, row.grid))

    with st.container(height=height if len(listed) * 44 > height else "content", border=True, key="worst"):
        st.radio(
            label, range(len(listed)), index=None, format_func=lambda k: plain(f"{k + 1} · {listed[k].head}"),
            captions=[plain(row.caption) for row in listed], label_visibility="collapsed", key=key,
            on_change=go_there, width="stretch",
        )  # fmt: skip
    if len(rows) > _LISTED:
        st.caption(text("planning_parts.and_more", n=f"{len(rows) - _LISTED:,}"))


def csv_button(heads: Sequence[str], rows: Iterable[Sequence[object]], file_name: str) -> None:
    """Draw the button that saves a table; a text that a spreadsheet would take for a formula is led in."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(heads)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    content = (_BOM + out.getvalue()).encode("utf-8")
    st.download_button(
        text("planning_parts.save_csv"), content, file_name, "text/csv", key=f"csv-{file_name}", on_click="ignore",
        width="stretch",
    )  # fmt: skip


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t")) else cell


def hectares(m2: float) -> str:
    """Return an area."""
    size = m2 / HECTARE_M2
    return f"{size:,.2f}" if size < 100 else f"{size:,.0f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share of one; a dash where it is not known. Only all is 100 %: nobody is rounded away."""
    if share is None or np.isnan(share):
        return "–"
    shown = f"{100 * share:.{digits}f}"
    if share < 1.0 - 1e-9 and float(shown) >= 100.0:
        shown = f">{100 - 10.0**-digits:.{digits}f}"
    return f"{shown}\u00a0%"
