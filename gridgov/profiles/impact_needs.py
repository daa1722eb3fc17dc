"""Minimum needs and presence by day and night of a city (data/profiles/impact.toml)."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from gridgov.config import resource_dir
from gridgov.errors import SpecError
from gridgov.model.incident_classes import Certainty
from gridgov.model.needs import ImpactProfile, Need, Presence
from gridgov.profiles.tables import Table

_PERIODS = ("day", "week", "once")


def load_impact_profile(path: Path | None = None) -> ImpactProfile:
    """Read the numbers behind an impact.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/impact.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown or impossible.
    """
    table = Table.read(path or resource_dir("profiles") / "impact.toml")
    presence = _presence(table.table("presence"))
    needs = tuple(_need(row) for row in table.tables("need", "code"))
    table.finish()
    if twice := {need.code for need in needs if sum(other.code == need.code for other in needs) > 1}:
        raise SpecError(f"{table.where}: need '{min(twice)}' is there twice; keep one")
    return ImpactProfile(presence, needs)


def _presence(table: Table) -> Presence:
    presence = Presence(
        _time(table, "day_from"), _time(table, "day_to"),
        _positive(table, "day"), _positive(table, "night"), *_cited(table),
    )  # fmt: skip
    table.finish()
    if presence.day_to <= presence.day_from:
        raise SpecError(f"{table.where}: the day ends at {presence.day_to} before it begins; exchange the times")
    return presence


def _need(row: Table) -> Need:
    names, unit = row.names("names"), row.names("unit")
    per = row.text("per", among=_PERIODS)
    need = Need(row.text("code"), names, unit, _positive(row, "per_person"), per, per == "once", *_cited(row))
    row.finish()
    return need


def _time(table: Table, key: str) -> time:
    text = table.text(key)
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise SpecError(f"{table.where}: '{key}' is '{text}'; write a time such as 07:00") from None


def _positive(table: Table, key: str) -> float:
    value = table.number(key)
    if not 0 < value < float("inf"):
        raise SpecError(f"{table.where}: '{key}' is {value}; give a number greater than 0")
    return value


def _cited(table: Table) -> tuple[str, Certainty]:
    return table.text("source"), Certainty(table.text("certainty", among=list(Certainty)))
