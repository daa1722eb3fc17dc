"""A city's rules for warnings (data/profiles/alerts.toml)."""

from __future__ import annotations

from pathlib import Path

from gridgov.config import resource_dir
from gridgov.errors import SpecError
from gridgov.i18n import LANGS
from gridgov.model.alert_profile import AlertColour, AlertLevel, AlertProfile, EventKind
from gridgov.model.alerts import AlertCategory, Severity
from gridgov.model.incident_classes import Certainty
from gridgov.profiles.tables import Table


def load_alert_profile(path: Path | None = None) -> AlertProfile:
    """Read the rules.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/alerts.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown or impossible.
    """
    table = Table.read(path or resource_dir("profiles") / "alerts.toml")
    sources, urgency, levels, kinds = (table.table(key) for key in ("sources", "urgency", "levels", "kinds"))
    Certainty(urgency.text("certainty", among=list(Certainty)))
    profile = AlertProfile(
        sender=table.text("sender"),
        levels=tuple(_level(levels.table(colour), AlertColour(colour)) for colour in AlertColour),
        kinds={name: _kind(kinds.table(name)) for name in kinds.keys()},  # noqa: SIM118  # a Table is no dict
        immediate_min=urgency.number("immediate_min"),
        expected_min=urgency.number("expected_min"),
        sources={name: sources.text(name) for name in sources.keys()},  # noqa: SIM118
    )
    for read in (urgency, levels, table):
        read.finish()
    if not 0 <= profile.immediate_min <= profile.expected_min:
        raise SpecError(f"{urgency.where}: 'immediate_min' must not be above 'expected_min', nor below 0")
    return profile


def _level(row: Table, colour: AlertColour) -> AlertLevel:
    level = AlertLevel(
        colour,
        row.whole("hazard_level"),
        row.whole("grade"),
        Severity(row.text("severity", among=list(Severity))),
        Certainty(row.text("certainty", among=list(Certainty))),
    )
    row.finish()
    return level


def _kind(row: Table) -> EventKind:
    kind = EventKind(
        AlertCategory(row.text("category", among=list(AlertCategory))), {lang: row.text(lang) for lang in LANGS}
    )
    row.finish()
    return kind
