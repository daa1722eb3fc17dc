"""What a GeoReport v2 client sends: the query of a list of requests and the form of a new one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from gridgov.errors import ParameterError
from gridgov.operations.open311 import CitizenReport, RequestQuery

MOST_DAYS = timedelta(days=90)
MOST_BYTES = 128 * 1024
MOST_FIELDS = 100
FORM_TYPE = "application/x-www-form-urlencoded"
_MOST_DESCRIPTION = 4000
_MOST_URL = 1000
_STATUSES = {"open": True, "closed": False}
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,80})\](\[\])?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CHINESE = re.compile("[\u3400-\u9fff]")
Fields = Mapping[str, str]


def request_query(params: QueryParams, now: datetime, timezone: ZoneInfo) -> RequestQuery:
    """Read which requests are wanted; without dates those of the last 90 days.

    Raises
    ------
    ParameterError
        A date or status cannot be read, or the dates lie more than 90 days apart.
    """
    ids = _listed(params, "service_request_id")
    statuses = {status.lower() for status in _listed(params, "status")}
    if unknown := statuses - set(_STATUSES):
        raise ParameterError(f"status '{min(unknown)[:40]}' is unknown: use open or closed")
    start, end = _dates(params, now, timezone) if not ids else (None, None)
    return RequestQuery(
        ids=tuple(ids),
        class_codes=tuple(_listed(params, "service_code")),
        start=start,
        end=end,
        is_open=_STATUSES[min(statuses)] if len(statuses) == 1 else None,
    )


def form_fields(body: bytes, content_type: str) -> dict[str, str]:
    """Read the body of a new request; a field that is empty counts as not sent.

    Raises
    ------
    ParameterError
        It is no form, no UTF-8, or has too many fields.
    """
    if content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise ParameterError(f"send the request as {FORM_TYPE}; charset=utf-8")
    try:
        pairs = parse_qsl(body.decode("utf-8"), errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # of which UnicodeDecodeError is one
        raise ParameterError(f"the form is no UTF-8, or has more than {MOST_FIELDS} fields") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if value.strip():
            if name in fields:
                raise ParameterError(f"the field '{name[:80]}' is there more than once")
            fields[name] = value.strip()
    return fields


def citizen_report(fields: Fields) -> CitizenReport:
    """Read a new request.

    Raises
    ------
    ParameterError
        Something is missing or cannot be read.
    """
    if "service_code" not in fields:
        raise ParameterError("service_code was not provided")
    if "lat" not in fields or "long" not in fields:
        raise ParameterError("lat and long were not provided: an address alone is not enough here, send both")
    if len(fields.get("description", "")) > _MOST_DESCRIPTION:
        raise ParameterError(f"description has more than {_MOST_DESCRIPTION} characters")
    return CitizenReport(
        service_code=fields["service_code"],
        lon=_degrees(fields, "long"),
        lat=_degrees(fields, "lat"),
        description=fields.get("description", "").replace("\r\n", "\n"),
        address=fields.get("address_string", ""),
        name=_name(fields),
        phone=fields.get("phone", ""),
        email=fields.get("email", ""),
        media_url=_media_url(fields),
        attributes=_attributes(fields),
    )


def _listed(params: QueryParams, name: str) -> list[str]:
    """Return the values of a parameter that may be repeated and hold several with commas between them."""
    return [part.strip() for value in params.getlist(name) for part in value.split(",") if part.strip()]


def _dates(params: QueryParams, now: datetime, timezone: ZoneInfo) -> tuple[datetime, datetime]:
    start = _moment(params.get("start_date", ""), "start_date", timezone, time.min)
    end = _moment(params.get("end_date", ""), "end_date", timezone, time.max)
    try:
        if start is None:
            end = end or now
            return end - MOST_DAYS, end
        end = end or min(start + MOST_DAYS, max(now, start))
    except OverflowError:
        raise ParameterError("start_date or end_date is too far away") from None
    if end < start:
        raise ParameterError("end_date is before start_date")
    if end - start > MOST_DAYS:
        raise ParameterError("start_date and end_date may not span more than 90 days")
    return start, end


def _moment(text: str, name: str, timezone: ZoneInfo, of_day: time) -> datetime | None:
    """Read a time in the W3C format; a date alone is the district's whole day."""
    text = text.strip().replace(" ", "+")  # a plus that was not escaped
    if not text:
        return None
    try:
        if _DATE.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), of_day, timezone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError(
            f"{name} '{text[:40]}' is no time in the w3 format with its zone, such as 2026-01-01T00:00:00Z"
        ) from None


def _degrees(fields: Fields, name: str) -> float:
    try:
        value = float(fields[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"{name} '{fields[name][:40]}' is no number of degrees")
    return value


def _name(fields: Fields) -> str:
    first, last = fields.get("first_name", ""), fields.get("last_name", "")
    return f"{last}{first}" if _CHINESE.search(first + last) else f"{first} {last}".strip()


def _media_url(fields: Fields) -> str:
    url = fields.get("media_url", "")
    if url and (not url.lower().startswith(("http://", "https://")) or len(url) > _MOST_URL or len(url.split()) > 1):
        raise ParameterError(f"media_url must be one address of http or https of at most {_MOST_URL} characters")
    return url


def _attributes(fields: Fields) -> dict[str, str]:
    return {found[1]: value for name, value in fields.items() if (found := _ATTRIBUTE.fullmatch(name))}
