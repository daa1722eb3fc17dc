"""The hierarchy of the roads is prepared while the server already answers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from gridgov.api.serving import prepare_hierarchy
from gridgov.config import Settings
from gridgov.model import TravelMode
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.dispatching import dispatch_at
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


def opened(path: Path) -> Workspace:
    return open_workspace(path, settings=Settings(store="memory:"))


def test_it_is_there_for_every_mode_kept_in_the_workspace_and_changes_no_answer(village: Path, tmp_path: Path) -> None:
    here = opened(Path(shutil.copytree(village, tmp_path / "copy")))
    point = here.layer("grids").geometry.iloc[0].representative_point()
    before = dispatch_at(here, BOSS, point.x, point.y)
    prepare_hierarchy(here).join()
    assert all(here.network(mode).has_metric for mode in TravelMode)
    after = dispatch_at(here, BOSS, point.x, point.y)
    assert replace(after, engines=before.engines) == before
    assert [file.suffix for file in (here.path / "cache").iterdir()] == [".npz"]


def test_a_folder_that_cannot_be_written_leaves_the_plain_search(village: Path, tmp_path: Path) -> None:
    here = opened(Path(shutil.copytree(village, tmp_path / "copy")))
    (here.path / "cache").write_text("in the way")
    prepare_hierarchy(here).join()
    assert not here.network().has_metric
