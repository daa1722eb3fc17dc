"""Open311 GeoReport v2: services, service requests and their progress, for citizens' apps; XML and JSON.

One jurisdiction, so `jurisdiction_id` is not looked at. No API keys are given out: `api_key` is taken and not looked
at; how many reports one address may send is limited as for the public page. Every request has its number at once
(``realtime``), so there are no tokens. `address_id`, `device_id` and `account_id` are not kept. A report by this way is
the public's also where the sender is signed in. ``?lang=zh`` or ``en`` chooses the language of names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gridgov.api.asking import WorkspaceSource
from gridgov.api.open311_form import MOST_BYTES, citizen_report, form_fields, request_query
from gridgov.api.open311_format import ENDINGS, JSON, XML, answer, failure
from gridgov.api.problems import status_of
from gridgov.errors import GridgovError, InputError, ParameterError, RecordNotFoundError
from gridgov.i18n import LANGS, Lang, as_lang, label
from gridgov.model.rights import PUBLIC, Person
from gridgov.operations.open311 import (
    CONDITION,
    PublicRequest,
    Service,
    public_request,
    public_requests,
    report_publicly,
    service_of,
    services_of,
)
from gridgov.workspace import Workspace

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"


def routes(source: WorkspaceSource) -> list[BaseRoute]:
    """Return the routes, relative to where they are mounted."""
    own = Open311Routes(source)
    return [
        Route("/discovery.{ending}", _guarded(own.discovery)),
        Route("/services.{ending}", _guarded(own.services)),
        Route("/services/{service_code}.{ending}", _guarded(own.definition)),
        Route("/requests.{ending}", _guarded(own.requests), methods=["GET"]),
        Route("/requests.{ending}", _guarded_post(own.report), methods=["POST"]),
        Route("/requests/{request_id}.{ending}", _guarded(own.request)),
        Route("/tokens/{token}.{ending}", _guarded(own.token)),
    ]


class Open311Routes:
    """Answers the requests for one workspace."""

    def __init__(self, source: WorkspaceSource) -> None:
        self._source = source

    def discovery(self, request: Request) -> Response:
        """Answer with the service discovery of this endpoint."""
        workspace = self._source.workspace
        lang, changed = _lang(workspace, request.query_params.get("lang")), workspace.manifest.imported_at
        scheme = "https" if workspace.settings.https else request.url.scheme
        endpoint = {
            "specification": SPECIFICATION,
            "url": f"{scheme}://{request.url.netloc}{request.scope.get('root_path', '').rstrip('/')}",
            "changeset": changed,
            "type": "production",
            "formats": [XML.partition(";")[0], JSON.partition(";")[0]],
        }
        found = {
            "changeset": changed,
            "contact": label("open311.contact", lang, district=workspace.name(lang)),
            "key_service": label("open311.key_service", lang),
            "endpoints": [endpoint],
        }
        return answer("discovery", found, request.path_params["ending"])

    def services(self, request: Request) -> Response:
        """Answer what can be reported."""
        workspace, person, lang = self._asked(request)
        found = [_service(service) for service in services_of(workspace, person, lang)]
        return answer("services", found, request.path_params["ending"])

    def definition(self, request: Request) -> Response:
        """Answer what else one may say about a service."""
        workspace, person, lang = self._asked(request)
        service = service_of(workspace, person, request.path_params["service_code"], lang)
        attributes = [_condition(service, lang)] if service.conditions else []
        found = {"service_code": service.code, "attributes": attributes}
        return answer("service_definition", found, request.path_params["ending"])

    def requests(self, request: Request) -> Response:
        """Answer which public reports there are."""
        workspace, person, lang = self._asked(request)
        query = request_query(request.query_params, workspace.now(), workspace.timezone)
        found = public_requests(workspace, person, query, lang)
        shown = [_request(one, workspace.timezone) for one in found]
        return answer("service_requests", shown, request.path_params["ending"])

    def request(self, request: Request) -> Response:
        """Answer how far one public report has got."""
        workspace, person, lang = self._asked(request)
        found = public_request(workspace, person, request.path_params["request_id"], lang)
        return answer("service_requests", [_request(found, workspace.timezone)], request.path_params["ending"])

    def token(self, request: Request) -> Response:
        """Answer that there are no tokens: every report has its number at once."""
        raise RecordNotFoundError(
            f"token '{request.path_params['token'][:40]}' was not found: no tokens are given here"
        )

    async def report(self, request: Request) -> Response:
        """Take a new report and answer with its number."""
        body = await _body(request)
        return await run_in_threadpool(self._report, request, body)

    def _report(self, request: Request, body: bytes) -> Response:
        workspace = self._source.workspace
        fields = form_fields(body, request.headers.get("content-type", ""))
        lang = _lang(workspace, request.query_params.get("lang") or fields.get("lang"))
        key = request.headers.get("idempotency-key") or None
        ticket = report_publicly(workspace, citizen_report(fields), idempotency_key=key)
        notice = label("open311.notice", lang, ticket=ticket)
        found = [{"service_request_id": ticket, "service_notice": notice, "account_id": None}]
        return answer("service_requests", found, request.path_params["ending"])

    def _asked(self, request: Request) -> tuple[Workspace, Person, Lang]:
        workspace = self._source.workspace
        person: Person = request.scope.get("state", {}).get("person", PUBLIC)
        return workspace, person, _lang(workspace, request.query_params.get("lang"))


def _service(service: Service) -> dict[str, Any]:
    return {
        "service_code": service.code,
        "service_name": service.name,
        "description": service.description,
        "metadata": bool(service.conditions),
        "type": "realtime",
        "keywords": ", ".join(service.keywords),
        "group": service.group,
    }


def _condition(service: Service, lang: Lang) -> dict[str, Any]:
    return {
        "variable": True,
        "code": CONDITION,
        "datatype": "singlevaluelist",
        "required": False,
        "datatype_description": label("open311.choose_one", lang),
        "order": 1,
        "description": label("open311.condition", lang),
        "values": [{"key": key, "name": name} for key, name in service.conditions.items()],
    }


def _request(found: PublicRequest, timezone: ZoneInfo) -> dict[str, Any]:
    def written(moment: datetime | None) -> str | None:
        return None if moment is None else moment.astimezone(timezone).isoformat(timespec="seconds")

    return {
        "service_request_id": found.id,
        "status": "open" if found.is_open else "closed",
        "status_notes": found.status_notes,
        "service_name": found.class_name,
        "service_code": found.class_code,
        "description": found.description or None,
        "agency_responsible": found.agency or None,
        "service_notice": None,
        "requested_datetime": written(found.requested_at),
        "updated_datetime": written(found.updated_at),
        "expected_datetime": written(found.expected_at),
        "address": found.address or None,
        "address_id": None,
        "zipcode": None,
        "lat": found.lat,
        "long": found.lon,
        "media_url": None,
    }


def _lang(workspace: Workspace, asked: str | None) -> Lang:
    wanted = asked if asked in LANGS else workspace.settings.lang
    return as_lang(wanted)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ParameterError(f"the request is too large: send at most {MOST_BYTES:,} bytes")
    return bytes(body)


def _guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Let a handler answer errors in the specification's form, and only for the formats that there are."""

    def answered(request: Request) -> Response:
        if request.path_params["ending"] not in ENDINGS:
            return _no_format(request)
        try:
            return handler(request)
        except GridgovError as error:
            return _refusal(error, request)

    return answered


def _guarded_post(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        if request.path_params["ending"] not in ENDINGS:
            return _no_format(request)
        try:
            return await handler(request)
        except GridgovError as error:
            return _refusal(error, request)

    return answered


def _no_format(request: Request) -> Response:
    ending = request.path_params["ending"]
    return failure(404, f"there is no format '{ending[:40]}': use {' or '.join(ENDINGS)}", "json")


def _refusal(error: GridgovError, request: Request) -> Response:
    """Answer an error: 404 for what does not exist, 403 for what one may not do, 400 for what was sent."""
    status = 400 if isinstance(error, InputError) else status_of(error)
    return failure(status, str(error), request.path_params["ending"])
