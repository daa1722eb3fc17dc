"""登录: sign in and out, and whose session a token is.

A session is 32 random bytes that only the browser knows; the store keeps their SHA-256. It ends at sign-out, after
`session_idle_min` minutes without use, after `session_hours` hours in any case, and when its account is disabled or
gets another password. In the process where that happens it ends at once, in others within `REMEMBERED`.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from gridgov.errors import ParameterError, RecordNotFoundError, SignInError, StorageError
from gridgov.model import accounts as life
from gridgov.model.accounts import Account, OpenSession
from gridgov.model.rights import Person
from gridgov.operations.passwords import passwords_of
from gridgov.workspace import Workspace

KIND = "account"
REMEMBERED = timedelta(seconds=4)
_SEEN_EVERY = timedelta(minutes=1)
_MOST_REMEMBERED = 10_000
_MOST_ACCOUNTS = 1_000_000
_REFUSED = (
    "name and password do not fit, or the account is closed or, after too many wrong passwords, locked for some "
    "minutes: try again later or ask an administrator"
)
_NOBODY = "nobody is signed in, or the session has ended: sign in"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in. The token is for the person's browser alone."""

    token: str = field(repr=False)
    person: Person
    expires_at: datetime


def sign_in(workspace: Workspace, account_id: str, password: str) -> Session:
    """Open a session by name and password; becomes an event of the account.

    An unknown name, a wrong password, a disabled and a locked account are refused by the same sentence and take the
    time of one password check each.

    Raises
    ------
    SignInError
    """
    account = _find_account(workspace, account_id.strip().lower())
    if not password_fits(workspace, account, password):
        raise SignInError(_REFUSED)
    assert account is not None  # nobody's password never fits
    return _open(workspace, account, by="password")


def sign_in_subject(workspace: Workspace, issuer: str, subject: str) -> Session:
    """Open a session for whom an identity provider has made sure of; becomes an event of the account.

    Raises
    ------
    SignInError
        No active account, or more than one, belongs to that person.
    """
    wanted = f"{issuer}|{subject}" if issuer and subject and "|" not in issuer else None
    found = [account for account in all_accounts(workspace) if account.active and account.subject == wanted]
    if len(found) != 1:
        raise SignInError("no account belongs to this person of the identity provider: ask an administrator")
    return _open(workspace, found[0], by="oidc")


def person_of(workspace: Workspace, token: str | None) -> Person:
    """Return whose session a token is; cheap enough for every request.

    Raises
    ------
    SignInError
        There is no such session, it has ended, or its account was disabled.
    """
    if not token:
        raise SignInError(_NOBODY)
    now, digest, remembered = workspace.wall_now(), _digest(token), _remembered(workspace)
    found = remembered.get(digest, now)
    if found is None:
        found = _look_up(workspace, digest, now)
    session, person = found
    if _ended(workspace, session, now):
        raise SignInError(_NOBODY)
    return person


def remembered_person(workspace: Workspace, token: str) -> Person | None:
    """Return whose session a token is if that was looked up in the last seconds; None: ask `person_of`.

    It never asks the store, so an event loop may call it.
    """
    now = workspace.wall_now()
    found = _remembered(workspace).get(_digest(token), now) if token else None
    return None if found is None or _ended(workspace, found[0], now) else found[1]


def sign_out(workspace: Workspace, token: str | None) -> None:
    """End a session, if it is one."""
    if token:
        workspace.store.sign_ins.end_session(_digest(token))
        _remembered(workspace).forget()


def end_sessions(workspace: Workspace, account_id: str, *, but_token: str = "") -> None:
    """End all sessions of an account, except perhaps one. For operations only: it checks no rights."""
    workspace.store.sign_ins.end_sessions_of(account_id, but=_digest(but_token) if but_token else "")
    _remembered(workspace).forget()


def refresh_persons(workspace: Workspace) -> None:
    """Let the next request of every session see its account as it is now."""
    _remembered(workspace).forget()


def password_fits(workspace: Workspace, account: Account | None, password: str) -> bool:
    """Whether an account can be used by this password now; a wrong one is counted, too many lock the account.

    While it is locked, nothing is counted and no password fits.
    """
    kept, passwords = workspace.store.sign_ins, passwords_of(workspace)
    before = None if account is None else kept.credential(account.account_id)
    fits = passwords.fits(password, None if before is None else before.password_hash)
    if account is None or not account.active or before is None:
        return False
    after = kept.credential(account.account_id)  # who tried at the same time may have locked it
    if after is None or after.password_hash != before.password_hash or after.locked_at(workspace.wall_now()):
        return False
    if not fits:
        _count_failure(workspace, account)
        return False
    if passwords.outdated(after.password_hash):
        kept.set_password_hash(account.account_id, passwords.hash(password))
    elif after.failures or after.locked_until:
        kept.clear_failures(account.account_id)
    return True


def load_account(workspace: Workspace, account_id: str) -> tuple[Account, int]:
    """Return an account and the number of its last event. For operations only: it checks no rights.

    Raises
    ------
    RecordNotFoundError
        There is no such account.
    """
    with suppress(ParameterError):  # what cannot be a name is none of an account
        life.check_account_id(account_id)
        if (entity := workspace.store.entity(life.ENTITY + account_id)) is not None:
            return Account.from_dict(entity.state), entity.updated_seq
    raise RecordNotFoundError(f"there is no account '{account_id[:40]}'")


def all_accounts(workspace: Workspace) -> list[Account]:
    """Return all accounts by name. For operations only: it checks no rights."""
    found = workspace.store.entities(KIND, order="id", limit=_MOST_ACCOUNTS)
    return [Account.from_dict(entity.state) for entity in found]


def _find_account(workspace: Workspace, account_id: str) -> Account | None:
    try:
        return load_account(workspace, account_id)[0]
    except RecordNotFoundError:
        return None


def _count_failure(workspace: Workspace, account: Account) -> None:
    settings, kept = workspace.settings, workspace.store.sign_ins
    failures = kept.count_failure(account.account_id)
    if failures >= settings.lockout_failures:
        minutes = timedelta(minutes=settings.lockout_min)
        kept.lock(account.account_id, workspace.wall_now() + minutes)
        at = workspace.now()
        workspace.store.append([life.locked(account, at, failures=failures, until=at + minutes)])


def _open(workspace: Workspace, account: Account, *, by: str) -> Session:
    now, token = workspace.wall_now(), secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=workspace.settings.session_hours)
    workspace.store.append([life.signed_in(account, workspace.now(), by=by)])
    workspace.store.sign_ins.forget_sessions(now)
    workspace.store.sign_ins.open_session(OpenSession(_digest(token), account.account_id, now, now, expires_at))
    return Session(token, account.person, expires_at)


def _look_up(workspace: Workspace, digest: str, now: datetime) -> tuple[OpenSession, Person]:
    remembered, kept = _remembered(workspace), workspace.store.sign_ins
    since = remembered.turn
    session = kept.session(digest)
    account = None if session is None else _find_account(workspace, session.account_id)
    if session is None or account is None or not account.active or _ended(workspace, session, now):
        raise SignInError(_NOBODY)
    if now - session.seen_at >= min(_SEEN_EVERY, _idle(workspace) / 4):
        session = replace(session, seen_at=now)
        with suppress(StorageError):  # a store that cannot be written can still be read
            kept.touch_session(digest, now)
    remembered.keep(digest, (session, account.person), now, since)
    return session, account.person


def _ended(workspace: Workspace, session: OpenSession, now: datetime) -> bool:
    return now >= min(session.expires_at, session.seen_at + _idle(workspace))


def _idle(workspace: Workspace) -> timedelta:
    return timedelta(minutes=workspace.settings.session_idle_min)


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class _Remembered:
    """The sessions that were looked up in the last seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[datetime, tuple[OpenSession, Person]]] = {}
        self.turn = 0

    def get(self, digest: str, now: datetime) -> tuple[OpenSession, Person] | None:
        entry = self._found.get(digest)
        return entry[1] if entry is not None and timedelta(0) <= now - entry[0] < REMEMBERED else None

    def keep(self, digest: str, found: tuple[OpenSession, Person], now: datetime, since: int) -> None:
        """Remember what was read, unless something was forgotten since it was asked for."""
        with self._lock:
            if since != self.turn:
                return
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[digest] = now, found

    def forget(self) -> None:
        with self._lock:
            self.turn += 1
            self._found.clear()


def _remembered(workspace: Workspace) -> _Remembered:
    return workspace.cached("remembered sessions", _Remembered)
