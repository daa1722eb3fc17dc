"""All or nothing on disk: write aside, then replace the manifest in one step.

Versions of layers outlive imports: they lie in catalogue/<layer_id>/<version>/, and an import that replaces a dated
layer keeps the old one there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gridgov.errors import SourceError, StorageError
from gridgov.workspace import MANIFEST, LayerEntry, Manifest

CATALOGUE = "catalogue"
_NEW_SECONDS = 60.0  # in which a folder that was made may not yet be locked


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
        if not _alive(left.name.split("-")[1]) or _left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    try:
        part = Path(tempfile.mkdtemp(prefix=f".import-{os.getpid()}-", dir=directory))
    except OSError as error:
        raise StorageError(f"{directory}: cannot write here ({error.strerror}); check disk and rights") from error
    part.chmod(0o755)  # a server may run under another account than the one who imports
    handle = os.open(part, os.O_RDONLY)
    try:
        _lock_if_free(handle)
        yield part
    finally:
        os.close(handle)
        shutil.rmtree(part, ignore_errors=True)
        if not existed and not (directory / MANIFEST).exists():
            shutil.rmtree(directory, ignore_errors=True)


def _left_behind(folder: Path) -> bool:
    """Whether nobody holds the lock of a folder that is not quite new: its number may be another process's now."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # gone by itself, or not ours
        return False
    try:
        return time.time() - os.fstat(handle).st_mtime > _NEW_SECONDS and _lock_if_free(handle)
    finally:
        os.close(handle)


def _lock_if_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or a disk without locks
        return False
    return True


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def publish(directory: Path, part: Path, manifest: Manifest) -> None:
    """Make the written folder the workspace: rename it, replace the manifest, then remove the data it replaces.

    Versions of layers that the old manifest names are kept.
    """
    data = directory / manifest.data
    with _alone(directory):
        old = _manifest_of(directory)
        fresh = part if not data.exists() else None  # else the same content was imported before: keep it
        if fresh is not None:
            part.rename(data)
        _replace_manifest(directory, _with_versions(manifest, _kept(directory, old, manifest)))
        for before in directory.glob("data-*"):
            if before != data:  # renamed first: a half-removed folder must never pass for data of that version
                before.rename(directory / f".trash-{before.name}")
        for trash in directory.glob(".trash-*"):
            shutil.rmtree(trash, ignore_errors=True)


def publish_version(directory: Path, part: Path, entry: LayerEntry) -> LayerEntry:
    """Add a version of a layer to the manifest of a workspace, its folder first; return it with its folder.

    The same content with the same date, sent again, is the version that is there.
    """
    folder = f"{CATALOGUE}/{entry.layer_id}/{entry.version}"
    with _alone(directory):
        manifest = _required(directory)
        known = next((e for e in manifest.versions if e.folder == folder and not e.withdrawn_at), None)
        if known is not None:
            return known
        place = directory / folder
        if place.exists():  # withdrawn before, or left by a crash between the two steps
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        part.rename(place)
        added = replace(entry, folder=folder)
        others = tuple(e for e in manifest.versions if e.folder != folder)
        _replace_manifest(directory, _with_versions(manifest, (*others, added)))
        return added


def change_versions(directory: Path, change: Callable[[Manifest], tuple[LayerEntry, ...]]) -> None:
    """Replace the versions in the manifest of a workspace by those that `change` makes of it."""
    with _alone(directory):
        manifest = _required(directory)
        _replace_manifest(directory, _with_versions(manifest, change(manifest)))


def _with_versions(manifest: Manifest, versions: tuple[LayerEntry, ...]) -> Manifest:
    """The same manifest with other versions; its own version changes with them, so that maps are drawn anew."""
    base = manifest.data.removeprefix("data-")
    later = [f"{e.folder} {e.withdrawn_at}" for e in versions if not e.folder.startswith(manifest.data)]
    version = hashlib.sha256("\n".join([base, *later]).encode()).hexdigest()[:12] if later else base
    return replace(manifest, versions=versions, version=version)


def _kept(directory: Path, old: Manifest | None, new: Manifest) -> tuple[LayerEntry, ...]:
    """Return the versions of the new manifest and those of the old one, linked out of the data that will go."""
    own = {(entry.layer_id, entry.version) for entry in (*new.layers, *new.versions)}
    if old is None or old.workspace_id != new.workspace_id or old.data == new.data:
        before = () if old is None or old.workspace_id != new.workspace_id else old.versions
        return (*new.versions, *(e for e in before if (e.layer_id, e.version) not in own))
    dated = [entry for entry in old.layers if entry.date and entry.digest]
    going = [e for e in (*dated, *old.versions) if (e.layer_id, e.version) not in own]
    return (*new.versions, *(_linked(directory, old, entry) for entry in going))


def _linked(directory: Path, old: Manifest, entry: LayerEntry) -> LayerEntry:
    if entry.folder.startswith(f"{CATALOGUE}/"):
        return entry
    source = directory / (entry.folder or old.data)
    folder = f"{CATALOGUE}/{entry.layer_id}/{entry.version}"
    for file in source.glob(f"*/{entry.layer_id}.*"):
        target = directory / folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _link(file, target)
    findings = directory / folder / "findings.parquet"
    if not findings.exists() and (source / "findings.parquet").is_file():
        import pandas as pd  # noqa: PLC0415 - only when a version is kept

        found = pd.read_parquet(source / "findings.parquet")
        found[found["layer"] == entry.layer_id].to_parquet(findings, index=False)
    return replace(entry, folder=folder)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a disk without links
        shutil.copy2(source, target)


def _manifest_of(directory: Path) -> Manifest | None:
    file = directory / MANIFEST
    if not file.is_file():
        return None
    try:
        return Manifest.from_json(file.read_text(encoding="utf-8"), file)
    except StorageError:  # of another version, or damaged: the import makes a new one
        return None


def _required(directory: Path) -> Manifest:
    file = directory / MANIFEST
    return Manifest.from_json(file.read_text(encoding="utf-8"), file)


def _replace_manifest(directory: Path, manifest: Manifest) -> None:
    fresh = directory / f".{MANIFEST}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(manifest.to_json())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(directory / MANIFEST)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process at a time change the manifest; a lock of the system, gone with the process that holds it."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _alive(pid: str) -> bool:
    """Whether the process of an import is still there; what one that was killed has left behind can go."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
