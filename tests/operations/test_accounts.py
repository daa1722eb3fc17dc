"""Accounts: who manages them, what they may be, how somebody signs in and for how long."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from gridgov.config import Settings
from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, RightsError, SignInError
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations import sessions
from gridgov.operations.accounts import (
    AT_THE_SHELL,
    AccountDraft,
    add_account,
    change_account,
    change_own_password,
    demo_accounts,
    disable_account,
    enable_account,
    list_accounts,
    person_of,
    set_password,
    sign_in,
    sign_in_subject,
    sign_out,
)
from gridgov.operations.passwords import Passwords
from gridgov.workspace import Workspace, open_workspace

PASSWORD = "long enough 1"
SETTINGS = Settings(store="memory:", session_idle_min=30, session_hours=8, lockout_failures=3, lockout_min=15)


class Hands:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def workspace(village: Path, hands: Hands) -> Workspace:
    return open_workspace(village, settings=SETTINGS, clock=hands)


@pytest.fixture
def anna(workspace: Workspace) -> Person:
    """A supervisor who can sign in."""
    return add(workspace, "anna").person


def add(workspace: Workspace, name: str, role: Role = Role.SUPERVISOR, /, **given: object):
    values = {"areas": ("all",), **given}
    draft = AccountDraft(account_id=name, role=role, **values)  # type: ignore[arg-type]
    return add_account(workspace, AT_THE_SHELL, draft, password=PASSWORD)[0]


def kinds(workspace: Workspace) -> list[str]:
    return [event.kind for event in workspace.store.events()]


def refusal(workspace: Workspace, name: str, password: str) -> str:
    with pytest.raises(SignInError) as refused:
        sign_in(workspace, name, password)
    return str(refused.value)


def first_worker(workspace: Workspace, place: int = 0) -> str:
    return str(workspace.layer("workers")["worker_id"].iloc[place])


def street(workspace: Workspace) -> str:
    return min(workspace.layer("grids")["street_code"])


def workers_of(workspace: Workspace, code: str) -> tuple[str, str]:
    """A worker who is listed in an area, and one who is not."""
    workers = workspace.layer("workers")
    inside = workers["grid_code"].astype(str).str.startswith(code)
    return str(workers["worker_id"][inside].iloc[0]), str(workers["worker_id"][~inside].iloc[0])


# -- signing in --------------------------------------------------------------------------------------------------------


def test_whoever_signs_in_is_known_by_the_token(workspace: Workspace, anna: Person, hands: Hands) -> None:
    session = sign_in(workspace, " Anna ", PASSWORD)
    assert session.person == anna == person_of(workspace, session.token)
    assert session.expires_at == hands.now + timedelta(hours=8)
    assert kinds(workspace)[-1] == "account.signed_in"


def test_no_password_hash_or_token_stands_in_an_event_or_is_shown(workspace: Workspace, anna: Person) -> None:
    session = sign_in(workspace, "anna", PASSWORD)
    refusal(workspace, "anna", "a wrong one 77")
    set_password(workspace, AT_THE_SHELL, "anna", "another one 2")
    written = json.dumps([event.to_dict() for event in workspace.store.events()])
    credential = workspace.store.sign_ins.credential("anna")
    for secret in (PASSWORD, "another one 2", "wrong one", session.token, "argon2"):
        assert secret not in written + repr(session) + repr(credential)


def test_one_sentence_refuses_whoever_cannot_sign_in(workspace: Workspace, anna: Person) -> None:
    """It tells nobody whether an account exists, is locked or was disabled."""
    add(workspace, "bert")
    disable_account(workspace, AT_THE_SHELL, "bert")
    said = {refusal(workspace, name, "a wrong one 77") for name in ("anna", "nobody", "x\0y", "", "account:anna")}
    said.add(refusal(workspace, "bert", PASSWORD))
    said.add(refusal(workspace, "anna", "\ud800" * 5000))
    refusal(workspace, "anna", "a wrong one 77")
    said.add(refusal(workspace, "anna", PASSWORD))
    assert len(said) == 1
    assert "account.locked" in kinds(workspace)


def test_an_unknown_name_costs_a_password_check_as_well(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda own, *args: checked.append("x") or verify(own, *args))
    refusal(workspace, "nobody", PASSWORD)
    assert checked == ["x"]


def test_three_wrong_passwords_lock_an_account_for_a_quarter_of_an_hour(
    workspace: Workspace, anna: Person, hands: Hands
) -> None:
    for _ in range(3):
        refusal(workspace, "anna", "a wrong one 77")
    locked = list(workspace.store.events())[-1]
    assert (locked.kind, locked.actor, locked.payload["failures"]) == ("account.locked", "system", 3)
    hands.on(minutes=14)
    refusal(workspace, "anna", PASSWORD)
    hands.on(minutes=1)
    assert sign_in(workspace, "anna", PASSWORD).person == anna


def test_a_lock_does_not_end_later_because_somebody_tries_on(workspace: Workspace, anna: Person, hands: Hands) -> None:
    for minute in range(15):
        refusal(workspace, "anna", "a wrong one 77")
        hands.on(minutes=1 if minute > 2 else 0)
    hands.on(minutes=3)
    sign_in(workspace, "anna", PASSWORD)
    assert kinds(workspace).count("account.locked") == 1


def test_the_right_password_wipes_out_wrong_ones(workspace: Workspace, anna: Person) -> None:
    for _ in range(2):
        refusal(workspace, "anna", "a wrong one 77")
        refusal(workspace, "anna", "a wrong one 77")
        sign_in(workspace, "anna", PASSWORD)
    assert "account.locked" not in kinds(workspace)


def test_guesses_at_the_same_time_are_all_counted(workspace: Workspace, anna: Person) -> None:
    tries = [threading.Thread(target=refusal, args=(workspace, "anna", "a wrong one 77")) for _ in range(6)]
    for one in tries:
        one.start()
    for one in tries:
        one.join()
    refusal(workspace, "anna", PASSWORD)


def test_real_passwords_are_hashed_at_the_cost_that_the_library_recommends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridgov.operations.passwords.PasswordHasher", PasswordHasher)  # not the tests' cheap one
    assert "$m=65536,t=3,p=4$" in Passwords().hash(PASSWORD)


def test_a_hash_of_older_parameters_is_made_anew(workspace: Workspace, anna: Person) -> None:
    kept = workspace.store.sign_ins
    kept.set_password_hash("anna", PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD))
    old = kept.credential("anna")
    sign_in(workspace, "anna", PASSWORD)
    new = kept.credential("anna")
    assert old is not None
    assert new is not None
    assert ("m=1024" in old.password_hash, "m=1024" in new.password_hash) == (True, False)
    sign_in(workspace, "anna", PASSWORD)
    assert kept.credential("anna") == new


def test_an_identity_provider_s_person_has_the_account_of_that_subject(workspace: Workspace) -> None:
    add(workspace, "anna", subject="https://id.example|42")
    assert sign_in_subject(workspace, "https://id.example", "42").person.account_id == "anna"
    assert list(workspace.store.events())[-1].payload == {"by": "oidc"}
    for issuer, subject in (("https://id.example", "43"), ("https://other", "42"), ("", ""), ("https://id", ".ex|42")):
        with pytest.raises(SignInError):
            sign_in_subject(workspace, issuer, subject)
    disable_account(workspace, AT_THE_SHELL, "anna")
    with pytest.raises(SignInError):
        sign_in_subject(workspace, "https://id.example", "42")


# -- sessions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "forged", "\ud800", "x" * 10_000])
def test_a_forged_token_is_nobody_s(workspace: Workspace, anna: Person, token: str | None) -> None:
    sign_in(workspace, "anna", PASSWORD)
    with pytest.raises(SignInError):
        person_of(workspace, token)


def test_a_session_that_is_used_lasts_until_its_absolute_end(workspace: Workspace, anna: Person, hands: Hands) -> None:
    token = sign_in(workspace, "anna", PASSWORD).token
    for _ in range(23):
        hands.on(minutes=20)
        assert person_of(workspace, token) == anna
    hands.on(minutes=20)
    with pytest.raises(SignInError):
        person_of(workspace, token)


def test_a_session_that_is_not_used_ends(workspace: Workspace, anna: Person, hands: Hands) -> None:
    token = sign_in(workspace, "anna", PASSWORD).token
    hands.on(minutes=29)
    person_of(workspace, token)
    hands.on(minutes=29)
    person_of(workspace, token)
    hands.on(minutes=30)
    with pytest.raises(SignInError):
        person_of(workspace, token)


def test_use_is_written_down_once_a_minute(workspace: Workspace, anna: Person, hands: Hands) -> None:
    token = sign_in(workspace, "anna", PASSWORD).token
    begun, seen = hands.now, set()
    for _ in range(24):
        hands.on(seconds=5)
        person_of(workspace, token)
        session = workspace.store.sign_ins.session(sessions._digest(token))
        assert session is not None
        seen.add((session.seen_at - begun).total_seconds())
    assert seen == {0, 60, 120}


def test_who_has_signed_out_is_nobody(workspace: Workspace, anna: Person) -> None:
    token = sign_in(workspace, "anna", PASSWORD).token
    other = sign_in(workspace, "anna", PASSWORD).token
    person_of(workspace, token)
    sign_out(workspace, token)
    sign_out(workspace, token)
    sign_out(workspace, None)
    with pytest.raises(SignInError):
        person_of(workspace, token)
    assert person_of(workspace, other) == anna


def test_the_token_of_a_disabled_account_opens_nothing_also_after_it_is_enabled(
    workspace: Workspace, anna: Person
) -> None:
    token = sign_in(workspace, "anna", PASSWORD).token
    person_of(workspace, token)
    disable_account(workspace, AT_THE_SHELL, "anna", reason="left")
    with pytest.raises(SignInError):
        person_of(workspace, token)
    enable_account(workspace, AT_THE_SHELL, "anna")
    with pytest.raises(SignInError):
        person_of(workspace, token)
    assert sign_in(workspace, "anna", PASSWORD).person == anna


@pytest.mark.parametrize("end", [sign_out, lambda there, _: disable_account(there, AT_THE_SHELL, "anna")])
def test_a_session_ended_in_another_process_is_over_within_five_seconds(
    village: Path, tmp_path: Path, hands: Hands, end: Callable[[Workspace, str], object]
) -> None:
    settings = replace(SETTINGS, store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    here, there = (open_workspace(village, settings=settings, clock=hands) for _ in range(2))
    add(here, "anna")
    token = sign_in(here, "anna", PASSWORD).token
    assert person_of(here, token) == person_of(there, token)
    end(there, token)
    hands.on(seconds=5)
    with pytest.raises(SignInError):
        person_of(here, token)
    for workspace in (here, there):
        workspace.store.close()


def test_a_changed_account_counts_at_the_next_request(workspace: Workspace, anna: Person) -> None:
    token = sign_in(workspace, "anna", PASSWORD).token
    assert person_of(workspace, token).role is Role.SUPERVISOR
    draft = AccountDraft(account_id="anna", role=Role.PLANNER, areas=("all",))
    change_account(workspace, AT_THE_SHELL, draft)
    assert person_of(workspace, token).role is Role.PLANNER


# -- accounts ----------------------------------------------------------------------------------------------------------


def test_an_account_without_a_given_password_gets_a_random_one(workspace: Workspace) -> None:
    draft = AccountDraft(account_id="anna", role=Role.PLANNER, areas=("all",), name=" Anna ")
    account, password = add_account(workspace, AT_THE_SHELL, draft)
    assert (account.areas, account.name, account.active) == (EVERYWHERE, "Anna", True)
    assert len(password) == 14
    assert sign_in(workspace, "anna", password).person == account.person
    assert AccountDraft.of(account) == replace(draft, name="Anna")


@pytest.mark.parametrize("password", ["", "too short", "x" * 257, "anna-maria-k"])
def test_a_password_that_is_none_is_refused(workspace: Workspace, password: str) -> None:
    draft = AccountDraft(account_id="anna-maria-k", role=Role.PLANNER, areas=("all",))
    with pytest.raises(ParameterError, match="password"):
        add_account(workspace, AT_THE_SHELL, draft, password=password)
    assert kinds(workspace) == []


@pytest.mark.parametrize("name", ["public", "system", "Anna", "a", "x y", "../x", "a" * 41])
def test_a_name_that_no_account_can_have_is_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be the name"):
        add(workspace, name)


@pytest.mark.parametrize("name", ["a\r\nb", "a\tb", "a\x1b[2Jb", "a\x85b", "a\u2028b", "a\u202eb", "a\ud800b"])
def test_a_person_s_name_is_one_line_that_can_be_printed(workspace: Workspace, name: str) -> None:
    with pytest.raises(ParameterError, match="one line without control characters"):
        add(workspace, "anna", name=name)
    account = add(workspace, "bert", name="古丽·阿卜 O'Neil")
    with pytest.raises(ParameterError, match="control characters"):
        change_account(workspace, AT_THE_SHELL, replace(AccountDraft.of(account), name=name))
    assert kinds(workspace) == ["account.added"]


def test_a_second_account_of_the_same_name_is_refused_and_changes_nothing(workspace: Workspace, anna: Person) -> None:
    draft = AccountDraft(account_id="anna", role=Role.ADMIN, areas=("all",))
    with pytest.raises(ParameterError, match="exists already"):
        add_account(workspace, AT_THE_SHELL, draft, password="another one 2")
    assert sign_in(workspace, "anna", PASSWORD).person == anna


def test_areas_are_those_of_the_workspace(workspace: Workspace) -> None:
    grid = str(workspace.layer("grids")["grid_code"].iloc[0])
    account = add(workspace, "anna", areas=(grid, grid[:9], grid[:6]))
    assert account.areas == (grid[:6], grid[:9], grid)
    for areas in (("999999",), ("",), (grid[:6], "nowhere"), (grid[:5],), (grid + "1",), ()):
        with pytest.raises(ParameterError, match="area"):
            add(workspace, "bert", areas=areas)


def test_a_worker_is_one_of_the_workspace_and_has_one_account(workspace: Workspace) -> None:
    first, second = first_worker(workspace), first_worker(workspace, 1)
    add(workspace, "lei", Role.WORKER, areas=(), worker_id=first)
    for name, worker_id, why in (
        ("mei", "W-none", "there is no worker"),
        ("mei", "", "needs the worker's id"),
        ("mei", first, "uses the account 'lei' already"),
        (first.lower(), second, "mixed up"),
        (second.lower(), "", "is a worker's id"),
    ):
        role = Role.PLANNER if name != "mei" else Role.WORKER
        with pytest.raises(ParameterError, match=why):
            add(workspace, name, role, worker_id=worker_id)
    own = add(workspace, second.lower(), Role.WORKER, areas=(), worker_id=second)
    assert own.person.actor == second


def test_a_disabled_account_gives_its_worker_free(workspace: Workspace) -> None:
    worker_id = first_worker(workspace)
    add(workspace, "lei", Role.WORKER, areas=(), worker_id=worker_id)
    disable_account(workspace, AT_THE_SHELL, "lei")
    add(workspace, worker_id.lower(), Role.WORKER, areas=(), worker_id=worker_id)
    with pytest.raises(ParameterError, match="already"):
        enable_account(workspace, AT_THE_SHELL, "lei")


def test_two_people_of_an_identity_provider_have_two_accounts(workspace: Workspace) -> None:
    add(workspace, "anna", subject="https://id.example|42")
    with pytest.raises(ParameterError, match="identity provider"):
        add(workspace, "bert", subject="https://id.example|42")


def test_the_last_active_administrator_stays(workspace: Workspace) -> None:
    add(workspace, "root", Role.ADMIN)
    planner = AccountDraft(account_id="root", role=Role.PLANNER, areas=("all",))
    for go in (
        lambda: disable_account(workspace, AT_THE_SHELL, "root"),
        lambda: change_account(workspace, AT_THE_SHELL, planner),
    ):
        with pytest.raises(ParameterError, match="last active administrator"):
            go()
    add(workspace, "second", Role.ADMIN)
    assert change_account(workspace, AT_THE_SHELL, planner).role is Role.PLANNER
    with pytest.raises(ParameterError, match="last active administrator"):
        disable_account(workspace, AT_THE_SHELL, "second")


def test_administrators_of_a_part_do_not_count_as_the_last_of_the_whole(workspace: Workspace) -> None:
    own = street(workspace)
    add(workspace, "root", Role.ADMIN)
    add(workspace, "local", Role.ADMIN, areas=(own,))
    for role, areas in ((Role.PLANNER, ("all",)), (Role.ADMIN, (own,))):
        with pytest.raises(ParameterError, match="last active administrator of the whole area: make another one"):
            change_account(workspace, AT_THE_SHELL, AccountDraft(account_id="root", role=role, areas=areas))
    with pytest.raises(ParameterError, match="last active administrator"):
        disable_account(workspace, AT_THE_SHELL, "root")
    assert not disable_account(workspace, AT_THE_SHELL, "local").active


def test_who_looked_at_an_older_version_changes_nothing(workspace: Workspace) -> None:
    account = add(workspace, "anna")
    draft = replace(AccountDraft.of(account), name="Anna")
    changed = change_account(workspace, AT_THE_SHELL, draft, seen_version=account.version)
    sign_in(workspace, "anna", PASSWORD)
    with pytest.raises(ConflictError):
        change_account(workspace, AT_THE_SHELL, replace(draft, name="B"), seen_version=account.version)
    assert change_account(workspace, AT_THE_SHELL, draft, seen_version=changed.version) == changed


def test_disabling_twice_is_one_event(workspace: Workspace, anna: Person) -> None:
    for change in (disable_account, disable_account, enable_account, enable_account):
        change(workspace, AT_THE_SHELL, "anna")
    assert kinds(workspace) == ["account.added", "account.disabled", "account.enabled"]


def test_a_new_password_ends_sessions_and_a_lock(workspace: Workspace, anna: Person) -> None:
    token = sign_in(workspace, "anna", PASSWORD).token
    for _ in range(3):
        refusal(workspace, "anna", "a wrong one 77")
    password = set_password(workspace, AT_THE_SHELL, "anna")
    with pytest.raises(SignInError):
        person_of(workspace, token)
    refusal(workspace, "anna", PASSWORD)
    assert sign_in(workspace, "anna", password).person == anna
    assert "account.password_set" in kinds(workspace)


def test_own_password_needs_the_old_one_and_ends_the_other_sessions(workspace: Workspace, anna: Person) -> None:
    own, other = sign_in(workspace, "anna", PASSWORD).token, sign_in(workspace, "anna", PASSWORD).token
    with pytest.raises(ParameterError, match="10 to 256"):
        change_own_password(workspace, anna, PASSWORD, "short")
    change_own_password(workspace, anna, PASSWORD, "another one 2", token=own)
    assert person_of(workspace, own) == anna
    with pytest.raises(SignInError):
        person_of(workspace, other)
    for _ in range(3):
        with pytest.raises(ParameterError, match="old password is wrong"):
            change_own_password(workspace, anna, PASSWORD, "a third one 3")
    refusal(workspace, "anna", "another one 2")
    with pytest.raises(SignInError):
        change_own_password(workspace, PUBLIC, PASSWORD, "a third one 3")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_manages_accounts(workspace: Workspace, role: Role) -> None:
    add(workspace, "anna")
    person, draft = Person("x", role, EVERYWHERE, "W1"), AccountDraft(account_id="b2", role=Role.ADMIN, areas=("all",))
    for ask in (
        lambda: list_accounts(workspace, person),
        lambda: add_account(workspace, person, draft),
        lambda: change_account(workspace, person, replace(draft, account_id="anna")),
        lambda: disable_account(workspace, person, "anna"),
        lambda: enable_account(workspace, person, "anna"),
        lambda: set_password(workspace, person, "anna"),
    ):
        with pytest.raises(RightsError):
            ask()
    assert kinds(workspace) == ["account.added"]


def test_an_administrator_of_a_street_manages_the_accounts_of_that_street(workspace: Workspace) -> None:
    streets = sorted(set(workspace.layer("grids")["street_code"]))
    own, district = streets[0], streets[0][:6]
    local = Person("local", Role.ADMIN, (own,))
    anna = add(workspace, "anna", areas=(own,))
    add(workspace, "boss", areas=(district,))
    inside = workspace.layer("workers")["grid_code"].astype(str).str.startswith(own)
    worker = str(workspace.layer("workers")["worker_id"][inside].iloc[0])
    lei = add(workspace, "lei", Role.WORKER, areas=(), worker_id=worker)
    assert list_accounts(workspace, local) == [anna, lei]
    for areas in (("all",), (district,)):
        with pytest.raises(RightsError, match="beyond the area"):
            add_account(workspace, local, AccountDraft(account_id="new", role=Role.ADMIN, areas=areas))
        with pytest.raises(RightsError, match="beyond the area"):
            change_account(workspace, local, AccountDraft(account_id="anna", role=Role.ADMIN, areas=areas))
    assert add_account(workspace, local, AccountDraft(account_id="new", role=Role.PLANNER, areas=(own,)))[0].active


def test_an_account_of_another_area_is_not_found(workspace: Workspace) -> None:
    """As if it did not exist, whatever is asked of it."""
    add(workspace, "boss")
    draft = AccountDraft(account_id="boss", role=Role.PLANNER, areas=(street(workspace),))
    for local in (Person("local", Role.ADMIN, (street(workspace),)), Person("none", Role.ADMIN)):
        for ask in (
            lambda local=local: set_password(workspace, local, "boss"),
            lambda local=local: disable_account(workspace, local, "boss"),
            lambda local=local: enable_account(workspace, local, "boss"),
            lambda local=local: change_account(workspace, local, draft),
        ):
            with pytest.raises(RecordNotFoundError, match="there is no account 'boss'"):
                ask()
    assert kinds(workspace) == ["account.added"]


def test_an_administrator_of_a_street_gives_an_account_only_to_its_workers(workspace: Workspace) -> None:
    """Nor may one who is already linked to a worker of elsewhere be taken over by a new password."""
    own = street(workspace)
    inside, outside = workers_of(workspace, own)
    local = Person("local", Role.ADMIN, (own,))
    draft = AccountDraft(account_id="lei", role=Role.WORKER, areas=(own,), worker_id=outside)
    for given in (draft, replace(draft, areas=()), replace(draft, role=Role.SUPERVISOR)):
        with pytest.raises(RightsError, match=f"worker {outside} lies outside the area of local"):
            add_account(workspace, local, given)
    account, _ = add_account(workspace, local, replace(draft, worker_id=inside))
    with pytest.raises(RightsError, match="lies outside"):
        change_account(workspace, local, draft)
    assert change_account(workspace, AT_THE_SHELL, draft).worker_id == outside
    assert account not in list_accounts(workspace, local)
    with pytest.raises(RecordNotFoundError):
        set_password(workspace, local, "lei")


def test_the_names_of_other_areas_accounts_are_not_told(workspace: Workspace) -> None:
    own = street(workspace)
    inside, _ = workers_of(workspace, own)
    add(workspace, "hidden", Role.WORKER, worker_id=inside, subject="https://id.example|42")
    local = Person("local", Role.ADMIN, (own,))
    draft = AccountDraft(account_id="lei", role=Role.PLANNER, areas=(own,))
    for given in (
        replace(draft, worker_id=inside),
        replace(draft, subject="https://id.example|42"),
        replace(draft, account_id=inside.lower()),
    ):
        with pytest.raises(ParameterError, match="another account") as refused:
            add_account(workspace, local, given)
        assert "hidden" not in str(refused.value)


def test_an_account_that_is_not_there_is_not_found(workspace: Workspace) -> None:
    for name in ("nobody", "account:x", "x\0"):
        with pytest.raises(RecordNotFoundError):
            set_password(workspace, AT_THE_SHELL, name)


def test_the_demo_has_one_account_of_each_role_once(workspace: Workspace) -> None:
    made = demo_accounts(workspace)
    assert [(account.account_id, str(account.role)) for account, _ in made] == [
        (role, role) for role in ("admin", "supervisor", "commander", "planner", "worker")
    ]
    for account, password in made:
        assert sign_in(workspace, account.account_id, password).person == account.person
    worker = made[-1][0]
    assert worker.worker_id in set(workspace.layer("workers")["worker_id"])
    assert worker.areas
    assert demo_accounts(workspace) == []


def test_accounts_outlive_the_process_and_a_replay(village: Path, tmp_path: Path, hands: Hands) -> None:
    settings = replace(SETTINGS, store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    first = open_workspace(village, settings=settings, clock=hands)
    add(first, "anna")
    token = sign_in(first, "anna", PASSWORD).token
    assert first.store.state_digest() == first.store.replayed_digest() == first.store.rebuild()
    first.store.close()
    again = open_workspace(village, settings=settings, clock=hands)
    assert person_of(again, token).account_id == "anna"
    again.store.close()
