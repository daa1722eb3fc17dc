"""Accounts: the table of them, and the form to add or change one."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.frame import area_text, signed_in, text
from app.widgets.wording import plain
from gridgov.i18n import Lang
from gridgov.model.accounts import Account
from gridgov.model.rights import EVERYWHERE, Role
from gridgov.operations.accounts import (
    ALL,
    AccountDraft,
    add_account,
    change_account,
    disable_account,
    enable_account,
    set_password,
)
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

_NEW = ""
_ROWS_SHOWN = 17  # more are scrolled
_ROLES = [role for role in Role if role is not Role.PUBLIC]


def accounts_table(opened: Workspace, lang: Lang, accounts: list[Account]) -> None:
    """Draw all accounts."""
    rows = [
        {
            "id": account.account_id,
            "name": account.name,
            "role": text(f"console.role_{account.role}"),
            "areas": area_text(opened, account.areas, lang),
            "worker": account.worker_id,
            "state": text("admin.active" if account.active else "admin.disabled"),
        }
        for account in accounts
    ]
    columns = {name: st.column_config.Column(text(f"admin.{name}")) for name in rows[0]} if rows else {}
    st.dataframe(
        pd.DataFrame(rows), column_config=columns, hide_index=True, height="content" if len(rows) < _ROWS_SHOWN else 640
    )


def account_form(opened: Workspace, lang: Lang, accounts: list[Account], *, active: bool) -> None:
    """Draw the form: a new account, or the one that is chosen."""
    known = {account.account_id: account for account in accounts}
    chosen = st.selectbox(
        text("admin.choose"), [_NEW, *known], format_func=lambda i: i or text("admin.new"), key=f"admin-chosen-{lang}"
    )
    account = known.get(str(chosen))
    key = f"admin-{chosen}-{account.version if account else 0}"
    if account is None:
        st.text_input(text("admin.id"), key=f"{key}-id", help=text("admin.id_rule"))
    st.text_input(text("admin.name"), value=account.name if account else "", key=f"{key}-name")
    role = st.selectbox(
        text("admin.role"),
        _ROLES,
        index=_ROLES.index(account.role) if account else _ROLES.index(Role.SUPERVISOR),
        format_func=lambda r: text(f"console.role_{r}"),
        key=f"{key}-role-{lang}",
    )
    _areas(opened, lang, account, f"{key}-areas-{lang}")
    if role is Role.WORKER:
        st.text_input(text("admin.worker"), value=account.worker_id if account else "", key=f"{key}-worker")
    title = text("admin.save" if account else "admin.add")
    args = (opened, account, key, lang)
    st.button(title, key="account_save", type="primary", on_click=_save, args=args, disabled=not active)
    if account is not None:
        _more(opened, account, active=active)


def show_password() -> None:
    """Draw a password that was just made, until it is put away; it is kept nowhere."""
    made = st.session_state.get("made_password")
    if made is None:
        return
    with st.container(border=True, key="made_password_box"):
        st.markdown(text("admin.password_of", id=plain(made[0])))
        st.code(made[1], language=None)
        st.button(text("admin.password_noted"), key="password_noted", on_click=_put_away)


def _areas(opened: Workspace, lang: Lang, account: Account | None, key: str) -> None:
    names = division_names(opened)
    given = [ALL] if account and account.areas == EVERYWHERE else list(account.areas) if account else []
    st.multiselect(
        text("admin.areas"),
        [ALL, *names, *(area for area in given if area not in names and area != ALL)],
        default=given,
        format_func=lambda code: text("console.everywhere") if code == ALL else _area_name(names, code, lang),
        accept_new_options=True,
        placeholder=text("admin.areas_hint"),
        key=key,
    )


def _area_name(names: dict[str, dict[str, str]], code: str, lang: Lang) -> str:
    return f"{name_in(names[code], lang)} · {code}" if code in names else code


def _more(opened: Workspace, account: Account, *, active: bool) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            text("admin.new_password"),
            key="account_password",
            on_click=_password,
            args=(opened, account.account_id),
            disabled=not active,
        )
        if account.active:
            with st.popover(text("admin.disable"), disabled=not active):
                st.text_input(text("case.reason"), key=f"admin-reason-{account.account_id}")
                st.button(
                    text("admin.disable_now"),
                    key="account_disable",
                    on_click=_disable,
                    args=(opened, account.account_id),
                )
        else:
            st.button(
                text("admin.enable"),
                key="account_enable",
                on_click=_enable,
                args=(opened, account.account_id),
                disabled=not active,
            )


def _save(opened: Workspace, account: Account | None, key: str, lang: Lang) -> None:
    given = st.session_state
    role = Role(given[f"{key}-role-{lang}"])
    draft = AccountDraft(
        account_id=account.account_id if account else str(given[f"{key}-id"]).strip(),
        role=role,
        areas=tuple(given[f"{key}-areas-{lang}"]),
        worker_id=str(given.get(f"{key}-worker") or "").strip() if role is Role.WORKER else "",
        name=str(given[f"{key}-name"]).strip(),
    )
    if account is None:
        made = attempt(lambda: add_account(opened, signed_in(), draft), hint="admin.check")
        if made is not None:
            given["made_password"] = (draft.account_id, made[1])
            for name in [str(name) for name in given if str(name).startswith(f"{key}-")]:
                del given[name]
        return
    draft = replace(draft, subject=account.subject)
    done = attempt(lambda: change_account(opened, signed_in(), draft, seen_version=account.version), hint="admin.check")
    if done is not None:
        say(text("admin.saved", id=draft.account_id))


def _password(opened: Workspace, account_id: str) -> None:
    made = attempt(lambda: set_password(opened, signed_in(), account_id))
    if made is not None:
        st.session_state["made_password"] = (account_id, made)


def _disable(opened: Workspace, account_id: str) -> None:
    reason = str(st.session_state.get(f"admin-reason-{account_id}") or "")
    if attempt(lambda: disable_account(opened, signed_in(), account_id, reason=reason), hint="admin.check"):
        say(text("admin.disabled_now", id=account_id))


def _enable(opened: Workspace, account_id: str) -> None:
    if attempt(lambda: enable_account(opened, signed_in(), account_id), hint="admin.check"):
        say(text("admin.enabled_now", id=account_id))


def _put_away() -> None:
    st.session_state.pop("made_password", None)
