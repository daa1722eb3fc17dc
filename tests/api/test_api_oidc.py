"""Signing in by an identity provider: who has an account gets a session, every lie on the way is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from identity_provider import Provider
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gridgov.api.guard import SESSION_COOKIE
from gridgov.api.oidc import routes
from gridgov.config import Settings
from gridgov.errors import SettingsError
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.accounts import AccountDraft, add_account, disable_account
from gridgov.operations.sessions import person_of
from gridgov.workspace import Workspace, open_workspace

ADMIN = Person("system", Role.ADMIN, EVERYWHERE)


class Source:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(provider: Provider) -> Settings:
    provider.honest()
    return Settings(
        store="memory:",
        oidc_issuer=provider.issuer,
        oidc_client_id="gridgov",
        oidc_client_secret="a secret that only the two know",
    )


@pytest.fixture
def here(village: Path, settings: Settings, provider: Provider) -> Workspace:
    workspace = open_workspace(village, settings=settings)
    draft = AccountDraft(account_id="wang", role=Role.SUPERVISOR, areas=("all",), subject=f"{provider.issuer}|u-1")
    add_account(workspace, ADMIN, draft)
    return workspace


@pytest.fixture
def browser(here: Workspace, settings: Settings) -> TestClient:
    return TestClient(Starlette(routes=routes(Source(here), settings)), follow_redirects=False)


def there_and_back(browser: TestClient, query: str = "") -> httpx2.Response:
    """Go to the provider and return with what it says."""
    away = browser.get(f"/sign-in/oidc/{query}")
    assert away.status_code == 302
    back = httpx2.get(away.headers["location"], follow_redirects=False).headers["location"]
    parts = urlsplit(back)
    return browser.get(f"{parts.path}?{parts.query}")


def test_who_has_an_account_gets_a_session(browser: TestClient, here: Workspace) -> None:
    answer = there_and_back(browser, "?next=/incident%3Fid%3D7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incident?id=7")
    token = answer.cookies[SESSION_COOKIE]
    assert person_of(here, token).account_id == "wang"
    assert here.store.head()[0] == 2
    assert next(event.payload for event in here.store.events(after=1))["by"] == "oidc"


def test_the_way_back_never_leads_to_another_site(browser: TestClient) -> None:
    assert there_and_back(browser, "?next=//evil.example/").headers["location"] == "/"


def test_the_browser_is_sent_with_state_nonce_and_pkce(browser: TestClient, provider: Provider) -> None:
    away = urlsplit(browser.get("/sign-in/oidc/").headers["location"])
    asked = parse_qs(away.query)
    assert f"http://{away.netloc}" == provider.issuer
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert "secret" not in away.query


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "of another round trip"},
        {"aud": "somebody-else"},
        {"iss": "https://another.example"},
        {"exp": int(time.time()) - 3600},
    ],
    ids=["nonce", "audience", "issuer", "expired"],
)
def test_an_id_token_that_lies_is_refused(browser: TestClient, provider: Provider, lie: dict[str, object]) -> None:
    provider.claims = lie
    answer = there_and_back(browser)
    assert answer.headers["location"] == "/sign-in?refused=provider"
    assert SESSION_COOKIE not in answer.cookies


def test_an_id_token_signed_by_another_key_is_refused(browser: TestClient, provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "k1"})
    assert there_and_back(browser).headers["location"] == "/sign-in?refused=provider"


def test_an_answer_that_was_not_asked_for_is_refused(browser: TestClient) -> None:
    assert browser.get("/sign-in/oidc/callback?code=x&state=y").headers["location"] == "/sign-in?refused=provider"
    browser.get("/sign-in/oidc/")
    assert browser.get("/sign-in/oidc/callback?code=x&state=y").headers["location"] == "/sign-in?refused=provider"


def test_a_subject_without_an_account_or_with_a_disabled_one_is_refused(
    browser: TestClient, here: Workspace, provider: Provider
) -> None:
    provider.subject = "u-2"
    assert there_and_back(browser).headers["location"] == "/sign-in?refused=subject"
    provider.subject = "u-1"
    disable_account(here, ADMIN, "wang")
    assert there_and_back(browser).headers["location"] == "/sign-in?refused=subject"


def test_a_provider_that_is_away_is_said_to_be_so(here: Workspace) -> None:
    away = Settings(oidc_issuer="http://127.0.0.1:9", oidc_client_id="a", oidc_client_secret="b")
    browser = TestClient(Starlette(routes=routes(Source(here), away)), follow_redirects=False)
    assert browser.get("/sign-in/oidc/").headers["location"] == "/sign-in?refused=provider"


@pytest.mark.parametrize(
    "wrong",
    [
        Settings(oidc_issuer="https://id.example"),
        Settings(oidc_issuer="http://id.example", oidc_client_id="a", oidc_client_secret="b"),
    ],
    ids=["incomplete", "not by https"],
)
def test_settings_that_cannot_work_are_refused_at_the_start(here: Workspace, wrong: Settings) -> None:
    with pytest.raises(SettingsError):
        routes(Source(here), wrong)


def test_without_a_provider_there_are_no_routes(here: Workspace) -> None:
    assert routes(Source(here), Settings()) == []
