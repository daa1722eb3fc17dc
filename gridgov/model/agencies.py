"""责任单位: who has to act, from the class of an incident and its place, with the reason in words.

Components go to their owner first and to the street second (先属主后属地), events to the street first and to the owner
second (先属地后属主); a class may have the other rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridgov.i18n import Lang, label
from gridgov.model.incident_classes import IncidentClass, IncidentProfile, Names


@dataclass(frozen=True, slots=True)
class IncidentPlace:
    """What is known of the place: the street of its grid, and the owner of the component that is concerned."""

    street_code: str = ""
    street_names: Names | None = None
    owner: str = ""  # code of an agency, from the register of components
    component_id: str = ""


@dataclass(frozen=True, slots=True)
class Responsibility:
    """An agency's code and names, and why: the sentence of `reason` is the text ``incident.agency_reason.<reason>``."""

    agency: str
    names: Names
    reason: str
    fields: Mapping[str, Names]

    def text(self, lang: Lang) -> str:
        """Return the reason as a sentence."""
        words = {name: names[lang] for name, names in self.fields.items()}
        return label(f"incident.agency_reason.{self.reason}", lang, agency=self.names[lang], **words)


def responsible_agency(of_class: IncidentClass, place: IncidentPlace, profile: IncidentProfile) -> Responsibility:
    """Return who has to act.

    Owner: the component's own where the register has it, else the class's. Street: the agency that the profile gives
    it, else its own office. Where neither is known, the coordinator.
    """
    owner_first = of_class.rule == "owner_first"
    street = _street(place, profile)
    if owner_first and place.owner in profile.agencies:
        thing = place.component_id or "-"
        fields = {"object": of_class.names if thing == "-" else {"zh": thing, "en": thing}}
        return Responsibility(place.owner, profile.agencies[place.owner], "owner_known", fields)
    if owner_first and of_class.owner:
        return _owner(of_class, profile, "owner_by_class")
    if street is not None:
        agency, names, street_names = street
        reason = "street_second" if owner_first else "street_first"
        return Responsibility(agency, names, reason, {"street": street_names})
    if of_class.owner:
        return _owner(of_class, profile, "owner_second")
    return Responsibility(profile.coordinator, profile.agencies[profile.coordinator], "nobody", {})


def _owner(of_class: IncidentClass, profile: IncidentProfile, reason: str) -> Responsibility:
    return Responsibility(of_class.owner, profile.agencies[of_class.owner], reason, {"class_name": of_class.names})


def _street(place: IncidentPlace, profile: IncidentProfile) -> tuple[str, Names, Names] | None:
    if not place.street_code:
        return None
    street_names = place.street_names or {"zh": place.street_code, "en": place.street_code}
    if agency := profile.streets.get(place.street_code):
        return agency, profile.agencies[agency], street_names
    office = {
        "zh": label("incident.street_office", "zh", street=street_names["zh"]),
        "en": label("incident.street_office", "en", street=street_names["en"]),
    }
    return f"street-{place.street_code}", office, street_names
