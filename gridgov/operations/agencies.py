"""责任单位名称: what an agency is called, the offices of streets included."""

from __future__ import annotations

from gridgov.i18n import Lang, label
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

_STREET = "street-"


def agency_name(workspace: Workspace, code: str, lang: Lang) -> str:
    """Return the name of an agency by its code; a street that has none of its own in the profile is its office."""
    known = workspace.incident_profile.agencies.get(code)
    if known is not None:
        return known[lang]
    if not code.startswith(_STREET):
        return code
    street = code.removeprefix(_STREET)
    names = division_names(workspace).get(street, {})
    return label("incident.street_office", lang, street=name_in(names, lang) or street)
