"""照片: pictures of incidents: checked, made anew without metadata, kept under the SHA-256 of their content."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from gridgov.errors import ParameterError, RecordNotFoundError, StorageError, UploadError
from gridgov.model.rights import Person, Right, may, require
from gridgov.operations.incidents import read_incident
from gridgov.workspace import Workspace

MAX_BYTES = 12 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_PHOTOS = 6
_LONGEST_SIDE_PX = 2048
_QUALITY = 85
_FORMATS = ("JPEG", "PNG", "WEBP")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def add_photo(workspace: Workspace, person: Person, content: bytes) -> str:
    """Keep a picture and return its digest, by which a report, a note or a resolution names it.

    The picture is decoded and encoded anew as JPEG, turned upright and at most 2048 pixels long, so that neither
    metadata (place, phone, time) nor anything hidden behind the pixels is kept.

    Raises
    ------
    RightsError
        The person may neither report nor handle incidents.
    UploadError
        It is too large, or no picture.
    StorageError
        The disk refused.
    """
    if not any(may(person, right) for right in (Right.INCIDENT_REPORT, Right.INCIDENT_NOTE)):
        require(person, Right.INCIDENT_REPORT)
    encoded = _made_anew(content)
    digest = hashlib.sha256(encoded).hexdigest()
    _write(workspace.photos, f"{digest}.jpg", encoded)
    return digest


def read_photo(workspace: Workspace, person: Person, incident_id: str, digest: str) -> bytes:
    """Return a picture of an incident as JPEG.

    Raises
    ------
    RecordNotFoundError
        The incident has no such picture.
    RightsError
        The person may not see the incident.
    """
    record = read_incident(workspace, person, incident_id)
    named = set(record.photos)
    for event in workspace.store.events(entity_id=incident_id):
        named.update(event.payload.get("photos") or ())
    if digest not in named:
        raise RecordNotFoundError(f"incident {incident_id} has no picture '{digest[:12]}'")
    try:
        return (workspace.photos / f"{digest}.jpg").read_bytes()
    except OSError as error:
        raise StorageError(f"the picture {digest[:12]} of incident {incident_id} cannot be read") from error


def check_photos(workspace: Workspace, digests: Sequence[str]) -> None:
    """Refuse pictures that were not added before.

    Raises
    ------
    ParameterError
    """
    if len(digests) > MAX_PHOTOS:
        raise ParameterError(f"{len(digests)} pictures are too many: give at most {MAX_PHOTOS}")
    for digest in digests:
        if not _DIGEST.fullmatch(digest) or not (workspace.photos / f"{digest}.jpg").is_file():
            raise ParameterError(f"the picture '{digest[:12]}' is not here: send it first")


def _made_anew(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise UploadError(f"the picture has {len(content):,} bytes: send at most {MAX_BYTES:,}", too_large=True)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise UploadError(
                    f"the picture has {opened.width} x {opened.height} pixels: send at most {MAX_PIXELS:,} in all",
                    too_large=True,
                )
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, UploadError):
            raise
        raise UploadError("the file is no picture that can be read: send a JPEG, PNG or WebP") from error
    upright.thumbnail((_LONGEST_SIDE_PX, _LONGEST_SIDE_PX))
    plain = Image.new("RGB", upright.size)  # a fresh picture carries nothing but pixels
    plain.paste(upright)
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write a file that is there whole or not at all, and safe on the disk before an event names it."""
    if (folder / name).is_file():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".new-", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o640)
                Path(file.name).replace(folder / name)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise StorageError(f"the picture could not be saved ({error.strerror or error}); nothing was saved") from error
