"""Files that somebody sent: their name, their size and, of an archive, what may come out of it.

Nothing in a file decides where it is written: only the ending of its name is used, archives are read member by member
with a limit on what really comes out, and whatever points out of the archive is refused.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from gridgov.errors import UploadError

MAX_BYTES = 200 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_MEMBERS = 200
SUFFIXES = (".gpkg", ".geojson", ".json", ".zip", ".tif", ".tiff", ".csv")
_INSIDE = (".shp", ".gpkg", ".geojson", ".json", ".tif", ".tiff", ".csv")
_BESIDE_SHP = (".shx", ".dbf", ".prj", ".cpg")
_CHUNK = 1 << 20
_PLAIN = re.compile(r"[^\w.()\- ]+")
_LONGEST_NAME = 100


def plain_name(name: str) -> str:
    """Return the last part of a name that somebody gave, without signs that mean something to a file system.

    Raises
    ------
    UploadError
        It has no ending of a file that is taken.
    """
    last = _PLAIN.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    suffix = Path(last).suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UploadError(
            f"'{last[:60]}' is no kind of file that is taken: send {known}", code="suffix", fields={"known": known}
        )
    return f"{Path(last).stem[: _LONGEST_NAME - len(suffix)]}{suffix}"


def unpack(archive: Path, folder: Path, *, wanted: str = "") -> Path:
    """Write the one data set of an archive into a folder and return its file.

    Parameters
    ----------
    wanted : str
        Name of the data set, without ending, where the archive holds several.

    Raises
    ------
    UploadError
        It is no archive or damaged, has a password, holds paths that lead elsewhere, links, too many or too large
        members, no data set or several.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _checked(opened.infolist())
            main = _main_member(members, wanted)
            stem = _path(main.filename).with_suffix("")
            take = [main]
            if _suffix(main) == ".shp":
                take += [m for m in members if _suffix(m) in _BESIDE_SHP and _path(m.filename).with_suffix("") == stem]
            left = MAX_UNPACKED_BYTES
            for member in take:
                left -= _write(opened, member, folder / f"data{_suffix(member)}", left)
            return folder / f"data{_suffix(main)}"
    except UploadError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UploadError(f"the archive is damaged ({error}): pack and send it again", code="zip_damaged") from error


def _checked(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    if len(members) > MAX_MEMBERS:
        raise UploadError(
            f"the archive has {len(members):,} members: send at most {MAX_MEMBERS}", too_large=True, code="zip_members"
        )
    for member in members:
        name = member.filename.replace("\\", "/")
        link = stat.S_ISLNK(member.external_attr >> 16)
        if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in PurePosixPath(name).parts or link:
            raise UploadError(
                f"the archive holds '{member.filename[:60]}', which leads out of it: pack the plain files",
                code="zip_paths",
            )
        if member.flag_bits & 0x1:
            raise UploadError("the archive has a password: send it without one", code="zip_password")
    if (total := sum(member.file_size for member in members)) > MAX_UNPACKED_BYTES:
        raise _bomb(total)
    return [m for m in members if not m.is_dir() and not m.filename.startswith("__MACOSX/")]


def _main_member(members: list[zipfile.ZipInfo], wanted: str) -> zipfile.ZipInfo:
    found = [m for m in members if _suffix(m) in _INSIDE]
    shapes = [m for m in found if _suffix(m) == ".shp"]
    found = shapes or found
    if wanted:
        found = [m for m in found if _path(m.filename).stem == wanted] or found
    if not found:
        raise UploadError(
            "the archive holds no data set: pack a Shapefile (.shp, .shx, .dbf, .prj) or another file that is taken",
            code="zip_empty",
        )
    if len(found) > 1:
        names = ", ".join(_path(m.filename).stem for m in found[:8])
        raise UploadError(
            f"the archive holds several data sets ({names}): name one of them", code="several", fields={"names": names}
        )
    return found[0]


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write a member and return its size; what an archive says of a size is not believed."""
    written = 0
    with opened.open(member) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > left:
                raise _bomb(written)
            file.write(chunk)
    return written


def _bomb(size: int) -> UploadError:
    return UploadError(
        f"the archive unpacks to {size:,} bytes or more: at most {MAX_UNPACKED_BYTES:,} are taken",
        too_large=True,
        code="zip_bomb",
    )


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _suffix(member: zipfile.ZipInfo) -> str:
    return _path(member.filename).suffix.lower()
