"""网格编码: the 15 digits of a unit grid, read, written and checked.

6 digits district (GB/T 2260) + 3 street or town + 3 community or village + 3 sequence in the community, 001-999.
The street part is 001-099 街道, 100-199 镇, 200-399 乡, 400-599 政企合一.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.model import Finding, FindingAction, FindingLevel

_DIGITS = re.compile(r"[0-9]{15}")
_STREET_MAX = 599
# First two digits of GB/T 2260: provinces, autonomous regions, municipalities, Taiwan, Hong Kong, Macao.
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
    ]
)
_PARENTS = {"district_code": 6, "street_code": 9, "community_code": 12}
_ZEROS = {6: "000000000", 9: "000000", 12: "000"}  # parents are often written filled up with zeros


@dataclass(frozen=True, slots=True, order=True)
class GridCode:
    """A unit-grid code in its four parts.

    >>> GridCode.parse("330106002015007").community_code
    '330106002015'
    """

    district: str
    street: str
    community: str
    sequence: str

    @classmethod
    def parse(cls, text: str) -> GridCode:
        """Read a code.

        Raises
        ------
        ParameterError
            The code is not valid; the sentence says which part.
        """
        if (fault := code_fault(text)) is not None:
            raise ParameterError(f"grid code '{text}' is not valid ({fault[0]}); 15 digits are needed: 6 + 3 + 3 + 3")
        return cls(text[:6], text[6:9], text[9:12], text[12:])

    def __str__(self) -> str:
        return self.district + self.street + self.community + self.sequence

    @property
    def district_code(self) -> str:
        """6 digits."""
        return self.district

    @property
    def street_code(self) -> str:
        """9 digits."""
        return self.district + self.street

    @property
    def community_code(self) -> str:
        """12 digits."""
        return self.street_code + self.community

    @property
    def street_kind(self) -> str:
        """``subdistrict`` (街道), ``town`` (镇), ``township`` (乡) or ``enterprise`` (政企合一)."""
        number = int(self.street)
        if number < 100:
            return "subdistrict"
        if number < 200:
            return "town"
        return "township" if number < 400 else "enterprise"


def code_fault(text: str) -> tuple[str, str] | None:
    """Return (rule, part) of the first fault of a code, or None if it is valid."""
    if len(text) != 15:
        return "code_length", text
    if not _DIGITS.fullmatch(text):
        return "code_digits", text
    faults = (
        ("code_district", text[:6], text[:2] not in _PROVINCES or text[2:6] == "0000"),
        ("code_street", text[6:9], not 1 <= int(text[6:9]) <= _STREET_MAX),
        ("code_community", text[9:12], text[9:12] == "000"),
        ("code_sequence", text[12:], text[12:] == "000"),
    )
    return next(((rule, part) for rule, part, wrong in faults if wrong), None)


def check_codes(frame: Any, layer_id: str = "grids") -> tuple[Any, pd.DataFrame, list[Finding]]:
    """Check the codes of grids and fill in the codes of their community, street and district.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        With `grid_code`; its index is the 0-based row of the source.
    layer_id : str

    Returns
    -------
    frame : the grids whose code is valid, `community_code`, `street_code` and `district_code` taken from it
    bad : DataFrame
        The others, in the form of rows kept aside: `source_row`, `rule`, `reason`, their columns, `wkt`.
    findings : list of Finding
        One for each bad code, and one for each grid whose own parent code says otherwise (the code wins).
    """
    codes = frame["grid_code"].astype(object).map(lambda value: "" if pd.isna(value) else str(value))
    faults = {row: fault for row, code in codes.items() if (fault := code_fault(code)) is not None}
    findings = [
        Finding(
            layer_id,
            int(row) + 1,
            "grid_code",
            rule,
            FindingLevel.ERROR,
            FindingAction.ASIDE,
            codes[row],
            {"part": part},
        )
        for row, (rule, part) in faults.items()
    ]
    bad_mask = codes.index.isin(list(faults))
    bad = _aside(frame.loc[bad_mask], findings)
    clean, corrected = _fill_parents(frame.loc[~bad_mask].copy(), codes[~bad_mask], layer_id)
    return clean, bad, findings + corrected


def _fill_parents(frame: Any, codes: pd.Series, layer_id: str) -> tuple[Any, list[Finding]]:
    findings = []
    for column, length in _PARENTS.items():
        right = codes.str[:length]
        if column in frame:
            given = frame[column].astype(object)
            agrees = given.isna() | (given == right) | (given == right + _ZEROS[length][: 15 - length])
            agrees |= given == right + "0" * (12 - length)
            findings += [
                Finding(
                    layer_id, int(row) + 1, column, "code_parent", FindingLevel.WARNING, FindingAction.REPAIRED,
                    codes[row], {"value": str(given[row])},
                )
                for row in given.index[~agrees]
            ]  # fmt: skip
        frame[column] = right.astype("str")
    return frame, findings


def _aside(rows: Any, findings: list[Finding]) -> pd.DataFrame:
    head = pd.DataFrame(
        {
            "source_row": [finding.row for finding in findings],
            "rule": [finding.rule for finding in findings],
            "reason": [f"{finding.message('zh')} / {finding.message('en')}" for finding in findings],
        }
    )
    own = pd.DataFrame(rows).drop(columns="geometry", errors="ignore").reset_index(drop=True)
    parts = [head, own]
    if "geometry" in rows:
        shapes: NDArray[np.object_] = np.asarray(rows["geometry"], dtype=object)
        parts.append(pd.DataFrame({"wkt": shapely.to_wkt(shapes, rounding_precision=-1)}))
    return pd.concat(parts, axis=1)
