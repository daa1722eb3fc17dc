"""The commands `gridgov users …`."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from gridgov.cli import main
from gridgov.cli_users import print_demo_accounts
from gridgov.config import Settings, load_settings
from gridgov.errors import SignInError
from gridgov.operations.accounts import sign_in
from gridgov.workspace import Workspace, open_workspace

ROLES = ["admin", "supervisor", "commander", "planner", "worker"]


@pytest.fixture
def users(village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run a command on a store that only the settings name; return exit code, output and error."""
    monkeypatch.setenv("GRIDGOV_STORE", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    monkeypatch.chdir(tmp_path)

    def run(*argv: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = main(["users", *argv, "--workspace", str(village), "--lang", "en"])
        return code, *capsys.readouterr()

    return run


def opened(village: Path) -> Workspace:
    return open_workspace(village, settings=load_settings())


def shown_password(out: str) -> str:
    found = re.search(r"shown this once\): (\S+)", out)
    assert found is not None
    return found[1]


def test_an_account_is_added_and_signs_in_by_the_password_that_was_shown(users, village: Path, tmp_path: Path) -> None:
    code, out, _ = users("add", "anna", "--role", "admin", "--area", "all", "--name", "Anna")
    assert code == 0
    workspace = opened(village)
    assert sign_in(workspace, "anna", shown_password(out)).person.name == "Anna"
    assert (tmp_path / "elsewhere.sqlite").is_file()
    workspace.store.close()


def test_a_typed_password_is_taken_and_not_shown(users, village: Path) -> None:
    argv = ("add", "anna", "--role", "planner", "--area", "all", "--password-stdin")
    code, out, _ = users(*argv, typed="typed by hand\nnot this\n")
    assert (code, "typed" in out) == (0, False)
    workspace = opened(village)
    sign_in(workspace, "anna", "typed by hand")
    workspace.store.close()


def test_accounts_are_listed_for_people_and_for_programs(users, village: Path) -> None:
    assert users("list")[1] == "There are no accounts yet.\n"
    workspace = opened(village)
    street, worker = workspace.layer("grids")["street_code"].iloc[0], workspace.layer("workers")["worker_id"].iloc[0]
    users("add", "anna", "--role", "supervisor", "--area", street, "--area", street[:6])
    users("add", "lei", "--role", "worker", "--worker", worker)
    code, out, _ = users("list")
    assert code == 0
    assert all(word in out for word in ("anna", "supervisor", street, "lei", worker, "active"))
    listed = json.loads(users("list", "--json")[1])
    assert [(a["account_id"], a["areas"], a["worker_id"]) for a in listed] == [
        ("anna", [street[:6], street], ""),
        ("lei", [], worker),
    ]


def test_a_name_in_brackets_is_listed_as_it_is(users) -> None:
    users("add", "anna", "--role", "planner", "--area", "all", "--name", "[/x] [b]A")
    code, out, _ = users("list")
    assert (code, "[/x] [b]A" in out) == (0, True)


def test_an_account_is_disabled_enabled_and_given_another_password(users, village: Path) -> None:
    first = shown_password(users("add", "anna", "--role", "planner", "--area", "all")[1])
    assert users("disable", "anna")[0] == 0
    assert "disabled" in users("list")[1]
    workspace = opened(village)
    with pytest.raises(SignInError):
        sign_in(workspace, "anna", first)
    assert users("enable", "anna")[0] == 0
    second = shown_password(users("password", "anna")[1])
    assert sign_in(workspace, "anna", second).person.account_id == "anna"
    workspace.store.close()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("add", "anna", "--role", "planner"), "needs an area"),
        (("add", "anna", "--role", "planner", "--area", "nowhere"), "no area 'nowhere'"),
        (("add", "anna", "--role", "worker"), "needs the worker's id"),
        (("add", "anna", "--role", "worker", "--worker", "W?"), "no worker 'W?'"),
        (("add", "Anna B", "--role", "planner", "--area", "all"), "cannot be the name"),
        (("add", "anna", "--role", "planner", "--area", "all", "--password-stdin"), "10 to 256"),
        (("disable", "nobody"), "no account 'nobody'"),
        (("password", "nobody"), "no account 'nobody'"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(users, argv: tuple[str, ...], words: str) -> None:
    code, out, err = users(*argv)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_the_public_needs_no_account(users, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        users("add", "anna", "--role", "public")
    assert "invalid choice" in capsys.readouterr().err


def test_the_demo_prints_its_accounts_once(village: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = open_workspace(village, settings=Settings(store="memory:"))
    print_demo_accounts(workspace, "en")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [name for name, _ in lines] == ROLES
    for name, password in lines:
        assert str(sign_in(workspace, name, password).person.role) == name
    print_demo_accounts(workspace, "en")
    assert "made before" in capsys.readouterr().out


def test_an_export_takes_the_store_that_the_settings_name(users, village: Path, tmp_path: Path) -> None:
    users("add", "anna", "--role", "planner", "--area", "all")
    out = tmp_path / "events.jsonl"
    assert main(["audit", "export", "--workspace", str(village), "--out", str(out)]) == 0
    assert [json.loads(line)["kind"] for line in out.read_text(encoding="utf-8").splitlines()] == ["account.added"]
