"""The console's pages run without a browser, over a copy of the sample village, with somebody signed in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft, add_account, sign_in
from gridgov.operations.adopting import adopt_incidents
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.open_drafts import keep_open_draft
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, shared_workspace

MAIN = Path(__file__).resolve().parents[2] / "app" / "main.py"
PASSWORD = "a long pass phrase 42"


class Desk:
    """The console of one workspace and who sits at it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.tokens: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        for account, role in (("boss", Role.SUPERVISOR), ("keeper", Role.ADMIN), ("plan", Role.PLANNER)):
            add_account(
                workspace, AT_THE_SHELL, AccountDraft(account_id=account, role=role, areas=("all",)), password=PASSWORD
            )
            self.tokens[account] = sign_in(workspace, account, PASSWORD).token
        self.boss = sign_in(workspace, "boss", PASSWORD).person

    def sit(self, account: str) -> None:
        """Let somebody have the browser; nobody by an empty name."""
        self.cookies.clear()
        if account:
            self.cookies["gridgov_session"] = self.tokens[account]

    def open(self, page: str = "", **query: str) -> AppTest:
        """Run a page of the console in English."""
        test = AppTest.from_file(str(MAIN), default_timeout=60)
        for name, value in {"lang": "en", **query}.items():
            test.query_params[name] = value
        test.run()  # registers the pages
        return test.switch_page(f"views/{page}.py").run() if page else test

    def open_alone(self, page: str) -> AppTest:
        """Run the script of a page past the navigation, as nobody can."""
        return AppTest.from_file(str(MAIN.parent / "views" / f"{page}.py"), default_timeout=60).run()

    def report(self, words: str = "", *, code: str = "0101", name: str = "", phone: str = "") -> str:
        """A new incident in the middle of the district; its number."""
        form = ReportForm(
            class_code=code,
            lon=119.018,
            lat=29.601,
            severity=4,
            description=words,
            reporter_name=name,
            reporter_phone=phone,
        )
        return report_incident(self.workspace, self.boss, form).id

    def move(self, number: str, action: Action, **given: str) -> None:
        """Do something with an incident."""
        move_incident(self.workspace, self.boss, number, action, MoveArguments(**given))


@pytest.fixture(scope="session")
def _desk(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("app") / "village"
    shutil.copytree(village, folder, ignore=lambda _, names: [name for name in names if name.startswith("store")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDGOV_WORKSPACE", str(folder))
        adopt_incidents(shared_workspace(folder))  # as the server does when it starts
        yield Desk(shared_workspace(folder))


@pytest.fixture
def desk(_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The console with a supervisor at it. Streamlit's test runner has no cookies: it gets these."""
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: _desk.cookies))
    monkeypatch.setitem(
        sys.modules, "__main__", sys.modules["__main__"]
    )  # Streamlit puts its script there and leaves it
    monkeypatch.setenv("GRIDGOV_WORKSPACE", str(_desk.workspace.path))
    monkeypatch.setenv("GRIDGOV_LANG", "en")  # the runner formats options outside the session
    _desk.sit("boss")
    planner = Person("plan", Role.PLANNER, EVERYWHERE)
    keep_open_draft(_desk.workspace, planner, _desk.tokens["plan"], None)  # every test begins with nothing open
    return _desk
