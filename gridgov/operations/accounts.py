"""帐号: who may use the platform: add, change, disable and list accounts, and set their passwords.

Signing in and out is in `operations.sessions`; its names can be had from here as well.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, RightsError, SignInError
from gridgov.model import accounts as life
from gridgov.model.accounts import Account
from gridgov.model.rights import EVERYWHERE, Person, Right, Role, in_area, require
from gridgov.operations.passwords import check_password, new_password, passwords_of
from gridgov.operations.sessions import (
    Session,
    all_accounts,
    end_sessions,
    load_account,
    password_fits,
    person_of,
    refresh_persons,
    sign_in,
    sign_in_subject,
    sign_out,
)
from gridgov.operations.staff import area_codes, demo_worker, grids_of_worker, worker_place
from gridgov.workspace import Workspace

__all__ = [
    "AT_THE_SHELL",
    "AccountDraft",
    "Session",
    "add_account",
    "change_account",
    "change_own_password",
    "demo_accounts",
    "disable_account",
    "enable_account",
    "list_accounts",
    "person_of",
    "set_password",
    "sign_in",
    "sign_in_subject",
    "sign_out",
]

AT_THE_SHELL = Person("system", Role.ADMIN, EVERYWHERE)  # whoever can run commands on the server
ALL = "all"
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    """What an account is to be.

    Attributes
    ----------
    areas : tuple of str
        Codes of districts, streets, communities or grids, or ``all``.
    worker_id : str
        The grid worker who uses it.
    subject : str
        ``issuer|subject`` of the identity provider; empty: by password only.
    """

    account_id: str
    role: Role
    areas: tuple[str, ...] = ()
    worker_id: str = ""
    name: str = ""
    subject: str = ""

    @classmethod
    def of(cls, account: Account) -> AccountDraft:
        """Return an account as a draft, to change something of it."""
        return cls(
            account_id=account.account_id,
            role=account.role,
            areas=(ALL,) if account.areas == EVERYWHERE else account.areas,
            worker_id=account.worker_id,
            name=account.name,
            subject=account.subject,
        )


def list_accounts(workspace: Workspace, person: Person) -> list[Account]:
    """Return the accounts that a person manages, by name, disabled ones too.

    Raises
    ------
    RightsError
    """
    require(person, Right.ACCOUNT_MANAGE)
    return [account for account in all_accounts(workspace) if _reaches(workspace, person, account.person)]


def add_account(
    workspace: Workspace, person: Person, draft: AccountDraft, *, password: str | None = None
) -> tuple[Account, str]:
    """Make an account and return it with its password, which is kept nowhere else.

    Parameters
    ----------
    draft : AccountDraft
    password : str, optional
        Default: a random one.

    Raises
    ------
    ParameterError
        The account exists, or a name, an area, the worker or the password cannot be used.
    RightsError
        The person may not manage accounts, or not in that area, or the worker lies outside.
    """
    require(person, Right.ACCOUNT_MANAGE)
    life.check_account_id(draft.account_id)
    if password is not None:
        check_password(draft.account_id, password)
    with _one_at_a_time(workspace):
        wanted = _checked(workspace, person, draft)
        event = life.added(wanted, person.actor, workspace.now(), subject=draft.subject)
        workspace.store.append([event])
        account, _ = load_account(workspace, draft.account_id)
        given = new_password() if password is None else password
        workspace.store.sign_ins.set_password_hash(account.account_id, passwords_of(workspace).hash(given))
    return account, given


def change_account(
    workspace: Workspace, person: Person, draft: AccountDraft, *, seen_version: int | None = None
) -> Account:
    """Give an account another role, area, worker, name or subject; who is signed in has it at once.

    Parameters
    ----------
    draft : AccountDraft
        Everything of the account, changed or not; see `AccountDraft.of`.
    seen_version : int, optional
        The version that the person looked at.

    Raises
    ------
    ConflictError
        The account has changed since that version.
    ParameterError
        As for `add_account`; or it is the last active administrator of the whole area.
    RecordNotFoundError
        There is no such account, or none that this person manages.
    RightsError
        The person may not manage accounts, or not in the new area, or the worker lies outside.
    """
    with _managed(workspace, person, draft.account_id) as (account, seq):
        if seen_version is not None and seen_version != account.version:
            raise ConflictError(f"account {account.account_id} has changed: look at it again and repeat")
        now = _checked(workspace, person, draft)
        if (now, draft.subject) == (account.person, account.subject):
            return account
        if now.role is not Role.ADMIN or (_is_whole(account) and not _is_whole(now)):
            _keep_an_admin(workspace, account)
        event = life.changed(account, person.actor, workspace.now(), now=now, subject=draft.subject)
        workspace.store.append([event], expected_seq=seq)
        refresh_persons(workspace)
        return load_account(workspace, account.account_id)[0]


def disable_account(workspace: Workspace, person: Person, account_id: str, *, reason: str = "") -> Account:
    """Let nobody in by an account any more and end its sessions; it stays on record.

    Raises
    ------
    ParameterError
        It is the last active administrator of the whole area.
    RecordNotFoundError
        There is no such account, or none that this person manages.
    RightsError
        The person may not manage accounts.
    """
    with _managed(workspace, person, account_id) as (account, seq):
        if account.active:
            _keep_an_admin(workspace, account)
            event = life.disabled(account, person.actor, workspace.now(), reason=reason[:_LONGEST_REASON])
            workspace.store.append([event], expected_seq=seq)
        end_sessions(workspace, account_id)
        return load_account(workspace, account_id)[0]


def enable_account(workspace: Workspace, person: Person, account_id: str) -> Account:
    """Let an account in again, by the password that it had.

    Raises
    ------
    ParameterError
        Its worker or subject belongs to another active account by now.
    RecordNotFoundError
        There is no such account, or none that this person manages.
    RightsError
        The person may not manage accounts.
    """
    with _managed(workspace, person, account_id) as (account, seq):
        if not account.active:
            _check_alone(workspace, person, account.person, account.subject)
            workspace.store.append([life.enabled(account, person.actor, workspace.now())], expected_seq=seq)
        return load_account(workspace, account_id)[0]


def set_password(workspace: Workspace, person: Person, account_id: str, password: str | None = None) -> str:
    """Give an account a new password, a random one if none is given, and return it; its sessions and a lock end.

    Raises
    ------
    ParameterError
        The password cannot be used.
    RecordNotFoundError
        There is no such account, or none that this person manages.
    RightsError
        The person may not manage accounts.
    """
    with _managed(workspace, person, account_id) as (account, _):
        given = new_password() if password is None else password
        _keep_password(workspace, person, account, given)
        end_sessions(workspace, account_id)
    return given


def change_own_password(workspace: Workspace, person: Person, old: str, new: str, *, token: str = "") -> None:
    """Give the person's own account another password; all its sessions end but that of `token`.

    Raises
    ------
    ParameterError
        The old password is wrong (wrong ones are counted as at signing in), or the new one cannot be used.
    SignInError
        Nobody is signed in.
    """
    if person.role is Role.PUBLIC:
        raise SignInError("nobody is signed in: sign in to change your password")
    account, _ = load_account(workspace, person.account_id)
    check_password(account.account_id, new)
    if not password_fits(workspace, account, old):
        raise ParameterError("the old password is wrong, or the account is locked for some minutes: try again later")
    _keep_password(workspace, person, account, new)
    end_sessions(workspace, account.account_id, but_token=token)


def demo_accounts(workspace: Workspace) -> list[tuple[Account, str]]:
    """Make one account of each role, with random passwords, in a workspace that has none; else return an empty list.

    The worker is one who has something to do, if there is one.
    """
    if all_accounts(workspace):
        return []
    drafts = [
        AccountDraft(account_id=str(role), role=role, areas=(ALL,))
        for role in (Role.ADMIN, Role.SUPERVISOR, Role.COMMANDER, Role.PLANNER)
    ]
    if worker := demo_worker(workspace):
        worker_id, name = worker
        own = grids_of_worker(workspace, worker_id)
        drafts.append(AccountDraft(account_id="worker", role=Role.WORKER, areas=own, worker_id=worker_id, name=name))
    return [add_account(workspace, AT_THE_SHELL, draft) for draft in drafts]


@contextmanager
def _one_at_a_time(workspace: Workspace) -> Iterator[None]:
    """Whether a worker or the last administrator is taken depends on all accounts, so one change waits for another."""
    with workspace.cached("accounts", threading.RLock):
        yield


@contextmanager
def _managed(workspace: Workspace, person: Person, account_id: str) -> Iterator[tuple[Account, int]]:
    """Give an account that the person manages, and the number of its last event; others are as if they were not."""
    require(person, Right.ACCOUNT_MANAGE)
    with _one_at_a_time(workspace):
        account, seq = load_account(workspace, account_id)
        if not _reaches(workspace, person, account.person):
            raise RecordNotFoundError(f"there is no account '{account_id}'")
        yield account, seq


def _keep_password(workspace: Workspace, person: Person, account: Account, password: str) -> None:
    check_password(account.account_id, password)
    hashed = passwords_of(workspace).hash(password)
    workspace.store.append([life.password_set(account, person.actor, workspace.now())])
    workspace.store.sign_ins.set_password_hash(account.account_id, hashed)


def _checked(workspace: Workspace, person: Person, draft: AccountDraft) -> Person:
    """Return the person of a draft whose area and worker exist and that the person who asks may give."""
    areas = EVERYWHERE if ALL in draft.areas else tuple(sorted(set(draft.areas)))
    if ALL not in draft.areas and (unknown := [code for code in areas if code not in area_codes(workspace)]):
        raise ParameterError(
            f"there is no area '{unknown[0][:64]}' that grids belong to: give codes of this workspace, or '{ALL}'"
        )
    if draft.worker_id and worker_place(workspace, draft.worker_id) is None:
        raise ParameterError(f"there is no worker '{draft.worker_id[:64]}' in this workspace")
    wanted = Person(draft.account_id, draft.role, areas, draft.worker_id, draft.name.strip())
    _require_reach(workspace, person, wanted)
    _check_alone(workspace, person, wanted, draft.subject)
    return wanted


def _check_alone(workspace: Workspace, person: Person, wanted: Person, subject: str) -> None:
    """Refuse who could be taken for somebody else: the log names a worker by id, and everybody else by account."""
    name = wanted.account_id.casefold()
    for other in (account for account in all_accounts(workspace) if account.account_id != wanted.account_id):
        if other.active and wanted.worker_id and other.worker_id == wanted.worker_id:
            raise ParameterError(f"worker {wanted.worker_id} uses {_called(workspace, person, other)} already")
        if other.active and subject and other.subject == subject:
            called = _called(workspace, person, other)
            raise ParameterError(f"that person of the identity provider uses {called} already")
        if name in _other_names(other, wanted) or other.account_id in _other_names(wanted, other):
            called = _called(workspace, person, other)
            raise ParameterError(f"'{wanted.account_id}' would be mixed up with {called}: choose another name")
    namesake = worker_place(workspace, wanted.account_id, any_case=True) is not None
    if namesake and name != wanted.worker_id.casefold():
        raise ParameterError(f"'{wanted.account_id}' is a worker's id: choose another name or link it to that worker")


def _other_names(one: Account | Person, other: Account | Person) -> set[str]:
    """Return the worker's id that one acts by and the other does not."""
    return {one.worker_id.casefold()} - {other.worker_id.casefold()}


def _called(workspace: Workspace, person: Person, other: Account) -> str:
    """Return how to speak of an account to a person: by name only of one that the person manages."""
    return f"the account '{other.account_id}'" if _reaches(workspace, person, other.person) else "another account"


def _is_whole(one: Account | Person) -> bool:
    return EVERYWHERE[0] in one.areas


def _keep_an_admin(workspace: Workspace, account: Account) -> None:
    """Refuse that the last administrator of the whole area goes, or the last of all."""
    if not account.active or account.role is not Role.ADMIN:
        return
    others = [other for other in all_accounts(workspace) if other.account_id != account.account_id]
    admins = [other for other in others if other.active and other.role is Role.ADMIN]
    if not any(_is_whole(other) or not _is_whole(account) for other in admins):
        raise ParameterError(
            f"'{account.account_id}' is the last active administrator of the whole area: make another one with the "
            f"area '{ALL}' first"
        )


def _require_reach(workspace: Workspace, person: Person, other: Person) -> None:
    if other.worker_id and not _has_worker(workspace, person, other):
        raise RightsError(f"worker {other.worker_id} lies outside the area of {person.account_id}")
    if not _reaches(workspace, person, other):
        raise RightsError(f"account {other.account_id} reaches beyond the area of {person.account_id}")


def _reaches(workspace: Workspace, person: Person, other: Person) -> bool:
    """Whether all of somebody's area and the worker's place lie in the person's own; of neither: everywhere."""
    if other.worker_id and not _has_worker(workspace, person, other):
        return False
    places = other.areas or (() if other.worker_id else EVERYWHERE)
    return all(in_area(person, place) for place in places)


def _has_worker(workspace: Workspace, person: Person, other: Person) -> bool:
    """Whether the grid that the worker is listed in, not where the phone is just now, lies in the person's area."""
    return in_area(person, worker_place(workspace, other.worker_id) or "")
