"""What the documents show is true: their examples are read by the program."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from gridgov.cli import main
from gridgov.config import Settings
from gridgov.layers import load_specs, read_import_file
from gridgov.model.rights import ROLE_RIGHTS, Right, Role, Scope

ROOT = Path(__file__).resolve().parent.parent


def example(document: str) -> str:
    """The first TOML example of a document."""
    found = re.search(r"```toml\n(.*?)```", (ROOT / "docs" / document).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_a_new_kind_of_layer_is_read(tmp_path: Path) -> None:
    for file in (ROOT / "layers").glob("*.toml"):
        shutil.copy(file, tmp_path)
    (tmp_path / "hydrants.toml").write_text(example("adding-a-layer.md"), encoding="utf-8")
    assert load_specs(tmp_path)["hydrants"].key == "hydrant_id"


def test_the_example_of_an_import_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "import.toml"
    file.write_text(example("importing.md"), encoding="utf-8")
    plan = read_import_file(file)
    assert [layer.layer_id for layer in plan.layers] == ["grids", "incidents-hotline"]


def test_the_table_of_kinds_names_every_kind() -> None:
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    for kind in load_specs():
        assert f"`{kind}`" in text, kind


def test_the_readme_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    (\w+)  +", capsys.readouterr().out, re.MULTILINE)
    assert commands
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in commands:
        assert f"`gridgov {command}" in readme, command


def test_every_picture_and_document_that_a_document_links_to_is_there() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_table_of_rights_is_the_one_that_the_program_asks() -> None:
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| [^|]+ \| (.+) \|$", (ROOT / "docs" / "people.md").read_text(encoding="utf-8"), re.M
    )
    written = {right: cells.split(" | ") for right, cells in rows}
    names = {None: "–", Scope.AREA: "area", Scope.OWN: "own"}
    assert written == {str(r): [names[ROLE_RIGHTS[role].get(r)] for role in Role] for r in Right}


def test_every_setting_is_described() -> None:
    text = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    for setting in fields(Settings):
        assert f"`{setting.name}`" in text, setting.name
