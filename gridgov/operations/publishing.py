"""All or nothing on disk: write aside, then replace the manifest in one step."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridgov.errors import SourceError
from gridgov.workspace import MANIFEST, Manifest


def digest(part: Path) -> str:
    """Return 12 hex digits over everything written, so that the same sources give the same version."""
    sha = hashlib.sha256()
    for file in sorted(p for p in part.rglob("*") if p.is_file()):
        sha.update(str(file.relative_to(part)).encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                sha.update(chunk)
    return sha.hexdigest()[:12]


@contextmanager
def written_aside(directory: Path) -> Iterator[Path]:
    """Give a folder beside the data to write into; remove it, and a folder we made for it, if anything goes wrong."""
    existed = directory.exists()
    if existed and not directory.is_dir():
        raise SourceError(f"{directory}: is a file; give a folder for the workspace")
    directory.mkdir(parents=True, exist_ok=True)
    for left in directory.glob(".import-*"):
        if not _alive(left.name.split("-")[1]):
            shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f".import-{os.getpid()}-", dir=directory))
    part.chmod(0o755)  # a server may run under another account than the one who imports
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if not existed and not (directory / MANIFEST).exists():
            shutil.rmtree(directory, ignore_errors=True)


def publish(directory: Path, part: Path, manifest: Manifest) -> None:
    """Make the written folder the workspace: rename it, replace the manifest, then remove the data it replaces."""
    data = directory / manifest.data
    if not data.exists():  # else the same content was imported before: keep it
        part.rename(data)
    fresh = directory / f".{MANIFEST}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(manifest.to_json())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(directory / MANIFEST)
    for old in directory.glob("data-*"):
        if old != data:  # renamed first: a half-removed folder must never pass for data of that version
            old.rename(directory / f".trash-{old.name}")
    for trash in directory.glob(".trash-*"):
        shutil.rmtree(trash, ignore_errors=True)


def _alive(pid: str) -> bool:
    """Whether the process of an import is still there; what one that was killed has left behind can go."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
