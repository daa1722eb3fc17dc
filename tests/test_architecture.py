"""The import order is the architecture: a package imports only what stands left of it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gridgov"

ORDER: list[set[str]] = [
    {"errors", "verify_audit", "verify_plan_document"},
    {"crs", "i18n", "config", "verify_plan"},
    {"model"},
    {"grids"},
    {"network"},
    {"hazards"},
    {"dispatch", "evacuation"},
    {"analysis"},
    {"layers", "feeds", "store", "maps", "sample", "profiles"},
    {"referee"},
    {"workspace"},
    {"workspace_variants"},
    {"operations"},
    {"planning"},  # the planner's names under one import; nothing imports it
    {"api"},
    {"cli_assign"},
    {"cli_evacuate", "cli_referee", "cli_roads", "cli_users", "cli_verify", "cli_whatif"},
    {"cli"},  # its serve command starts the server
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
UP_TO_MODEL = {name for names in ORDER[:3] for name in names}
NO_ALGORITHM = {"layers", "feeds", "store", "sample", "profiles"}
APP_MAY = {"errors", "operations", "maps", "model", "i18n", "config", "workspace"}
GIS_LIBRARIES = {
    "geopandas",
    "shapely",
    "rasterio",
    "pyproj",
    "pyogrio",
    "osmnx",
    "networkx",
    "numba",
    "scipy",
    "fiona",
}
FILE_AND_CLOCK = {"sqlite3", "socket", "requests", "urllib", "tempfile", "random"}
PURE = {"model", "grids", "network", "hazards", "dispatch", "evacuation", "analysis"}


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative import"
            if node.module == "gridgov":
                yield from (f"gridgov.{alias.name}" for alias in node.names)
            else:
                yield node.module


def gridgov_parts(file: Path) -> set[str]:
    """The parts of gridgov that a file imports."""
    parts = {name.split(".")[1] for name in imports(file) if name.startswith("gridgov.")}
    return parts - {"__version__"}


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "file", [f for f in modules(PACKAGE) if f.parent != PACKAGE or f.stem not in {"__init__", "__main__"}], ids=str
)
def test_a_module_imports_only_what_stands_left_of_it(file: Path) -> None:
    own = part_of(file)
    assert own in RANK, f"{own} has no place in the order: add it to DESIGN and to this test"
    for other in gridgov_parts(file) - {own}:
        assert RANK[other] < RANK[own], f"{file.relative_to(ROOT)} imports gridgov.{other}"
        if own in NO_ALGORITHM:
            assert other in UP_TO_MODEL, f"{file.relative_to(ROOT)} imports gridgov.{other}"


@pytest.mark.parametrize("file", modules(ROOT / "app"), ids=lambda f: f.name)
def test_a_page_imports_operations_and_maps_but_no_gis_library(file: Path) -> None:
    assert gridgov_parts(file) <= APP_MAY
    assert not {name.split(".")[0] for name in imports(file)} & GIS_LIBRARIES


@pytest.mark.parametrize("name", sorted(PURE & {p.name for p in PACKAGE.iterdir()}))
def test_a_pure_package_reads_no_clock_no_network_and_no_global_random_state(name: str) -> None:
    for file in modules(PACKAGE / name):
        assert not {module.split(".")[0] for module in imports(file)} & FILE_AND_CLOCK, file
        text = file.read_text(encoding="utf-8")
        for call in ("datetime.now(", "time.time(", "np.random.seed", "np.random.rand(", "print("):
            assert call not in text, f"{file.relative_to(ROOT)} calls {call}"


def test_the_auditor_uses_the_standard_library_alone() -> None:
    """It shares no code with the store or the model, so that a fault of theirs cannot hide in it."""
    used = {name.split(".")[0] for name in imports(PACKAGE / "verify_audit.py")}
    assert used <= sys.stdlib_module_names


def test_packages_are_two_levels_deep_and_none_has_a_name_that_says_nothing() -> None:
    for file in modules(PACKAGE):
        relative = file.relative_to(PACKAGE)
        if relative.parts[0] == "resources" or "migrations" in relative.parts:  # scripts that Alembic runs
            continue
        assert len(relative.parts) <= 2, relative
        assert not {"utils", "common", "helpers", "services", "core", "base"} & {
            part.removesuffix(".py") for part in relative.parts
        }


def test_the_public_names_are_frozen() -> None:
    """Other code relies on these; adding one is a decision, removing one is a breaking change."""
    import gridgov

    assert gridgov.__all__ == [
        "EvacuationParams",
        "GridgovError",
        "RoadNetwork",
        "Workspace",
        "__version__",
        "nearest_workers",
        "open_workspace",
        "plan_evacuation",
    ]
    assert all(getattr(gridgov, name) is not None for name in gridgov.__all__)


def test_one_error_class_catches_every_error_of_gridgov() -> None:
    import gridgov
    from gridgov import errors

    branches = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert gridgov.GridgovError is errors.GridgovError
    assert all(issubclass(kind, gridgov.GridgovError) for kind in branches)


def test_importing_gridgov_and_asking_for_help_loads_no_heavy_library() -> None:
    code = (
        "import sys, gridgov, gridgov.cli\n"
        "try: gridgov.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'geopandas', 'numba', 'numpy', 'pandas', 'rasterio', 'streamlit', 'scipy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
