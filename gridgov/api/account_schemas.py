"""What the API takes and gives about accounts, sessions and passwords."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from gridgov.api.schemas import LATEST_EVENT, Areas, Code, Given, Key, Line, Name, Password, Shown
from gridgov.model.rights import Role


class SignIn(Given):
    """Name of an account and its password."""

    account: Key
    password: Password
    cookie: bool = False


class PersonShown(Shown):
    """Who acts."""

    account_id: str
    role: Role
    areas: Areas
    worker_id: str
    name: str


class SessionShown(Shown):
    """A new session: send the token as `Authorization: Bearer`."""

    token: str
    expires_at: datetime
    person: PersonShown


class WhoAmI(Shown):
    """Who is signed in and what the role may do, right → area or own."""

    person: PersonShown
    rights: dict[str, Literal["area", "own"]]
    csrf_token: str = Field(description="send it as X-CSRF-Token with every change when the session is a cookie")


class NewPassword(Given):
    """One's own new password."""

    old_password: Password
    new_password: Password


class SetPassword(Given):
    """A new password; none: one is made up."""

    password: Password | None = None


class PasswordShown(Shown):
    """A password that was made up, said once; empty when it was given."""

    password: str


class AccountGiven(Given):
    """A new account."""

    account_id: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{1,39}$")]
    role: Role
    areas: Annotated[list[Code], Field(max_length=100)] = Field(default_factory=list)
    worker_id: Code = ""
    name: Name = ""
    subject: Line = ""
    password: Password | None = None


class AccountChange(Given):
    """What is to be changed of an account; what is missing stays."""

    role: Role | None = None
    areas: Annotated[list[Code], Field(max_length=100)] | None = None
    worker_id: Code | None = None
    name: Name | None = None
    subject: Line | None = None
    active: bool | None = None
    reason: Line = ""
    seen_version: Annotated[int, Field(ge=1, le=LATEST_EVENT)] | None = None


class AccountShown(PersonShown):
    """One account."""

    active: bool
    subject: str
    added_at: datetime
    version: int


class AccountMade(Shown):
    """A new account and its password, said once."""

    account: AccountShown
    password: str
