"""Workspaces of real data, imported once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.operations.importing import ImportReport, import_workspace
from gridgov.workspace import Workspace, open_workspace

HUALIEN = Path(__file__).with_name("hualien.toml")


@pytest.fixture(scope="session")
def imported(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ImportReport, Workspace]:
    """Hualien; tests read it and never change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDGOV_TEST_DATA", str(real_data))
        report = import_workspace(tmp_path_factory.mktemp("real") / "hualien", HUALIEN)
    return report, open_workspace(report.directory)
