"""市民接口: what citizens' apps may see and send (Open311 GeoReport v2): services, reports and their progress.

Listed are incidents that came from outside: reports of citizens, the hotline and the network. What inspectors, sensors
and cameras find is internal: nobody outside knows its number, and where it lies tells where and when staff were on
their way. A listed report shows what, where, when, its state and who is responsible; never who reported it, who handles
it or what was noted. Long numbers and mail addresses in its words are masked, and the words of a report that was
refused or voided are not shown at all. A name that somebody writes into the words cannot be told from other words.

What a citizen's app sends besides (a condition, the address of a picture) is kept for the staff as lines below the
words; nothing is fetched from that address.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.i18n import Lang, label
from gridgov.model.events import format_time
from gridgov.model.incident_classes import IncidentClass
from gridgov.model.incident_moves import MAX_TEXT_LENGTH
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.incidents import IncidentState
from gridgov.model.masking import mask_contacts
from gridgov.model.rights import PUBLIC, Person, Right, require
from gridgov.operations.agencies import agency_name
from gridgov.operations.incident_index import IndexRow, incident_index, records_of
from gridgov.operations.incidents import load_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace

PUBLIC_SOURCES = frozenset({"citizen", "hotline", "network"})
MOST_REQUESTS = 1000
CONDITION = "condition"
_MEDIA = "media_url"
_FOR_STAFF = re.compile(rf"\s*^\[(?:{CONDITION}|{_MEDIA})\] .*", re.MULTILINE | re.DOTALL)
# Nobody has read a report before it is filed: a name or an accusation in its words must not be published by itself.
_WORDS_HIDDEN = frozenset({IncidentState.REPORTED, IncidentState.REJECTED, IncidentState.VOID})
_OPEN = frozenset(str(state) for state in IncidentState if state.is_open)


@dataclass(frozen=True, slots=True)
class Service:
    """A class of incidents that can be reported; `conditions` are those a citizen may choose from, code to name."""

    code: str
    name: str
    description: str
    group: str
    keywords: tuple[str, ...]
    conditions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestQuery:
    """Which reports are wanted; what is left at its default does not count.

    Attributes
    ----------
    ids : tuple of str
        Exactly these, whatever else is asked for.
    start, end : datetime
        When they were reported, aware, both inclusive.
    is_open : bool
        Open ones only, or closed ones only; None: both.
    """

    ids: tuple[str, ...] = ()
    class_codes: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    is_open: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicRequest:
    """A report as anybody may see it."""

    id: str
    is_open: bool
    status_notes: str
    class_code: str
    class_name: str
    description: str
    agency: str
    requested_at: datetime
    updated_at: datetime
    expected_at: datetime | None
    address: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenReport:
    """What a citizen's app sends; `attributes` are answers to what `Service` asks for."""

    service_code: str
    lon: float
    lat: float
    description: str = ""
    address: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    media_url: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def services_of(workspace: Workspace, person: Person, lang: Lang) -> list[Service]:
    """Return everything that can be reported, by code."""
    require(person, Right.INCIDENT_PROGRESS)
    classes = workspace.incident_profile.classes
    return [_service(workspace, classes[code], lang) for code in sorted(classes)]


def service_of(workspace: Workspace, person: Person, code: str, lang: Lang) -> Service:
    """Return one of them.

    Raises
    ------
    RecordNotFoundError
        No class has that code.
    """
    require(person, Right.INCIDENT_PROGRESS)
    return _service(workspace, _class(workspace, code), lang)


def public_requests(workspace: Workspace, person: Person, query: RequestQuery, lang: Lang) -> list[PublicRequest]:
    """Return the public reports that a query wants, the newest first, at most 1,000."""
    require(person, Right.INCIDENT_PROGRESS)
    if query.ids:
        ids = list(dict.fromkeys(query.ids))[:MOST_REQUESTS]
    else:
        rows = _matching(incident_index(workspace), query)
        newest = heapq.nlargest(MOST_REQUESTS, rows, key=lambda row: (row.reported_at, row.id))
        ids = [row.id for row in newest]
    records = records_of(workspace, ids)
    return [_public(workspace, record, lang) for record in records if record.source in PUBLIC_SOURCES]


def public_request(workspace: Workspace, person: Person, request_id: str, lang: Lang) -> PublicRequest:
    """Return one public report.

    Raises
    ------
    RecordNotFoundError
        There is none of that number, or it is internal.
    """
    require(person, Right.INCIDENT_PROGRESS)
    unknown = RecordNotFoundError(f"there is no service request '{request_id[:80]}': check its number")
    try:
        record, _ = load_incident(workspace, request_id)
    except RecordNotFoundError:
        raise unknown from None
    if record.source not in PUBLIC_SOURCES:
        raise unknown
    return _public(workspace, record, lang)


def report_publicly(workspace: Workspace, given: CitizenReport, *, idempotency_key: str | None = None) -> str:
    """Take a report from a citizen's app and return its number; it counts as the public's, whoever sends it.

    Raises
    ------
    RecordNotFoundError
        There is no such service.
    ParameterError
        The place lies outside the district, a text is too long, or an attribute has no such value.
    ConflictError
        The key was used for another report.
    """
    service = _service(workspace, _class(workspace, given.service_code), "zh")
    form = ReportForm(
        class_code=service.code,
        lon=given.lon,
        lat=given.lat,
        description=_with_lines(given, service),
        address=given.address,
        reporter_name=given.name,
        reporter_phone=", ".join(part for part in (given.phone, given.email) if part),
    )
    return report_incident(workspace, PUBLIC, form, idempotency_key=idempotency_key).id


def _class(workspace: Workspace, code: str) -> IncidentClass:
    known = workspace.incident_profile.classes.get(code)
    if known is None:
        raise RecordNotFoundError(f"service_code '{code[:40]}' was not found: ask for the list of services")
    return known


def _service(workspace: Workspace, of_class: IncidentClass, lang: Lang) -> Service:
    group = workspace.incident_profile.majors[of_class.kind].get(of_class.major, {}).get(lang, of_class.major)
    names: dict[str, str] = {}
    for limit in of_class.limits:
        if limit.condition:
            names.setdefault(limit.condition, limit.names.get(lang) or limit.condition)
    return Service(
        code=of_class.code,
        name=of_class.name(lang),
        description=of_class.filing[lang],
        group=group,
        keywords=tuple(dict.fromkeys([*of_class.names.values(), group])),
        conditions=names,
    )


def _with_lines(given: CitizenReport, service: Service) -> str:
    """Return the words of a report with what the app sent besides as lines below them."""
    lines = [given.description.strip()]
    for code, value in given.attributes.items():
        if code != CONDITION or not service.conditions:
            raise ParameterError(f"service {service.code} has no attribute '{code[:40]}'")
        if value not in service.conditions:
            known = ", ".join(service.conditions)
            raise ParameterError(f"attribute '{CONDITION}' of service {service.code} must be one of {known}")
        lines.append(f"[{CONDITION}] {service.conditions[value]}")
    if given.media_url:
        lines.append(f"[{_MEDIA}] {given.media_url}")
    text = "\n".join(lines).strip()
    if len(text) > MAX_TEXT_LENGTH:
        raise ParameterError(f"description and media_url have {len(text)} characters: at most {MAX_TEXT_LENGTH} fit")
    return text


def _matching(rows: Iterable[IndexRow], query: RequestQuery) -> list[IndexRow]:
    start = "" if query.start is None else format_time(query.start)
    end = "9999" if query.end is None else format_time(query.end)
    return [
        row
        for row in rows
        if start <= row.reported_at <= end
        and row.source in PUBLIC_SOURCES
        and (not query.class_codes or row.class_code in query.class_codes)
        and (query.is_open is None or (row.state in _OPEN) is query.is_open)
    ]


def _public(workspace: Workspace, record: IncidentRecord, lang: Lang) -> PublicRequest:
    known = workspace.incident_profile.classes.get(record.class_code)
    notes = "open311.merged" if record.is_merged else f"incident.state.{record.state}"
    is_open = record.state.is_open
    return PublicRequest(
        id=record.id,
        is_open=is_open,
        status_notes=label(notes, lang),
        class_code=record.class_code,
        class_name=known.name(lang) if known else record.class_names.get(lang, record.class_code),
        description="" if record.state in _WORDS_HIDDEN else public_text(record.description),
        agency=agency_name(workspace, record.agency, lang),
        requested_at=record.reported_at,
        updated_at=record.updated_at if is_open else record.closed_at or record.updated_at,
        expected_at=record.due_at,
        address="" if record.state in _WORDS_HIDDEN else public_text(record.address),
        lon=record.lon,
        lat=record.lat,
    )


def public_text(text: str) -> str:
    """Return somebody's words as strangers may see them: without the lines for the staff, numbers and mail masked."""
    return mask_contacts(_FOR_STAFF.sub("", text)).strip()
