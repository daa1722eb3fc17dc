"""CSV files: encoding and delimiter found out, ragged rows marked, every cell kept as text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.errors import SourceError
from gridgov.layers.sources import check_source

_DELIMITERS = ",;\t|"
_COMMON_SHARE = 0.9  # of the non-ASCII signs that are ordinary Chinese; below it the text is not GB18030


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A CSV file as text.

    `ragged` marks the rows whose number of cells is not the header's; they are cut or filled to fit. `encoding` is the
    one that was used, `delimiter` the sign between cells; `guessed` says that nobody named it and it is not UTF-8.
    """

    frame: pd.DataFrame
    ragged: NDArray[np.bool_]
    encoding: str
    guessed: bool
    delimiter: str = ","


def read_csv(path: Path, *, encoding: str | None = None) -> CsvTable:
    """Read a CSV file with a header line.

    Raises
    ------
    SourceError
        The file is no text in the given (or any likely) encoding, or has no header or no row.
    """
    text, used = _decode(path, encoding)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise SourceError(f"{path}: no header line; the first line of a CSV file must name its columns")
    delimiter = max(_DELIMITERS, key=lambda sign: len(next(csv.reader([lines[0]], delimiter=sign))))
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    except csv.Error as error:
        raise SourceError(f"{path}: not a CSV file ({error}); save it again as CSV") from error
    header = _header(path, rows[0])
    if len(rows) == 1:
        raise SourceError(f"{path}: an empty layer, it has a header and no row; give a file with rows")
    body, width = rows[1:], len(header)
    ragged = np.array([len(row) != width for row in body], dtype=np.bool_)
    fitted = [row if len(row) == width else _fitted(row, width, delimiter) for row in body]
    frame = pd.DataFrame(fitted, columns=header, dtype=object)
    return CsvTable(frame, ragged, used, encoding is None and used != "utf-8", delimiter)


def _fitted(row: list[str], width: int, delimiter: str) -> list[str]:
    """The row in the header's width; cells too many stay in the last one, so that nothing is lost."""
    if len(row) < width:
        return row + [""] * (width - len(row))
    return [*row[: width - 1], delimiter.join(row[width - 1 :])]


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    names = [name or f"column_{position}" for position, name in enumerate(names, start=1)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(f"{path}: two columns are named '{twice[0]}'; rename one in the header line")
    return names


def _decode(path: Path, encoding: str | None) -> tuple[str, str]:
    check_source(path)
    data = path.read_bytes()
    if not data.strip():
        raise SourceError(f"{path}: the file is empty; give a file with rows")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        try:
            return data.decode("utf-16"), "utf-16"
        except UnicodeDecodeError as error:
            raise SourceError(f"{path}: cut off or no UTF-16; save it again as UTF-8") from error
    if b"\x00" in data[:4096]:
        raise SourceError(f"{path}: not a CSV file (it holds binary data); save it as CSV, UTF-8 or GB18030")
    return _decode_as(path, data, encoding) if encoding else _decode_guessed(path, data)


def _decode_as(path: Path, data: bytes, encoding: str) -> tuple[str, str]:
    name = encoding.lower().replace("_", "-")
    if name in {"utf-8", "utf8", "utf-8-sig"}:
        try:
            return data.decode("utf-8-sig"), "utf-8"
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise SourceError(f"{path}: line {line} is not UTF-8; name its encoding, for example gb18030") from error
    if _utf8(data) is not None and any(byte > 127 for byte in data):
        raise SourceError(f"{path}: the file is UTF-8, not {encoding}; correct or remove 'encoding' in the import file")
    try:
        return data.decode(encoding), name
    except LookupError as error:
        raise SourceError(f"{path}: the encoding '{encoding}' is unknown; use utf-8 or gb18030") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{path}: line {line} is not {encoding}; correct 'encoding' in the import file") from error


def as_gb18030(data: bytes) -> str | None:
    """Return bytes decoded as GB18030 if that gives ordinary Chinese text, else None."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return text if _common_share(text) >= _COMMON_SHARE else None


def _decode_guessed(path: Path, data: bytes) -> tuple[str, str]:
    text = _utf8(data)
    if text is not None:
        return text, "utf-8"
    text = as_gb18030(data)
    if text is None:
        raise SourceError(f"{path}: the text is neither UTF-8 nor GB18030; save it as UTF-8 or name its 'encoding'")
    return text, "gb18030"


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _common_share(text: str) -> float:
    """Share of the non-ASCII signs that GB2312 has too: near 1 in Chinese text, low in wrongly decoded bytes."""
    signs = [sign for sign in text[:200_000] if ord(sign) > 127]
    return sum(bool(sign.encode("gb2312", "ignore")) for sign in signs) / max(len(signs), 1)
