"""The web libraries: pinned, from a lock file that names no host."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_lock_file_names_no_host():
    """Every machine asks the registry that it is set up for."""
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    assert "://" not in text


def test_every_library_is_pinned():
    """Exact versions, and each has its checksum in the lock file."""
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    pinned = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values())
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(entry["integrity"] for name, entry in locked.items() if name)
    assert all(locked[f"node_modules/{name}"]["version"] == version for name, version in pinned.items())
