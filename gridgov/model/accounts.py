"""账号: people's accounts as events: role, area, the worker somebody is; passwords are never part of an event."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.model.events import Event, NewEvent, format_time, parse_time
from gridgov.model.rights import Person, Role

ENTITY = "account:"
_ACCOUNT_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_TAKEN = frozenset({"public", "system"})  # actors of the log that are no accounts
MAX_NAME_LENGTH = 80
# control characters, line breaks, half characters, and marks that turn the direction of writing
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Account:
    """One account now.

    Attributes
    ----------
    subject : str
        Who the identity provider says it is (``issuer|subject``), empty without one.
    version : int
        Counts what changed the account; signing in and passwords do not.
    """

    account_id: str
    role: Role
    areas: tuple[str, ...]
    worker_id: str
    name: str
    active: bool
    subject: str
    added_at: datetime
    version: int

    @property
    def person(self) -> Person:
        """The person who acts by this account."""
        return Person(self.account_id, self.role, self.areas, self.worker_id, self.name)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Account:
        """Read the state of an account."""
        return cls(
            account_id=data["account_id"],
            role=Role(data["role"]),
            areas=tuple(data["areas"]),
            worker_id=data["worker_id"],
            name=data["name"],
            active=data["status"] == "active",
            subject=data["subject"],
            added_at=parse_time(data["added_at"]),
            version=data["version"],
        )


@dataclass(frozen=True, slots=True)
class Credential:
    """What is kept of an account's password, beside the log; not counted as state."""

    account_id: str
    password_hash: str = field(repr=False)
    failures: int = 0
    locked_until: datetime | None = None

    def locked_at(self, now: datetime) -> bool:
        """Whether no password opens the account at this time."""
        return self.locked_until is not None and now < self.locked_until


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What is kept of a session: the SHA-256 of its token, who, since when, last seen, and when it ends in any case."""

    token_hash: str
    account_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def added(account: Person, actor: str, at: datetime, *, subject: str = "") -> NewEvent:
    """Return the event that makes an account.

    Raises
    ------
    ParameterError
        The name of the account is none, or a role needs what is not given.
    """
    check_account_id(account.account_id)
    payload = _checked(account.role, account.areas, account.worker_id, account.name)
    return NewEvent(at, actor, "account.added", ENTITY + account.account_id, {**payload, "subject": subject})


def changed(account: Account, actor: str, at: datetime, *, now: Person, subject: str) -> NewEvent:
    """Return the event that gives an account another role, area, worker or name."""
    payload = {**_checked(now.role, now.areas, now.worker_id, now.name), "subject": subject}
    return _event(account, "changed", actor, at, {**payload, "record_version": account.version})


def disabled(account: Account, actor: str, at: datetime, *, reason: str = "") -> NewEvent:
    """Return the event after which nobody can sign in by this account; it is never deleted."""
    return _event(account, "disabled", actor, at, {"reason": reason})


def enabled(account: Account, actor: str, at: datetime) -> NewEvent:
    """Return the event that lets an account in again."""
    return _event(account, "enabled", actor, at, {})


def password_set(account: Account, actor: str, at: datetime) -> NewEvent:
    """Return the event that a password was set, without any trace of it."""
    return _event(account, "password_set", actor, at, {})


def signed_in(account: Account, at: datetime, *, by: str) -> NewEvent:
    """Return the event that somebody signed in by ``password`` or ``oidc``."""
    return _event(account, "signed_in", account.person.actor, at, {"by": by})


def locked(account: Account, at: datetime, *, failures: int, until: datetime) -> NewEvent:
    """Return the event that an account was locked after too many wrong passwords."""
    return _event(account, "locked", "system", at, {"failures": failures, "until": format_time(until)})


def apply(state: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    """Return an account's state after one more event.

    Raises
    ------
    ParameterError
        The kind of event is unknown, or the account exists already.
    RecordNotFoundError
        There is no such account.
    """
    account_id = event.entity_id.removeprefix(ENTITY)
    if event.kind == "account.added":
        if state is not None:
            raise ParameterError(f"the account '{account_id}' exists already: choose another name")
        given = {"account_id": account_id, "status": "active", "added_at": format_time(event.at), "version": 1}
        return {**event.payload, **given}
    if state is None:
        raise RecordNotFoundError(f"there is no account '{account_id}'")
    if event.kind not in _CHANGES:
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which no account knows")
    changes = _CHANGES[event.kind](event.payload)
    return {**state, **changes, "version": state["version"] + bool(changes)}


def check_account_id(account_id: str) -> None:
    """Refuse a name that no account can have.

    Raises
    ------
    ParameterError
    """
    if not _ACCOUNT_ID.fullmatch(account_id) or account_id in _TAKEN:
        raise ParameterError(
            f"'{account_id}' cannot be the name of an account: 2 to 40 of a-z, 0-9, dot, hyphen and underscore, "
            "a letter or digit first"
        )


def _checked(role: Role, areas: tuple[str, ...], worker_id: str, name: str) -> dict[str, Any]:
    if role is Role.PUBLIC:
        raise ParameterError("the public needs no account: give another role")
    if role is Role.WORKER and not worker_id:
        raise ParameterError("an account of a worker needs the worker's id")
    if role is not Role.WORKER and not areas:
        raise ParameterError(f"an account of the role {role} needs an area: a code, or 'all'")
    if len(name) > MAX_NAME_LENGTH or any(len(code) > 64 for code in (*areas, worker_id)):
        raise ParameterError(f"a name has at most {MAX_NAME_LENGTH} characters and a code at most 64")
    if _UNPRINTABLE.search(name):
        raise ParameterError("a name is one line without control characters: write it without them")
    return {"role": str(role), "areas": sorted(set(areas)), "worker_id": worker_id, "name": name}


def _event(account: Account, what: str, actor: str, at: datetime, payload: dict[str, Any]) -> NewEvent:
    return NewEvent(at, actor, f"account.{what}", ENTITY + account.account_id, payload)


_CHANGES: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "account.changed": lambda given: {key: given[key] for key in ("role", "areas", "worker_id", "name", "subject")},
    "account.disabled": lambda _: {"status": "disabled"},
    "account.enabled": lambda _: {"status": "active"},
    "account.password_set": lambda _: {},
    "account.signed_in": lambda _: {},
    "account.locked": lambda _: {},
}
