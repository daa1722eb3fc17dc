"""预警: a warning as the OASIS Common Alerting Protocol 1.2 has it: elements, value lists and their rules.

Names of fields are those of the standard in our spelling (`msgType` is `msg_type`). Section numbers in comments are
those of the standard (CAP-v1.2-os, 1 July 2010); `gridgov.model.cap` writes and reads the XML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from gridgov.errors import ParameterError

Point = tuple[float, float]  # lon, lat, degrees WGS 84
Circle = tuple[float, float, float]  # lon, lat, radius in km
DIGITS = 6  # of coordinates: a tenth of a metre
_FORBIDDEN = re.compile(r"[\s,<&]")  # 3.2.1: no spaces, commas or restricted characters in identifier and sender
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")  # 3.3.2


class AlertStatus(StrEnum):
    """What the message is for (3.2.1 status)."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    """What the message does (3.2.1 msgType)."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class AlertScope(StrEnum):
    """Whom the message is for (3.2.1 scope)."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class AlertCategory(StrEnum):
    """Kind of event (3.2.2 category)."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(StrEnum):
    """What people shall do (3.2.2 responseType)."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(StrEnum):
    """When people shall act: at once, within the hour, later (3.2.2 urgency)."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """How much is threatened (3.2.2 severity)."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class AlertCertainty(StrEnum):
    """How sure it is: seen, over 50 %, less (3.2.2 certainty)."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class AlertArea:
    """Where people are to be warned (3.2.4).

    Attributes
    ----------
    polygons : tuple of tuples of (lon, lat)
        Rings, the last point equal to the first, at least four points.
    circles : tuple of (lon, lat, radius in km)
    geocodes : tuple of (name, value)
    altitude_ft, ceiling_ft : float, optional
        Feet above mean sea level; a ceiling only above an altitude.
    """

    area_desc: str
    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()
    altitude_ft: float | None = None
    ceiling_ft: float | None = None

    def __post_init__(self) -> None:
        _need(bool(self.area_desc.strip()), "an area has no description (areaDesc); name it")
        rings = tuple(tuple((_degrees(x, 180), _degrees(y, 90)) for x, y in ring) for ring in self.polygons)
        for ring in rings:
            _need(len(ring) >= 4, f"a polygon of area '{self.area_desc}' has {len(ring)} points; it needs four or more")
            _need(ring[0] == ring[-1], f"a polygon of area '{self.area_desc}' is not closed: repeat its first point")
        object.__setattr__(self, "polygons", rings)
        for lon, lat, radius_km in self.circles:
            _degrees(lon, 180), _degrees(lat, 90)
            _need(radius_km >= 0, f"a circle of area '{self.area_desc}' has the radius {radius_km} km")
        if self.ceiling_ft is not None:
            _need(self.altitude_ft is not None, f"area '{self.area_desc}' has a ceiling without an altitude; give both")


@dataclass(frozen=True)
class AlertResource:
    """A file that goes with the text (3.2.3); `digest` is SHA-1 in hexadecimal, `deref_uri` is content in base64."""

    resource_desc: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        _need(bool(self.resource_desc), "a resource has no description (resourceDesc); describe it")
        _need("/" in self.mime_type, f"resource '{self.resource_desc}' has the MIME type '{self.mime_type}'; give one")


@dataclass(frozen=True)
class AlertInfo:
    """One block of a warning: one language, one event, its areas (3.2.2). Times are aware."""

    language: str
    categories: tuple[AlertCategory, ...]
    event: str
    urgency: Urgency
    severity: Severity
    certainty: AlertCertainty
    response_types: tuple[ResponseType, ...] = ()
    audience: str = ""
    event_codes: tuple[tuple[str, str], ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    resources: tuple[AlertResource, ...] = ()
    areas: tuple[AlertArea, ...] = ()

    def __post_init__(self) -> None:
        _need(bool(self.categories), "a warning has no category; give one or more")
        _need(bool(self.event.strip()), "a warning has no event; name it")
        for name in ("effective", "onset", "expires"):
            _set_time(self, name)
        begins = self.effective or self.onset
        if begins is not None and self.expires is not None:
            _need(begins < self.expires, "a warning expires before it is in force; correct the times")


@dataclass(frozen=True)
class CapAlert:
    """A whole message (3.2.1)."""

    identifier: str
    sender: str
    sent: datetime
    status: AlertStatus
    msg_type: MsgType
    scope: AlertScope
    source: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[AlertInfo, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("identifier", "sender"):
            value = getattr(self, name)
            fine = bool(value) and not _FORBIDDEN.search(value)
            _need(fine, f"the {name} '{value}' is empty or holds a space, a comma, < or &; CAP allows none of them")
        _set_time(self, "sent")
        restricted, private = self.scope is AlertScope.RESTRICTED, self.scope is AlertScope.PRIVATE
        _need(bool(self.restriction) == restricted, "a restriction goes with the scope Restricted, and only with it")
        _need(bool(self.addresses) or not private, "a private message needs addresses; add them")
        if self.msg_type is not MsgType.ALERT:
            _need(bool(self.references), f"a message of type {self.msg_type} must refer to an earlier one (references)")
        for reference in self.references:
            split_reference(reference)

    @property
    def reference(self) -> str:
        """How later messages refer to this one: sender,identifier,sent."""
        return f"{self.sender},{self.identifier},{format_cap_time(self.sent)}"


def update_of(earlier: CapAlert, identifier: str, sent: datetime, infos: Iterable[AlertInfo]) -> CapAlert:
    """Return the message that takes the place of an earlier one."""
    _need(sent >= earlier.sent, "an update is sent after the message that it updates; correct the time")
    references = (*earlier.references, earlier.reference)
    return replace(
        earlier, identifier=identifier, sent=sent, msg_type=MsgType.UPDATE, references=references, infos=tuple(infos)
    )


def cancel_of(
    earlier: CapAlert, identifier: str, sent: datetime, note: str, infos: Iterable[AlertInfo] = ()
) -> CapAlert:
    """Return the message that cancels an earlier one and all that it updated; the note says why (3.2.1 note)."""
    _need(bool(note.strip()), "say in the note why the warning is cancelled")
    update = update_of(earlier, identifier, sent, infos)
    return replace(update, msg_type=MsgType.CANCEL, note=note)


def format_cap_time(moment: datetime) -> str:
    """Return a moment as CAP writes it (3.3.2): with an offset and never with a Z; UTC is -00:00."""
    _need(moment.tzinfo is not None, f"the time {moment.isoformat()} has no offset; give one")
    text = moment.isoformat(timespec="seconds")
    return text[:-6] + "-00:00" if moment.utcoffset() == timedelta(0) else text


def parse_cap_time(text: str) -> datetime:
    """Return the moment that a CAP message names.

    Raises
    ------
    ParameterError
        It is no time in the form of section 3.3.2.
    """
    if _TIME.fullmatch(text):
        try:
            return datetime.fromisoformat(text.replace("-00:00", "+00:00") if text.endswith("-00:00") else text)
        except ValueError:
            pass
    raise ParameterError(f"'{text}' is no CAP time; write 2026-07-01T08:00:00+08:00, and -00:00 for UTC")


def split_reference(reference: str) -> tuple[str, str, datetime]:
    """Return sender, identifier and time of an extended message identifier (3.2.1 references)."""
    parts = reference.split(",")
    _need(len(parts) == 3, f"'{reference}' refers to no message; write sender,identifier,sent")
    return parts[0], parts[1], parse_cap_time(parts[2])


def national_identifier(sender_code: str, sent: datetime, serial: int) -> str:
    """Return a message id of GB/T 35965.1-2018: 14 characters of the sender, the time in Beijing, one digit.

    Read in a secondary source only. Ten messages of one sender in one second are the most it can tell apart.
    """
    _need(len(sender_code) == 14 and sender_code.isalnum(), f"the sender code '{sender_code}' has not 14 characters")
    _need(0 <= serial <= 9, f"the serial number is one digit, not {serial}")
    beijing = sent.astimezone(UTC) + timedelta(hours=8)
    return f"{sender_code}_{beijing:%Y%m%d%H%M%S}_{serial}"


def _set_time(record: Any, name: str) -> None:
    moment = getattr(record, name)
    if moment is not None:
        _need(moment.tzinfo is not None, f"the time '{name}' of a warning has no time zone; give one")
        object.__setattr__(record, name, moment.replace(microsecond=0))


def _degrees(value: float, limit: int) -> float:
    _need(abs(value) <= limit, f"{value} is no degree within -{limit} … {limit} (longitude goes first here)")
    return round(float(value), DIGITS)


def _need(fine: bool, text: str) -> None:
    if not fine:
        raise ParameterError(text)
