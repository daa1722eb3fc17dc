"""A draft outlives the page that shows it: one for each sign-in, in memory only."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import RightsError
from gridgov.model.changes import PopulationScaled
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Scenario
from gridgov.operations import open_drafts
from gridgov.operations.open_drafts import keep_open_draft, open_draft_of
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
DRAFT = Scenario("方案", changes=(PopulationScaled(1.5),))


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def test_a_draft_comes_back_to_the_sign_in_that_made_it_and_to_no_other(here: Workspace) -> None:
    keep_open_draft(here, PLANNER, "token", DRAFT)
    assert open_draft_of(here, PLANNER, "token") == DRAFT
    assert open_draft_of(here, PLANNER, "another token") is None
    assert open_draft_of(here, Person("chen", Role.COMMANDER, EVERYWHERE), "token") is None
    keep_open_draft(here, PLANNER, "token", None)
    assert open_draft_of(here, PLANNER, "token") is None


def test_without_a_sign_in_nothing_is_remembered(here: Workspace) -> None:
    keep_open_draft(here, PLANNER, "", DRAFT)
    assert open_draft_of(here, PLANNER, "") is None


def test_beyond_a_number_the_draft_that_was_touched_longest_ago_is_forgotten(
    here: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_drafts, "_MOST_KEPT", 2)
    for session in ("a", "b", "a", "c"):
        keep_open_draft(here, PLANNER, session, DRAFT)
    assert [open_draft_of(here, PLANNER, session) is None for session in "abc"] == [False, True, False]


def test_who_may_not_make_scenarios_has_no_draft(here: Workspace) -> None:
    with pytest.raises(RightsError):
        open_draft_of(here, Person("admin", Role.ADMIN, EVERYWHERE), "token")
