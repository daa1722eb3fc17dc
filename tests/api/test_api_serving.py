"""The server's start and watch: it takes in the incidents of files, reminds, and outlives a store that is away."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from numba.core.dispatcher import Dispatcher
from shapely.geometry import mapping

from gridgov import evacuation, hazards
from gridgov.api.serving import keep_watch, prepare_emergency, warm
from gridgov.config import Settings
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.evacuating import evacuate
from gridgov.operations.evacuation_input import EvacuationQuery
from gridgov.operations.hazard_models import compute_flood
from gridgov.workspace import Workspace, open_workspace, shared_workspace


@pytest.fixture
def shared(village: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of the village whose store knows nothing yet, as a server opens it."""
    shutil.copytree(village, tmp_path / "w", ignore=shutil.ignore_patterns("sources", "store*"))
    monkeypatch.setenv("GRIDGOV_STORE", "memory:")
    return shared_workspace(tmp_path / "w")


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def watches() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "watch"]


def test_the_start_says_how_many_incidents_it_took_in(shared: Workspace) -> None:
    said: list[str] = []
    warm(shared, "en", say=said.append)
    warm(shared, "zh", say=said.append)
    assert any("300 new in the event store, 0 were there" in line for line in said)
    assert any("0 件新入事件库，300 件已在库中" in line for line in said)


def test_the_watch_takes_in_incidents_and_reminds_until_the_server_stops(shared: Workspace) -> None:
    with keep_watch(shared.path, every_s=0.02):
        assert wait_for(lambda: shared.store.count("incident") == 300)
        assert watches()
    assert not watches()


def test_a_store_that_is_away_ends_neither_the_start_nor_the_watch(
    village: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and when the store is back its incidents are taken in."""
    shutil.copytree(village, tmp_path / "w", ignore=shutil.ignore_patterns("sources", "store*"))
    place = tmp_path / "away" / "store.sqlite"
    monkeypatch.setenv("GRIDGOV_STORE", f"sqlite:///{place}")
    shared, said = shared_workspace(tmp_path / "w"), []
    warm(shared, "en", say=said.append)
    assert "taken into the event store when it is back" in said[-1]
    with keep_watch(shared.path, every_s=0.02):
        time.sleep(0.2)
        assert watches()
        place.parent.mkdir()
        assert wait_for(lambda: place.is_file() and shared.store.count("incident") == 300)
    shared.store.close()


def test_after_the_start_a_first_flood_and_a_first_plan_compile_nothing(village: Path) -> None:
    """Hazards and plans are compiled beside the start, step by step; no search meets a form it does not know then."""
    said: list[str] = []
    prepare_emergency("en", say=said.append).join()
    assert [line[:5] for line in said] == ["[0/3]", "[1/3]", "[2/3]", "[3/3]"]
    assert said[-1].endswith("Hazards, evacuation plans and overlays are ready")
    known = {name: set(kernel.signatures) for name, kernel in kernels_of(hazards, evacuation)}
    here = open_workspace(village, settings=Settings(store="memory:"))
    commander = Person("commander", Role.COMMANDER, EVERYWHERE)
    water = here.layer("water")
    river = mapping(water.geometry.iloc[int(water["area_m2"].to_numpy().argmax())])
    for rises in (((0.0, 6.0),), ((0.0, 0.0), (7200.0, 6.0))):
        flood = compute_flood(here, commander, river, rises, datum="source")
        query = EvacuationQuery(hazard_id=flood.hazard_id, params=evacuation.EvacuationParams(time_limit_s=1.0))
        evacuate(here, commander, query)
    assert {name: set(kernel.signatures) for name, kernel in kernels_of(hazards, evacuation)} == known


def kernels_of(*packages: ModuleType) -> Iterator[tuple[str, Dispatcher]]:
    for package in packages:
        for part in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{part.name}")
            for name, value in vars(module).items():
                if isinstance(value, Dispatcher) and value.py_func.__module__ == module.__name__:
                    yield f"{module.__name__}.{name}", value
