"""Files → a workspace, all or nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gridgov.errors import GridgovError, SourceError, SpecError, StorageError, WorkspaceNotFoundError
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.checking import check_path
from gridgov.operations.dispatching import dispatch_at
from gridgov.operations.importing import import_workspace
from gridgov.workspace import MANIFEST, open_workspace, shared_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
CODES = ["339901001001001", "339901001001002", "339901001002001"]


def write_grids(folder: Path, codes: list[str], name: str = "grids.geojson") -> None:
    """Write squares side by side, 0.01 degrees wide."""
    boxes = [shapely.box(118.9 + 0.01 * i, 29.6, 118.91 + 0.01 * i, 29.61) for i in range(len(codes))]
    gpd.GeoDataFrame({"grid_code": codes}, geometry=boxes, crs=4326).to_file(folder / name, driver="GeoJSON")


def write_import(folder: Path, *layers: str) -> Path:
    file = folder / "import.toml"
    head = '[workspace]\nid = "test"\nnames = { zh = "测试", en = "Test" }\ntimezone = "Asia/Shanghai"\n'
    file.write_text(head + "".join(f"[[layer]]\n{layer}\n" for layer in layers), encoding="utf-8")
    return file


GRIDS = 'kind = "grids"\nsource = "grids.geojson"'


def everything_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_the_village_comes_in_whole(village: Path) -> None:
    """Persons of the table are those of the grids; points know their grid; nothing is left over on disk."""
    workspace = open_workspace(village)
    grids, population = workspace.layer("grids"), workspace.layer("population")
    assert int(grids["persons"].sum()) == int(population["persons"].sum()) == workspace.manifest.facts["persons"]
    incidents = workspace.layer("incidents")
    assert set(incidents["grid_code"].dropna()) <= set(grids["grid_code"])
    assert incidents["grid_code"].notna().mean() > 0.99
    assert not list(village.glob(".import-*"))
    assert [p.name for p in village.glob("data-*")] == [workspace.manifest.data]


def test_population_joins_by_code_and_a_code_without_grid_is_a_finding(tmp_path: Path) -> None:
    write_grids(tmp_path, CODES)
    (tmp_path / "population.csv").write_text(
        f"grid_code,persons,households\n{CODES[0]},120,40\n{CODES[1]},,\n339901001009009,7,2\n", encoding="utf-8"
    )
    file = write_import(tmp_path, GRIDS, 'kind = "population"\nsource = "population.csv"')
    report = import_workspace(tmp_path / "w", file)
    persons = open_workspace(tmp_path / "w").layer("grids").set_index("grid_code")["persons"]
    assert persons[CODES[0]] == 120
    assert persons[[CODES[1], CODES[2]]].isna().all()
    assert [f.key for f in report.findings if f.rule == "population_of_unknown_grid"] == ["339901001009009"]


def test_a_bad_code_is_kept_aside_with_its_reason_and_the_import_goes_on(tmp_path: Path) -> None:
    write_grids(tmp_path, [*CODES, "33990100100"])
    report = import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    entry = open_workspace(tmp_path / "w").entry("grids")
    assert (entry.rows, entry.aside) == (3, 1)
    aside = (report.aside_directory / "grids.csv").read_text(encoding="utf-8-sig")
    assert "33990100100" in aside
    assert "POLYGON" in aside


def test_a_foreign_district_keeps_its_own_ids(tmp_path: Path) -> None:
    write_grids(tmp_path, ["A1", "A2", "B7"])
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS + '\ncode_scheme = ""'))
    assert list(open_workspace(tmp_path / "w").layer("grids")["grid_code"]) == ["A1", "A2", "B7"]


@pytest.mark.parametrize(
    ("layer", "error"),
    [
        ('kind = "shelters"\nsource = "missing.gpkg"', SourceError),
        ('kind = "grids"\nid = "grids-2"\nsource = "grids.geojson"', SpecError),
        ('kind = "castles"\nsource = "grids.geojson"', SpecError),
        ('kind = "roads"\nsource = "grids.geojson"', SourceError),
        ('kind = "elevation"\nsource = "grids.geojson"', SourceError),
    ],
)
def test_a_fault_of_a_whole_source_leaves_no_half_made_workspace(tmp_path: Path, layer: str, error: type) -> None:
    """One sentence that names the file or kind; the folder is not there afterwards."""
    write_grids(tmp_path, CODES)
    with pytest.raises(error) as caught:
        import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS, layer))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "w").exists()


def test_a_layer_of_which_no_row_can_be_used_ends_the_import(tmp_path: Path) -> None:
    write_grids(tmp_path, ["1", "2"])
    with pytest.raises(SourceError, match="none of the 2 rows"):
        import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    assert not (tmp_path / "w").exists()


def test_the_licence_of_a_source_is_that_of_its_layer(tmp_path: Path) -> None:
    write_grids(tmp_path, CODES)
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS + '\nlicence = "CC BY 4.0"'))
    assert open_workspace(tmp_path / "w").spec("grids").licence == "CC BY 4.0"


def test_roads_of_another_place_end_the_import(tmp_path: Path, real_data: Path) -> None:
    """Andorra's roads under grids in China."""
    write_grids(tmp_path, CODES)
    roads = f'kind = "roads"\nsource = "{real_data / "terrain" / "andorra.osm.pbf"}"'
    with pytest.raises(SourceError, match="nowhere near the grids"):
        import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS, roads))


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32719"])
def test_a_metric_crs_that_does_not_fit_the_place_ends_the_import(tmp_path: Path, crs: str) -> None:
    write_grids(tmp_path, CODES)
    file = write_import(tmp_path, GRIDS)
    file.write_text(file.read_text(encoding="utf-8").replace('id = "test"', f'id = "test"\nmetric_crs = "{crs}"'))
    with pytest.raises(SpecError, match="EPSG:4549"):
        import_workspace(tmp_path / "w", file)


def test_two_layers_of_a_kind_have_names_of_their_own(tmp_path: Path) -> None:
    write_grids(tmp_path, CODES)
    layer = GRIDS + '\nnames = { zh = "警务网格", en = "Police grids" }'
    import_workspace(tmp_path / "w", write_import(tmp_path, layer))
    assert open_workspace(tmp_path / "w").spec("grids").name("en") == "Police grids"


def test_a_failed_import_leaves_the_old_workspace_as_it_was(tmp_path: Path) -> None:
    write_grids(tmp_path, CODES)
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    before = everything_in(tmp_path / "w")
    version = open_workspace(tmp_path / "w").version
    with pytest.raises(GridgovError):
        import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS, 'kind = "roads"\nsource = "none.osm"'))
    assert everything_in(tmp_path / "w") == before
    assert open_workspace(tmp_path / "w").version == version


def test_a_new_import_replaces_the_old_one_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    write_grids(tmp_path, CODES)
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    old = shared_workspace(tmp_path / "w")
    write_grids(tmp_path, CODES[:2])
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    new = shared_workspace(tmp_path / "w")
    assert new.version != old.version
    assert len(new.layer("grids")) == 2
    assert sorted(p.name for p in (tmp_path / "w").iterdir()) == sorted([new.manifest.data, MANIFEST])


def test_killed_in_the_middle_the_old_workspace_still_opens(tmp_path: Path) -> None:
    """Kill -9 at ten random moments of a re-import: what opens is the old version or, complete, the new one."""
    write_grids(tmp_path, CODES)
    workspace = tmp_path / "w"
    import_workspace(workspace, write_import(tmp_path, GRIDS))
    shutil.copytree(workspace, tmp_path / "old")
    old = open_workspace(workspace).version
    write_grids(tmp_path, [f"339901001001{i:03d}" for i in range(1, 200)])
    code = (
        "import os, sys; from pathlib import Path\n"
        "from gridgov.operations.importing import import_workspace\n"
        "while sys.stdin.readline():\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        import_workspace(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "        os._exit(0)\n"
        "    print(child, flush=True); sys.stdin.readline()\n"
        "    print(os.waitpid(child, 0)[1], flush=True)"
    )
    command = [sys.executable, "-c", code, str(workspace), str(tmp_path / "import.toml")]
    draw = random.Random(7)
    seen = set()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        assert host.stdin is not None
        for _ in range(10):
            shutil.rmtree(workspace)
            shutil.copytree(tmp_path / "old", workspace)
            host.stdin.write("\n")
            host.stdin.flush()
            child = int(host.stdout.readline())
            time.sleep(draw.uniform(0.0, 0.6))
            os.kill(child, signal.SIGKILL)  # its number is its own until the host has asked for its end
            host.stdin.write("\n")
            host.stdin.flush()
            assert int(host.stdout.readline()) in {0, signal.SIGKILL}
            opened = open_workspace(workspace)
            seen.add(opened.version == old)
            assert len(opened.layer("grids")) == (3 if opened.version == old else 199)
            assert opened.findings is not None
        host.stdin.close()
    assert True in seen, "no kill came before the end: the test shows nothing"


def test_opening_what_is_no_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceNotFoundError, match="gridgov sample"):
        open_workspace(tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", json.dumps({"format": 99})])
def test_a_damaged_manifest_is_said_to_be_so(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(StorageError, match="import the workspace again"):
        open_workspace(tmp_path)


def test_check_gives_the_findings_of_an_import_file_a_workspace_and_a_single_file(tmp_path: Path) -> None:
    """All three say the same of the same grids, and checking writes nothing."""
    write_grids(tmp_path, [*CODES, "33990100100"])
    file = write_import(tmp_path, GRIDS)
    before = everything_in(tmp_path)
    of_file = check_path(file)
    assert everything_in(tmp_path) == before
    assert [f.rule for f in of_file].count("code_length") == 1
    assert check_path(tmp_path / "grids.geojson", kind="grids") == of_file
    import_workspace(tmp_path / "w", file)
    assert check_path(tmp_path / "w") == of_file


@pytest.mark.parametrize("name", ["no-such-file", "grids.geojson", "."])
def test_check_says_what_it_needs(tmp_path: Path, name: str) -> None:
    write_grids(tmp_path, CODES)
    with pytest.raises(SourceError):
        check_path(tmp_path / name)


def test_dispatch_in_a_workspace_without_roads_says_what_is_missing(tmp_path: Path) -> None:
    write_grids(tmp_path, CODES)
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    with pytest.raises(LookupError, match="roads"):
        dispatch_at(open_workspace(tmp_path / "w"), BOSS, 118.905, 29.605)


@pytest.mark.parametrize("name", ["findings.parquet", "layers/grids.parquet"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_file_of_a_workspace_is_named(tmp_path: Path, name: str, damage: str) -> None:
    """Checking the workspace and reading the layer say which file it is and what to do."""
    write_grids(tmp_path, CODES)
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    file = open_workspace(tmp_path / "w").data / name
    file.write_bytes(file.read_bytes()[:300]) if damage == "cut" else file.unlink()
    with pytest.raises(StorageError, match=rf"{file.name}.*import the workspace again"):
        check_path(tmp_path / "w")


def test_what_a_killed_import_left_behind_goes_with_the_next_one(tmp_path: Path) -> None:
    write_grids(tmp_path, CODES)
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    (tmp_path / "w" / ".import-999999999-abc").mkdir()
    import_workspace(tmp_path / "w", write_import(tmp_path, GRIDS))
    assert not list((tmp_path / "w").glob(".*"))
