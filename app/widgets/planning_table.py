"""The figures of two scenarios as a table: grouped by what they are of, each difference with sign, colour and word."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.frame import language, text
from gridgov.operations.figure_words import figure_texts, subject_words, verdict_words
from gridgov.operations.scenario_comparison import Comparison, Difference

_SIGNS = {"better": "▲", "worse": "▼", "same": "＝", "open": "·"}


def figures_table(found: Comparison) -> None:
    """Draw the table."""
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", "A", "B", text("what_if.change"), ""))
    rows, last = [], None
    for row in found.differences:
        group = row.subject if row.code != "area" else "area"
        if group != last:
            last = group
            rows.append(f'<tr class="group"><th colspan="5">{escape(_group(row))}</th></tr>')
        rows.append(_row(row))
    st.html(f'<table class="gg-table gg-figures"><tr>{head}</tr>{"".join(rows)}</table>')


def _group(row: Difference) -> str:
    if row.code == "area":
        return text("planning.group_land")
    if row.subject:
        return text("planning.group_near", what=subject_words(row.subject, language()))
    return text("planning.group_hazard")


def _row(row: Difference) -> str:
    lang = language()
    name = subject_words(row.subject, lang) if row.code == "area" else text(f"what_if.indicator.{row.code}")
    unit = text(f"what_if.unit.{row.unit}")
    first, second, change = figure_texts(row.first, row.second, row.change, row.unit)
    kind, verdict = verdict_words(row.verdict, row.change, row.unit, lang)
    return (
        f'<tr data-code="{row.code}" data-of="{escape(row.subject)}">'
        f"<td>{escape(name)} <small>{escape(unit)}</small></td>"
        f"<td>{first}</td><td>{second}</td><td>{change}</td>"
        f'<td class="verdict {kind}"><span>{_SIGNS[kind]} {escape(verdict)}</span></td></tr>'
    )
