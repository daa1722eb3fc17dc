"""The API against its own description: whatever is sent, no server error, and every answer as it is described."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from served import Served, serve

from gridgov.api.limits import Buckets, Rates

pytestmark = pytest.mark.slow
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]

EXAMPLES = 3
ENDS_THE_SESSION = {("delete", "/v1/session"), ("post", "/v1/accounts/{account_id}/password")}


@pytest.fixture(scope="module")
def everything(village: Path) -> Iterator[Served]:
    """A server with something in it."""
    plenty = Buckets(1_000_000, 1)
    with serve(village, rates=Rates(plenty, plenty, plenty, plenty)) as one:
        for _ in range(3):
            one.incident(reporter_name="王芳", reporter_phone="13800138000")
        yield one


@pytest.mark.parametrize(
    ("who", "mode"),
    [(who, GenerationMode.POSITIVE) for who in ("admin", "supervisor", "worker", "public")]
    + [(who, GenerationMode.NEGATIVE) for who in ("supervisor", "public")],
)
def test_the_api_does_as_it_says(everything: Served, who: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", everything.app)
    headers = {"Authorization": f"Bearer {everything.tokens[who]}"} if who in everything.tokens else {}
    known = {"incident_id": everything.incident(), "worker_id": everything.worker_id, "account_id": "planner"}
    statuses: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/v1/changes" or (operation.method, operation.path) in ENDS_THE_SESSION:
            continue

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            for name in case.path_parameters.keys() & known.keys():
                case.path_parameters[name] = known[name]  # made-up ones would all be 404
            answer = case.call_and_validate(checks=CHECKS, headers=headers)
            statuses[answer.status_code] += 1

        with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
            ask()
    assert statuses.total() > 40
    assert statuses.keys() & ({200, 201} if mode is GenerationMode.POSITIVE else {422})
