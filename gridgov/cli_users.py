"""The commands `gridgov users …`: whoever can run commands on the server manages all accounts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.config import load_settings
from gridgov.i18n import as_lang, label
from gridgov.model.events import format_time
from gridgov.model.rights import EVERYWHERE, Role

if TYPE_CHECKING:
    from gridgov.i18n import Lang
    from gridgov.model.accounts import Account
    from gridgov.workspace import Workspace

Command = Callable[..., argparse.ArgumentParser]


def add_commands(users: Any, command: Command, workspace: str) -> None:
    """Add the commands to `users`, the subparsers of that word."""

    def of_account(
        name: str, run: Callable[[argparse.Namespace], int], text: str, *, password: bool = False
    ) -> argparse.ArgumentParser:
        added = command(name, run, text, of=users)
        added.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
        if name != "list":
            added.add_argument("account", metavar="NAME", help="name of the account")
        if password:
            help_text = "read the password from the first line of the input, instead of making a random one"
            added.add_argument("--password-stdin", action="store_true", help=help_text)
        return added

    add = of_account("add", _add, "make an account and print its password once", password=True)
    add.add_argument("--role", required=True, choices=[str(role) for role in Role if role is not Role.PUBLIC])
    add.add_argument(
        "--area",
        action="append",
        default=[],
        metavar="CODE",
        help="code of a district, street, community or grid (repeatable), or 'all'",
    )
    add.add_argument("--worker", default="", metavar="ID", help="the grid worker who uses the account")
    add.add_argument("--name", default="", metavar="TEXT", help="the person's name")
    of_account("list", _list, "list all accounts").add_argument(
        "--json", action="store_true", help="print the accounts as JSON"
    )
    of_account("disable", _disable, "let nobody in by an account any more; it stays on record")
    of_account("enable", _enable, "let an account in again")
    of_account("password", _password, "give an account a new password and print it once", password=True)


def print_demo_accounts(workspace: Workspace, lang: Lang) -> None:
    """Make the accounts of the demo where there are none, and print them once."""
    from gridgov.operations.accounts import demo_accounts

    made = demo_accounts(workspace)
    print(label("users.demo" if made else "users.demo_before", lang))
    for account, password in made:
        print(f"  {account.account_id:<12}{password}")


def _opened(arguments: argparse.Namespace) -> Workspace:
    from gridgov.workspace import open_workspace

    workspace = open_workspace(arguments.workspace, settings=load_settings())
    workspace.start_clock()
    return workspace


def _given_password(arguments: argparse.Namespace) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else None


def _add(arguments: argparse.Namespace) -> int:
    from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft, add_account

    draft = AccountDraft(
        account_id=arguments.account,
        role=Role(arguments.role),
        areas=tuple(arguments.area),
        worker_id=arguments.worker,
        name=arguments.name,
    )
    given, lang = _given_password(arguments), as_lang(arguments.lang)
    account, password = add_account(_opened(arguments), AT_THE_SHELL, draft, password=given)
    print(label("users.added", lang, name=account.account_id, role=account.role))
    if given is None:
        print(label("users.password", lang, password=password))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from gridgov.operations.accounts import AT_THE_SHELL, list_accounts

    found, lang = list_accounts(_opened(arguments), AT_THE_SHELL), as_lang(arguments.lang)
    if arguments.json:
        print(json.dumps([_plain(account) for account in found], ensure_ascii=False, indent=1))
    elif found:
        _show(found, lang)
    else:
        print(label("users.none", lang))
    return 0


def _disable(arguments: argparse.Namespace) -> int:
    from gridgov.operations.accounts import AT_THE_SHELL, disable_account

    disable_account(_opened(arguments), AT_THE_SHELL, arguments.account)
    print(label("users.is_disabled", as_lang(arguments.lang), name=arguments.account))
    return 0


def _enable(arguments: argparse.Namespace) -> int:
    from gridgov.operations.accounts import AT_THE_SHELL, enable_account

    enable_account(_opened(arguments), AT_THE_SHELL, arguments.account)
    print(label("users.is_enabled", as_lang(arguments.lang), name=arguments.account))
    return 0


def _password(arguments: argparse.Namespace) -> int:
    from gridgov.operations.accounts import AT_THE_SHELL, set_password

    given, lang = _given_password(arguments), as_lang(arguments.lang)
    password = set_password(_opened(arguments), AT_THE_SHELL, arguments.account, given)
    print(label("users.has_password", lang, name=arguments.account))
    if given is None:
        print(label("users.password", lang, password=password))
    return 0


def _plain(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "role": str(account.role),
        "areas": ["all"] if account.areas == EVERYWHERE else list(account.areas),
        "worker_id": account.worker_id,
        "name": account.name,
        "active": account.active,
        "subject": account.subject,
        "added_at": format_time(account.added_at),
    }


def _show(accounts: list[Account], lang: Lang) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("account", "role", "areas", "worker", "name", "state"):
        table.add_column(label(f"users.{column}", lang))
    for account in accounts:
        plain = _plain(account)
        state = label("users.active" if account.active else "users.disabled", lang)
        table.add_row(
            account.account_id, plain["role"], " ".join(plain["areas"]), account.worker_id, escape(account.name), state
        )
    Console().print(table)
