"""How much: requests of one account, reports and sign-ins of one address, bytes of one body."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridgov.api.problems import lang_of, problem
from gridgov.config import Settings
from gridgov.model.rights import PUBLIC, Person
from gridgov.operations.photos import MAX_BYTES, MAX_PHOTOS

KIB = 1024
MOST_SENDERS = 20_000  # who is remembered at once; the longest unseen is forgotten first
SIGN_INS_PER_MIN = 10
_MARGIN = 64 * KIB  # what a form needs besides the picture
# The first that fits; None: Streamlit has a limit of its own for uploads.
BODY_BYTES: tuple[tuple[str, int | None], ...] = (
    ("/api/v1/photos", MAX_BYTES + _MARGIN),
    ("/api/v1/positions", 1024 * KIB),
    ("/api/", 256 * KIB),
    ("/sign-in", 16 * KIB),
    ("/_stcore/", None),
    ("/", MAX_PHOTOS * MAX_BYTES + _MARGIN),  # a form of a page with pictures
)
# The console and its map ask for many small things at once; none of them costs much.
_UNCOUNTED = (
    "/healthz", "/assets/", "/phone/", "/tiles/", "/points/", "/static/", "/_stcore/", "/media/", "/component/",
)  # fmt: skip
_SIGN_IN = ("/sign-in", "/api/v1/session")
_REPORTS = ("/report", "/api/v1/reports", "/api/open311")


class Buckets:
    """Token buckets by name, in bounded memory: each fills at a steady rate up to its size.

    Parameters
    ----------
    size : int
        Most at once, and most per `period_s` in the long run.
    clock : callable
        Seconds that never go back.
    """

    def __init__(
        self, size: int, period_s: float, *, most: int = MOST_SENDERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size, self._rate, self._most, self._clock = size, size / period_s, most, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def take(self, name: str) -> float:
        """Take one; return 0, or after how many seconds there will be one again."""
        now = self._clock()
        left, since = self._left.pop(name, (float(self._size), now))
        left = min(float(self._size), left + (now - since) * self._rate)
        enough = left >= 1
        self._left[name] = (left - 1 if enough else left, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return 0.0 if enough else (1 - left) / self._rate

    def give_back(self, name: str) -> None:
        """Put one back that need not have been taken."""
        if name in self._left:
            left, since = self._left[name]
            self._left[name] = (min(float(self._size), left + 1), since)


@dataclass(frozen=True, slots=True)
class Rates:
    """The buckets of a server."""

    requests: Buckets
    reports: Buckets
    photos: Buckets
    sign_ins: Buckets

    @classmethod
    def of(cls, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> Rates:
        """Return the buckets that the settings ask for."""
        return cls(
            Buckets(settings.requests_per_min, 60, clock=clock),
            Buckets(settings.reports_per_hour, 3600, clock=clock),
            Buckets(settings.reports_per_hour * MAX_PHOTOS, 3600, clock=clock),
            Buckets(SIGN_INS_PER_MIN, 60, clock=clock),
        )

    def asked(self, method: str, path: str, person: Person, address: str) -> Iterator[tuple[Buckets, str]]:
        """Yield the buckets that a request takes from, with the name of the sender."""
        if path.startswith(_UNCOUNTED):
            return
        if method == "POST" and path.startswith(_SIGN_IN):
            yield self.sign_ins, address
        public = person is PUBLIC
        if public and method == "POST" and path.startswith(_REPORTS):
            yield self.reports, address
        if public and method == "POST" and path.startswith("/api/v1/photos"):
            yield self.photos, address
        yield self.requests, address if public else f"account {person.account_id}"


class Limits:
    """Refuses what is too often (429) or too large (413); stands behind the `Guard`, which says who it is."""

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wait_s = self._wait_s(scope)
        largest = body_limit(scope["path"])
        headers = Headers(scope=scope)
        if wait_s:
            detail = f"too many requests: try again in {math.ceil(wait_s)} s"
            await _refuse(scope, headers, 429, detail, {"Retry-After": str(math.ceil(wait_s))})(scope, receive, send)
        elif largest is not None and _declared(headers) > largest:
            await _refuse(scope, headers, 413, _too_large(largest), {"Connection": "close"})(scope, receive, send)
        else:
            counted = receive if largest is None else _counted(receive, largest)
            await self._app(scope, counted, self._forgiving(scope, send))

    def _forgiving(self, scope: Scope, send: Send) -> Send:
        """Count only sign-ins that fail: in the morning a whole office signs in from one address."""
        if scope["method"] != "POST" or not scope["path"].startswith(_SIGN_IN):
            return send

        async def forgiving(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                self._rates.sign_ins.give_back(address_of(scope))
            await send(message)

        return forgiving

    def _wait_s(self, scope: Scope) -> float:
        person = scope.get("state", {}).get("person", PUBLIC)
        asked = self._rates.asked(scope["method"], scope["path"], person, address_of(scope))
        return max((buckets.take(name) for buckets, name in asked), default=0.0)


def body_limit(path: str) -> int | None:
    """Return how many bytes a request to a path may have."""
    return next(largest for prefix, largest in BODY_BYTES if path.startswith(prefix))


def address_of(scope: Scope) -> str:
    """Return the sender's address; of IPv6 the network that one subscriber has."""
    client = scope.get("client")
    host = client[0] if client else ""
    if ":" not in host:
        return host
    try:
        return str(ipaddress.ip_network((host.partition("%")[0], 64), strict=False))
    except ValueError:
        return host


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _counted(receive: Receive, largest: int) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > largest:
                raise HTTPException(413, _too_large(largest), {"Connection": "close"})
        return message

    return counted


def _too_large(largest: int) -> str:
    return f"the request is too large: send at most {largest:,} bytes"


def _refuse(scope: Scope, headers: Headers, status: int, detail: str, more: dict[str, str]) -> ASGIApp:
    lang = lang_of(scope["query_string"].decode("latin-1"), headers)
    return problem(status, detail, lang, headers=more)
