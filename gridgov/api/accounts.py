"""Accounts and the audit trail, for the admin."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from gridgov.api.account_schemas import (
    AccountChange,
    AccountGiven,
    AccountMade,
    AccountShown,
    PasswordShown,
    SetPassword,
)
from gridgov.api.asking import Asked, answers, asked
from gridgov.api.schemas import EventAsked, EventShown
from gridgov.errors import RecordNotFoundError
from gridgov.model.accounts import Account
from gridgov.operations import accounts as operations
from gridgov.operations.accounts import AccountDraft
from gridgov.operations.auditing import audit_events

router = APIRouter(tags=["accounts"])


@router.get("/accounts", responses=answers())
def accounts(request: Request) -> list[AccountShown]:
    """Return the accounts that the person manages, disabled ones too."""
    ask = asked(request)
    return [AccountShown.model_validate(account) for account in operations.list_accounts(ask.workspace, ask.person)]


@router.post("/accounts", status_code=201, responses=answers())
def add(request: Request, response: Response, given: AccountGiven) -> AccountMade:
    """Make an account; the password is in this answer and nowhere else."""
    ask = asked(request)
    response.headers["Cache-Control"] = "no-store"
    draft = AccountDraft(
        account_id=given.account_id,
        role=given.role,
        areas=tuple(given.areas),
        worker_id=given.worker_id,
        name=given.name,
        subject=given.subject,
    )
    account, password = operations.add_account(ask.workspace, ask.person, draft, password=given.password)
    return AccountMade(account=AccountShown.model_validate(account), password=password)


@router.patch("/accounts/{account_id}", responses=answers(404, 409))
def change(request: Request, account_id: str, given: AccountChange) -> AccountShown:
    """Change what is named and leave the rest; `active` closes or opens it."""
    ask = asked(request)
    account = _managed(ask, account_id)
    fields = given.model_dump(exclude_none=True, exclude={"active", "reason", "seen_version"})
    if "areas" in fields:
        fields["areas"] = tuple(fields["areas"])
    if fields:
        draft = replace(AccountDraft.of(account), **fields)
        account = operations.change_account(ask.workspace, ask.person, draft, seen_version=given.seen_version)
    if given.active is False:
        account = operations.disable_account(ask.workspace, ask.person, account_id, reason=given.reason)
    elif given.active:
        account = operations.enable_account(ask.workspace, ask.person, account_id)
    return AccountShown.model_validate(account)


@router.post("/accounts/{account_id}/password", responses=answers(404))
def password(request: Request, response: Response, account_id: str, given: SetPassword) -> PasswordShown:
    """Give an account another password, a random one if none is given; its sessions end."""
    ask = asked(request)
    response.headers["Cache-Control"] = "no-store"
    made = operations.set_password(ask.workspace, ask.person, account_id, given.password)
    return PasswordShown(password=made)


@router.get("/audit", responses=answers())
def audit(request: Request, wanted: Annotated[EventAsked, Query()]) -> list[EventShown]:
    """Return events of the log, newest first; reporters are masked, so their hashes are those of the log only."""
    ask = asked(request)
    found = audit_events(
        ask.workspace, ask.person, before=wanted.before, entity_id=wanted.entity_id, limit=wanted.limit
    )
    return [EventShown.model_validate(event) for event in found]


def _managed(ask: Asked, account_id: str) -> Account:
    """Return one of the accounts that the person manages."""
    for account in operations.list_accounts(ask.workspace, ask.person):
        if account.account_id == account_id:
            return account
    raise RecordNotFoundError(f"there is no account '{account_id[:40]}'")
