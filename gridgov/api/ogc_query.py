"""Parameters of OGC API – Features: read strictly; whatever is unknown or has a bad value is refused with 400."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from gridgov.errors import ParameterError
from gridgov.i18n import LANGS, Lang
from gridgov.model.features import Bounds, FeatureQuery

LIMIT_DEFAULT = 100
LIMIT_MAX = 10_000
MOST_OFFSET = 10**12
PLAIN = frozenset({"f", "lang"})  # what every resource takes
PAGED = PLAIN | {"limit", "offset", "bbox", "datetime"}

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")  # RFC 3339, 5.6
_OPEN_ENDS = ("", "..")


@dataclass(frozen=True, slots=True)
class Interval:
    """From when to when, aware, both inclusive; None: open."""

    start: datetime | None = None
    end: datetime | None = None


def check_parameters(params: QueryParams, known: Collection[str]) -> None:
    """Refuse parameters that a resource does not have, repeated ones, and formats other than JSON.

    Raises
    ------
    ParameterError
    """
    names = [name for name, _ in params.multi_items()]
    for name in names:
        if name not in known:
            raise ParameterError(f"the parameter '{name[:80]}' is unknown here: use {', '.join(sorted(known))}")
        if names.count(name) > 1:
            raise ParameterError(f"the parameter '{name}' is there more than once")
    if params.get("f", "json") != "json":
        raise ParameterError("there is no other format than f=json")


def language_of(params: QueryParams, default: str) -> Lang:
    """Return the language that is asked for.

    Raises
    ------
    ParameterError
        It is none that the server speaks.
    """
    asked = params.get("lang", default)
    for lang in LANGS:
        if asked == lang:
            return lang
    raise ParameterError(f"lang must be one of {', '.join(LANGS)}")


def feature_query(params: QueryParams, queryables: Collection[str]) -> FeatureQuery:
    """Read what is asked of the items of a collection.

    Raises
    ------
    ParameterError
    """
    check_parameters(params, {*PAGED, *queryables})
    times = parse_datetime(params["datetime"]) if "datetime" in params else Interval()
    return FeatureQuery(
        bbox=parse_bbox(params["bbox"]) if "bbox" in params else None,
        start=times.start,
        end=times.end,
        equals={name: value for name, value in params.items() if name not in PAGED},
        limit=min(_whole(params, "limit", LIMIT_DEFAULT, at_least=1), LIMIT_MAX),
        offset=_offset(params),
    )


def parse_bbox(text: str) -> Bounds:
    """Read a box of 4 or 6 numbers (with heights, which do not count here); west may lie east of east.

    Raises
    ------
    ParameterError
    """
    parts = text.split(",")
    if len(parts) not in (4, 6) or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ParameterError("bbox must be 4 or 6 numbers with commas between them: west,south,east,north")
    numbers = [float(part) for part in parts]
    half = len(numbers) // 2
    west, south, east, north = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if not all(map(math.isfinite, numbers)) or max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise ParameterError("bbox must lie on the globe: degrees of longitude, then of latitude")
    if south > north or (half == 3 and numbers[2] > numbers[5]):
        raise ParameterError("bbox must have its lower corner first")
    return west, south, east, north


def parse_datetime(text: str) -> Interval:
    """Read an instant or an interval, of which one end may be open.

    Raises
    ------
    ParameterError
    """
    start, slash, end = text.partition("/")
    if not slash:
        moment = _moment(text)
        return Interval(moment, moment)
    if start in _OPEN_ENDS and end in _OPEN_ENDS:
        raise ParameterError("an interval of datetime must have at least one end")
    interval = Interval(
        None if start in _OPEN_ENDS else _moment(start),
        None if end in _OPEN_ENDS else _moment(end),
    )
    if interval.start and interval.end and interval.start > interval.end:
        raise ParameterError("the interval of datetime ends before it begins")
    return interval


def _moment(text: str) -> datetime:
    try:
        if not _DATE_TIME.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError(
            f"'{text[:80]}' is no time of RFC 3339: write 2026-06-30T10:00:00Z or ...+08:00 (in a URL, + is %2B)"
        ) from None


def _offset(params: QueryParams) -> int:
    offset = _whole(params, "offset", 0, at_least=0)
    if offset > MOST_OFFSET:
        raise ParameterError(f"offset must be at most {MOST_OFFSET}")
    return offset


def _whole(params: QueryParams, name: str, default: int, *, at_least: int) -> int:
    text = params.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ParameterError(f"{name} must be a whole number of at least {at_least}")
    value = int(text) if len(text) < 20 else 10**20  # too long to be worth reading
    if value < at_least:
        raise ParameterError(f"{name} must be at least {at_least}")
    return value
