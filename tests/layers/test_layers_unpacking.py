"""Files that somebody sent: names that lead elsewhere, archives that are more than they say, archives without data."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from gridgov.errors import UploadError
from gridgov.layers import unpack, unpacking
from gridgov.layers.unpacking import plain_name


def archive(folder: Path, members: Mapping[str, bytes], name: str = "a.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in members.items():
            packed.writestr(member, content)
    return folder / name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("耕地 2025.gpkg", "耕地 2025.gpkg"),
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\data\\x.TIF", "x.tif"),
        ("a\nb;rm -rf.zip", "a_b_rm -rf.zip"),
        ("x" * 300 + ".json", "x" * 95 + ".json"),
    ],
)
def test_only_the_last_part_of_a_name_is_used(given: str, kept: str) -> None:
    assert plain_name(given) == kept


@pytest.mark.parametrize("name", ["a.exe", "noending", ".csv", "a.shp", "a.gml", "a.vrt", ""])
def test_other_kinds_of_files_are_refused(name: str) -> None:
    with pytest.raises(UploadError, match="no kind of file") as refused:
        plain_name(name)
    assert refused.value.code == "suffix"


def test_a_shapefile_comes_out_with_what_belongs_to_it_and_nothing_else(tmp_path: Path) -> None:
    """Members are written under our own names; a file beside the Shapefile stays in."""
    parts = {"区/land.SHP": b"s", "区/land.shx": b"x", "区/land.dbf": b"d", "区/land.prj": b"p", "区/run.sh": b"!"}
    main = unpack(archive(tmp_path, {**parts, "__MACOSX/land.shp": b"?"}), tmp_path)
    assert main == tmp_path / "data.shp"
    assert {file.name for file in tmp_path.glob("data.*")} == {"data.shp", "data.shx", "data.dbf", "data.prj"}


@pytest.mark.parametrize(
    ("member", "code"),
    [("../out.shp", "zip_paths"), ("/etc/x.shp", "zip_paths"), ("..\\x.shp", "zip_paths"), ("C:\\x.shp", "zip_paths"),
     ("readme.txt", "zip_empty"), ("inner.zip", "zip_empty")],
)  # fmt: skip
def test_paths_out_of_the_archive_and_archives_without_data_are_refused(tmp_path: Path, member: str, code: str) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(UploadError) as refused:
        unpack(archive(tmp_path, {member: b"x"}), tmp_path / "in")
    assert refused.value.code == code
    assert not any((tmp_path / "in").iterdir())


def test_a_link_and_a_password_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    locked = bytearray(archive(tmp_path, {"a.csv": b"x"}, "locked.zip").read_bytes())
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    for name, code in (("link.zip", "zip_paths"), ("locked.zip", "zip_password")):
        with pytest.raises(UploadError) as refused:
            unpack(tmp_path / name, tmp_path)
        assert refused.value.code == code


def test_a_bomb_is_stopped_by_what_comes_out_whatever_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten MB of zeros pack to ten kB; the size in the directory is checked, and the bytes that come out are, too."""
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", 5_000_000)
    bomb = archive(tmp_path, {"a.csv": bytes(10_000_000)})
    with pytest.raises(UploadError) as refused:
        unpack(bomb, tmp_path)
    assert (refused.value.code, refused.value.too_large) == ("zip_bomb", True)
    lying = bytearray(bomb.read_bytes())
    at = lying.index(b"PK\x01\x02") + 24  # the uncompressed size in the directory
    lying[at : at + 4] = (1000).to_bytes(4, "little")
    bomb.write_bytes(lying)
    with pytest.raises(UploadError):
        unpack(bomb, tmp_path)


def test_too_many_members_several_data_sets_and_rubbish_are_said(tmp_path: Path) -> None:
    many = archive(tmp_path, {f"{k}.txt": b"" for k in range(201)}, "many.zip")
    two = archive(tmp_path, {"a.gpkg": b"x", "b.csv": b"y"}, "two.zip")
    (tmp_path / "no.zip").write_bytes(b"no archive at all")
    for path, code in ((many, "zip_members"), (two, "several"), (tmp_path / "no.zip", "zip_damaged")):
        with pytest.raises(UploadError) as refused:
            unpack(path, tmp_path)
        assert refused.value.code == code
    assert unpack(two, tmp_path, wanted="b").read_bytes() == b"y"
