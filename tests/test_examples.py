"""What the documents do in Python works: the planner's day prints what its page shows, and every example runs."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gridgov as gg
from gridgov import planning
from gridgov.network import RoadNetwork

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def writing() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("write_planning", DOCS / "write_planning.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_planners_day_prints_what_its_page_shows(
    writing: ModuleType, village: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell asserts what it claims; after a change: python docs/write_planning.py FOLDER."""
    monkeypatch.setenv("EXAMPLE_WORKSPACE", str(village))
    monkeypatch.setenv("EXAMPLE_OUT", str(tmp_path))
    assert writing.written_page() == writing.PAGE.read_text(encoding="utf-8")
    assert {file.suffix for file in tmp_path.iterdir()} == {".csv", ".gpkg", ".html"}


def test_an_editor_sees_cells_that_begin_and_end_well(writing: ModuleType) -> None:
    """Prose is comment only, code is code, and nothing stands before the first cell."""
    text = writing.SCRIPT.read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    for is_prose, body, before in writing.cells(text):
        assert body, f"line {before} begins an empty cell"
        assert all(line.startswith("#") for line in body.split("\n")) == is_prose
        compile(body, "cell", "exec")


def test_the_planners_names_are_those_of_their_modules() -> None:
    """`gridgov.planning` defines nothing but `planner`; a name in two places would drift apart."""
    for name in planning.__all__:
        if name not in {"EVERYWHERE", "planner"}:
            assert getattr(planning, name).__module__ != "gridgov.planning", name
    assert planning.planner().areas == planning.EVERYWHERE
    assert planning.planner(areas=("339901001",)).role == planning.Role.PLANNER


def blocks(document: Path, language: str = "python") -> str:
    """All examples of a document in one language, one after the other, at the lines where they stand."""
    lines, inside = [], False
    for line in document.read_text(encoding="utf-8").split("\n"):
        if line.startswith("```"):
            lines.append("")
            inside = line == f"```{language}"
        else:
            lines.append(line if inside else "")
    return "\n".join(lines)


def calls(document: Path) -> list[str]:
    """Calls on the workspace that stand in the text itself."""
    spans = re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    )
    return [span for span in spans if re.match(r"\w+\(workspace, \w+, .+\)$", span)]


@pytest.fixture(scope="module")
def district(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in: data/linjiang that may be changed, and the files that the documents name."""
    place = tmp_path_factory.mktemp("documents")
    shutil.copytree(village, place / "data" / "linjiang")
    workspace = gg.open_workspace(village)
    workspace.layer("farmland").head(20).to_file(place / "survey.gpkg", layer="farmland")
    (place / "new-shelter.toml").write_text(blocks(DOCS / "what-if.md", "toml"), encoding="utf-8")
    for name, factor in (("a", 0.5), ("b", 2.0)):
        text = (
            f'[[change]]\nkind = "scale_speeds"\nfactor = {factor}\n[question]\nnear = ["shelters"]\nresources = []\n'
        )
        (place / f"{name}.toml").write_text(text, encoding="utf-8")
    return place


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["analysis", "siting", "redesign", "hotspots", "what-if", "scaling", "catalogue"], ids=str
)
def test_the_examples_of_a_document_run(name: str, district: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, as they stand; `workspace` and `person` are those of everybody who reads on."""
    monkeypatch.chdir(district)
    document = DOCS / f"{name}.md"
    corners = [[119.018, 29.598], [119.022, 29.598], [119.022, 29.602], [119.018, 29.598]]
    names: dict[str, Any] = {
        "workspace": gg.open_workspace("data/linjiang"),
        "person": planning.planner(),
        "drawn": {"type": "Polygon", "coordinates": [corners]},
    }
    exec(compile(blocks(document), str(document), "exec"), names)
    for call in calls(document):
        assert eval(call, {**vars(planning), **names}) is not None, call
    names["workspace"].store.close()


def test_the_example_of_the_readme_runs(
    tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]], district: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With the arrays of a small city; the example names edge 42."""
    monkeypatch.chdir(district)
    lon, lat = zip(*map(at_crossing, range(tiny_city.n_nodes)), strict=True)
    names: dict[str, Any] = {
        "tail": tiny_city.tail, "head": tiny_city.head, "travel_time_ms": tiny_city.travel_time_ms, "lon": lon,
        "lat": lat, "incident_node": 5, "worker_nodes": list(range(16)), "sources": [0, 1], "targets": [2, 3],
    }  # fmt: skip
    exec(compile(blocks(ROOT / "README.md"), "README.md", "exec"), names)
    assert names["near"].index[0] == 5
    assert names["times"].shape == (2, 2)


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda each: each.name)
def test_what_a_document_names_in_the_program_is_there(document: Path) -> None:
    """Dotted names of gridgov, and files of it."""
    text = document.read_text(encoding="utf-8")
    for name in re.findall(r"`(gridgov(?:\.[A-Za-z_]+)+)[(`]", text):
        if name != "gridgov.toml":
            assert pkgutil.resolve_name(name) is not None
    for file in re.findall(r"`(gridgov/[\w/]+\.py)`", text):
        assert (ROOT / file).is_file(), file
