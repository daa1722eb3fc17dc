"""CSV files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.errors import SourceError
from gridgov.layers.tables import read_csv

TEXT = "编号,名称\n1,临江街道办事处\n2,滨河社区居民委员会\n"


def write(folder: Path, data: bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with and without a mark, GB18030 and UTF-16 give the same table."""
    table = read_csv(write(tmp_path, TEXT.encode(encoding)))
    assert list(table.frame.columns) == ["编号", "名称"]
    assert table.frame["名称"].tolist() == ["临江街道办事处", "滨河社区居民委员会"]
    assert table.guessed == (encoding in {"gb18030", "utf-16"})


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, sign: str) -> None:
    """The header line shows it."""
    table = read_csv(write(tmp_path, TEXT.replace(",", sign).encode()))
    assert table.frame.shape == (2, 2)


def test_the_wrong_encoding_in_the_import_file_is_said(tmp_path: Path) -> None:
    """UTF-8 read as GB18030 gives nonsense without an error; it is noticed."""
    with pytest.raises(SourceError, match="the file is UTF-8, not gb18030"):
        read_csv(write(tmp_path, TEXT.encode()), encoding="gb18030")
    with pytest.raises(SourceError, match="line 1 is not UTF-8"):
        read_csv(write(tmp_path, TEXT.encode("gb18030")), encoding="utf-8")
    with pytest.raises(SourceError, match="encoding 'martian' is unknown"):
        read_csv(write(tmp_path, TEXT.encode("gb18030")), encoding="martian")


def test_text_in_an_encoding_that_nobody_named_is_refused(tmp_path: Path) -> None:
    """Latin-1 and Big5 are not silently read as Chinese of another kind."""
    latin = "nom,lieu\n1,café à côté du marché où l'été s'achève\n" * 20
    with pytest.raises(SourceError, match="neither UTF-8 nor GB18030"):
        read_csv(write(tmp_path, latin.encode("latin-1")))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"a,b\n", "an empty layer"),
        (b"\n1,2\n", "no header line"),
        (b"a,a\n1,2\n", "two columns are named 'a'"),
        (b"PK\x03\x04\x00\x00\x00\x00", "binary data"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(SourceError, match=said):
        read_csv(write(tmp_path, data))


def test_a_row_with_too_many_or_too_few_cells_is_marked(tmp_path: Path) -> None:
    """It is fitted to the header so that it can be kept aside, not lost."""
    table = read_csv(write(tmp_path, b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n"))
    assert table.ragged.tolist() == [False, True, True]
    assert table.frame.shape == (3, 3)


@given(st.lists(st.lists(st.text('abc,"\n;甲', max_size=5), min_size=2, max_size=2), min_size=1, max_size=20))
def test_every_cell_that_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    """Quotes, commas and line breaks inside cells survive."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text).writerows([["first", "second"], *rows])
    path = write(tmp_path_factory.mktemp("csv"), text.getvalue().encode())
    assert read_csv(path).frame.to_numpy().tolist() == rows
