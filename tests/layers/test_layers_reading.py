"""One source → one checked layer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.errors import SourceError, SpecError
from gridgov.layers import CheckResult, ImportLayer, check, load_specs, read_layer, write_aside
from gridgov.model import FindingAction

SPECS = load_specs()
BOUNDS = (119.0, 29.5, 119.2, 29.7)


def shelters(count: int = 3) -> gpd.GeoDataFrame:
    rows = {"shelter_id": [f"S{i}" for i in range(count)], "capacity_persons": [100] * count}
    points = gpd.points_from_xy(119.05 + 0.001 * np.arange(count), [29.6] * count)
    return gpd.GeoDataFrame(rows, geometry=points, crs="EPSG:4326")


def lots(*shapes: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"parcel_id": [f"P{i}" for i in range(len(shapes))]}, geometry=list(shapes), crs="EPSG:4326"
    )


def read(path: Path, kind: str = "shelters", **options: Any) -> CheckResult:
    return read_layer(ImportLayer(kind, kind, path, **options), SPECS[kind], bounds=BOUNDS)


def write_csv(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return path


def rules(result: CheckResult) -> Counter[str]:
    return Counter(finding.rule for finding in result.findings)


# ------------------------------------------------------------------ formats
@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb", ".parquet"])
def test_every_vector_format_gives_the_same_layer(tmp_path: Path, suffix: str) -> None:
    """GeoPackage, GeoJSON, Shapefile, FlatGeobuf and GeoParquet are one to the checks."""
    frame, path = shelters().rename(columns={"shelter_id": "ID", "capacity_persons": "CAP"}), tmp_path / f"s{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path)
    result = read(path, fields={"shelter_id": "ID", "capacity_persons": "CAP"})
    assert sorted(result.frame["shelter_id"]) == ["S0", "S1", "S2"]
    assert result.frame["capacity_persons"].tolist() == [100, 100, 100]
    assert result.frame.crs == "EPSG:4326"
    assert result.findings == []


def test_a_projected_source_comes_out_in_longitude_and_latitude(tmp_path: Path) -> None:
    """The CRS of the file is honoured, x is longitude."""
    path = tmp_path / "s.gpkg"
    shelters().to_crs("EPSG:4549").to_file(path)
    result = read(path)
    assert result.frame.geometry.x.iloc[0] == pytest.approx(119.05, abs=1e-7)
    assert result.frame.geometry.y.iloc[0] == pytest.approx(29.6, abs=1e-7)


def test_cgcs2000_keeps_longitude_first(tmp_path: Path) -> None:
    """EPSG:4490 has latitude first in the registry; the files have not."""
    path = tmp_path / "s.gpkg"
    shelters().set_crs("EPSG:4490", allow_override=True).to_file(path)
    result = read(path)
    assert result.frame.geometry.x.iloc[0] == pytest.approx(119.05, abs=1e-6)
    assert rules(result) == {}


# ------------------------------------------------------------------ faults of a whole source
def test_a_missing_file_is_a_source_fault(tmp_path: Path) -> None:
    """The sentence names file and layer."""
    with pytest.raises(SourceError, match="no such file; correct the source of layer 'shelters'"):
        read(tmp_path / "s.gpkg")


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb", ".parquet", ".xyz"])
def test_a_file_that_is_not_what_it_claims_is_a_source_fault(tmp_path: Path, suffix: str) -> None:
    """Plain text under any ending."""
    path = tmp_path / f"s{suffix}"
    path.write_text("hello")
    with pytest.raises(SourceError, match=r"not a readable|unknown kind"):
        read(path)


def test_a_geojson_named_geopackage_is_refused(tmp_path: Path) -> None:
    """GDAL would read it by its content; the ending must tell the truth."""
    shelters().to_file(tmp_path / "s.geojson")
    path = (tmp_path / "s.geojson").rename(tmp_path / "s.gpkg")
    with pytest.raises(SourceError, match=r"not a \.gpkg file but GeoJSON"):
        read(path)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb", ".parquet", ".shp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_a_source_fault(tmp_path: Path, suffix: str, share: float) -> None:
    """Cut off anywhere, a file never passes for a smaller layer."""
    path, frame = tmp_path / f"s{suffix}", shelters(3000)[["shelter_id", "geometry"]]
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError):
        read(path)


def test_no_crs_is_a_source_fault_and_the_import_file_can_name_it(tmp_path: Path) -> None:
    """A Shapefile without .prj."""
    path = tmp_path / "s.shp"
    shelters().rename(columns={"capacity_persons": "cap"}).to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(SourceError, match="no CRS in this file"):
        read(path)
    assert len(read(path, crs="EPSG:4326").frame) == 3


def test_an_unknown_crs_is_a_source_fault(tmp_path: Path) -> None:
    """A typing error in the import file."""
    path = write_csv(tmp_path, "shelter_id,lon,lat\nA,119.1,29.6\n")
    with pytest.raises(SourceError, match="CRS 'EPSG:999999' is unknown"):
        read(path, crs="EPSG:999999")


def test_an_empty_layer_is_a_source_fault(tmp_path: Path) -> None:
    """A layer without rows, or a filter that leaves none."""
    empty, full = tmp_path / "empty.gpkg", tmp_path / "full.gpkg"
    shelters(0).to_file(empty)
    shelters().to_file(full)
    with pytest.raises(SourceError, match="an empty layer"):
        read(empty)
    with pytest.raises(SourceError, match="no row has shelter_id = S9"):
        read(full, where={"shelter_id": "S9"})


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    """The user sees what to write instead."""
    path = write_csv(tmp_path, "编号,lon,lat\nA,119.1,29.6\n")
    with pytest.raises(SourceError, match=r"no column for shelter_id = 'ID'.*the source has 编号, lon, lat"):
        read(path, fields={"shelter_id": "ID"})
    with pytest.raises(SourceError, match="has no field 'beds'"):
        read(path, fields={"beds": "编号"})


def test_a_layer_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    """Several layers need a name; a wrong one is said."""
    path = tmp_path / "s.gpkg"
    shelters().to_file(path, layer="a")
    shelters().to_file(path, layer="b")
    with pytest.raises(SourceError, match=r"several layers \(a, b\)"):
        read(path)
    with pytest.raises(SourceError, match=r"no layer 'c' \(it has a, b\)"):
        read(path, source_layer="c")
    assert len(read(path, source_layer="b").frame) == 3


def test_a_csv_without_coordinates_is_a_source_fault(tmp_path: Path) -> None:
    """A point layer needs them; the columns are listed."""
    with pytest.raises(SourceError, match="no coordinate columns among shelter_id, where"):
        read(write_csv(tmp_path, "shelter_id,where\nA,here\n"))


@pytest.mark.parametrize("name", ["s.gpkg", "s.csv", "s.parquet", "s.shp"])
def test_a_folder_as_source_is_called_a_folder(tmp_path: Path, name: str) -> None:
    """It is there, so "no such file" would be wrong."""
    (tmp_path / name).mkdir()
    with pytest.raises(SourceError, match="a folder, not a file; name the file in it"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["s.gpkg", "s.csv"])
def test_a_file_without_the_right_to_read_it_is_no_damaged_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exporting it again would not help."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match="no permission to read this file"):
        read(tmp_path / name)


def test_a_cut_off_utf16_file_is_a_source_fault(tmp_path: Path) -> None:
    """No error of the codec comes through."""
    (tmp_path / "t.csv").write_bytes("shelter_id,lon,lat\nA,119.1,29.6\n".encode("utf-16")[:-1])
    with pytest.raises(SourceError, match="cut off or no UTF-16"):
        read(tmp_path / "t.csv")


# ------------------------------------------------------------------ faults of rows
def test_an_infinite_coordinate_is_a_missing_position(tmp_path: Path) -> None:
    """And nothing is printed by numpy (a warning would fail this test)."""
    path = write_csv(tmp_path, "shelter_id,lon,lat\nA,inf,29.6\nB,119.1,-inf\nC,119.1,29.6\nD,nan,nan\n")
    result = read(path)
    assert result.frame["shelter_id"].tolist() == ["C"]
    assert rules(result)["missing_geometry"] == 3


def test_an_infinite_coordinate_of_a_vector_file_is_a_missing_position(tmp_path: Path) -> None:
    """In a projected CRS, too, where every coordinate is computed."""
    frame = shelters().to_crs("EPSG:4549")
    frame.loc[1, "geometry"] = shelters().geometry.iloc[0].__class__(np.inf, np.inf)
    frame.to_file(tmp_path / "s.gpkg")
    result = read(tmp_path / "s.gpkg")
    assert result.frame["shelter_id"].tolist() == ["S0", "S2"]
    assert rules(result)["missing_geometry"] == 1


def test_decimal_commas_of_a_semicolon_file_are_read_and_said(tmp_path: Path) -> None:
    """As spreadsheets in many countries write them."""
    path = write_csv(tmp_path, "shelter_id;capacity_persons;lon;lat\nA;10;119,02;29,6\nB;20;119,03;29,61\n")
    result = read(path)
    assert result.frame.geometry.x.tolist() == [119.02, 119.03]
    assert [(f.rule, f.detail) for f in result.findings] == [("decimal_comma", {"value": "lon, lat"})]


def test_a_grid_of_the_size_of_a_province_is_kept_aside() -> None:
    """It would cover every other grid."""
    shapes = [shapely.box(119.1, 29.6, 119.101, 29.601), shapely.box(109, 19.6, 129, 39.6)]
    frame = gpd.GeoDataFrame({"grid_code": ["A", "B"]}, geometry=shapes, crs="EPSG:4326")
    result = check(frame, SPECS["grids"])
    assert result.frame["grid_code"].tolist() == ["A"]
    assert result.aside["rule"].tolist() == ["grid_too_large"]
    (finding,) = [f for f in result.findings if f.rule == "grid_too_large"]
    assert float(finding.detail["area_km2"]) == pytest.approx(4.28e6, rel=0.01)  # 20 degrees each way, at 29.6 N


def test_times_of_incidents_that_cannot_be_are_said(tmp_path: Path) -> None:
    """The rows stay; without `now` nothing is still to come."""
    rows = [
        "A,2026-06-01,2026-05-01,119.1,29.6", "B,2026-07-01,,119.1,29.61", "C,1900-01-01,,119.1,29.62",
        "D,2926-01-01,,119.1,29.63", "E,2026-06-01,2026-06-02,119.1,29.64",
    ]  # fmt: skip
    path = write_csv(tmp_path, "\n".join(["incident_id,reported_at,closed_at,lon,lat", *rows]))
    item = ImportLayer("incidents", "incidents", path)
    now = pd.Timestamp("2026-06-30", tz="UTC").to_pydatetime()
    result = read_layer(item, SPECS["incidents"], now=now)
    assert len(result.frame) == 5
    assert [(f.rule, f.key) for f in result.findings] == [
        ("closed_before_reported", "A"), ("reported_in_future", "B"),
        ("reported_in_no_age", "C"), ("reported_in_no_age", "D"),
    ]  # fmt: skip
    assert "reported_in_future" not in rules(read_layer(item, SPECS["incidents"]))
    assert result.findings[0].message("en") == "Closed at 2026-05-01 00:00, before it was reported at 2026-06-01 00:00"


def test_wrong_values_are_removed_and_said(tmp_path: Path) -> None:
    """Wrong type, out of range; the row stays."""
    path = write_csv(
        tmp_path, "shelter_id,capacity_persons,indoor,lon,lat\nA,many,是,119.1,29.6\nB,-5,maybe,119.1,29.61\n"
    )
    result = read(path)
    assert result.frame["capacity_persons"].isna().all()
    assert rules(result) == {"wrong_type": 2, "out_of_range": 1}
    assert all(finding.action is FindingAction.EMPTIED for finding in result.findings)
    assert result.frame["indoor"].tolist() == [True, pd.NA] or result.frame["indoor"].iloc[0]


def test_an_unknown_code_is_removed_and_said(tmp_path: Path) -> None:
    """The specification lists the codes of a state."""
    path = write_csv(tmp_path, "incident_id,state,lon,lat\nA,closed,119.1,29.6\nB,lost,119.1,29.61\n")
    result = read(path, "incidents")
    assert rules(result) == {"unknown_code": 1}
    assert result.findings[0].row == 2
    assert result.findings[0].detail == {"value": "lost"}


def test_a_code_in_another_case_is_repaired(tmp_path: Path) -> None:
    """It can mean one code only."""
    path = write_csv(tmp_path, "incident_id,state,lon,lat\nA, Closed ,119.1,29.6\nB,IN_PROGRESS,119.1,29.61\n")
    result = read(path, "incidents")
    assert result.frame["state"].tolist() == ["closed", "in_progress"]
    assert rules(result) == {"code_spelling": 2}
    assert {finding.action for finding in result.findings} == {FindingAction.REPAIRED}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"constants": {"kind": "events"}}, "constants: kind = 'events' is not one of event, component"),
        ({"constants": {"severity": 9}}, "constants: severity = '9' is above 4"),
        ({"constants": {"severity": "high"}}, "constants: severity = 'high' is not of type integer"),
        ({"recode": {"state": {"x": "done"}}}, "values.state: state = 'done' is not one of reported"),
        ({"recode": {"severity": {"low": 0}}}, "values.severity: severity = '0' is below 1"),
    ],
)
def test_a_wrong_value_of_the_import_file_is_one_error(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    """Not a finding in each of a thousand rows."""
    path = write_csv(tmp_path, "incident_id,state,lon,lat\nA,closed,119.1,29.6\n")
    with pytest.raises(SpecError, match=said):
        read(path, "incidents", **options)


def test_the_import_file_may_empty_a_value(tmp_path: Path) -> None:
    """An empty target is no fault."""
    path = write_csv(tmp_path, "incident_id,state,lon,lat\nA,?,119.1,29.6\n")
    result = read(path, "incidents", recode={"state": {"?": ""}})
    assert result.frame["state"].isna().all()
    assert rules(result) == {}


def test_values_are_recoded_by_the_import_file(tmp_path: Path) -> None:
    """Source words become codes; `*` is every other word; list items one by one."""
    path = write_csv(tmp_path, "id,状态,lon,lat\nA,已处理,119.1,29.6\nB,else,119.1,29.61\n")
    result = read(
        path,
        "incidents",
        fields={"incident_id": "id", "state": "状态"},
        recode={"state": {"已处理": "closed", "*": "filed"}},
    )
    assert result.frame["state"].tolist() == ["closed", "filed"]
    path = write_csv(tmp_path, 'shelter_id,h,lon,lat\nA,"水灾,地震",119.1,29.6\n')
    result = read(path, fields={"hazard_kinds": "h"}, recode={"hazard_kinds": {"水灾": "flood"}})
    assert result.frame["hazard_kinds"].iloc[0] == ["flood", "地震"]


def test_the_second_row_of_a_key_and_a_row_without_key_are_kept_aside(tmp_path: Path) -> None:
    """The first one stays."""
    path = write_csv(tmp_path, "shelter_id,lon,lat\nA,119.1,29.6\nA,119.11,29.6\n,119.12,29.6\n")
    result = read(path)
    assert result.frame["shelter_id"].tolist() == ["A"]
    assert result.aside["rule"].tolist() == ["duplicate_key", "missing_key"]
    assert result.aside["source_row"].tolist() == [2, 3]
    duplicate = next(finding for finding in result.findings if finding.rule == "duplicate_key")
    assert duplicate.detail == {"first_row": 1}
    assert duplicate.key == "A"


def test_null_stays_null_and_is_counted(tmp_path: Path) -> None:
    """Null is not zero."""
    path = write_csv(tmp_path, "shelter_id,capacity_persons,lon,lat\nA,,119.1,29.6\nB,0,119.11,29.6\nC,7,119.12,29.6\n")
    result = read(path)
    assert result.frame["capacity_persons"].isna().tolist() == [True, False, False]
    assert [(f.rule, f.row, f.detail) for f in result.findings] == [("nulls_kept", None, {"count": 1, "rows": 3})]


def test_a_column_of_nothing_but_zeros_is_suspected(tmp_path: Path) -> None:
    """Somebody may have written zero for unknown."""
    rows = "".join(f"S{i},0,{119.05 + i / 1000},29.6\n" for i in range(12))
    result = read(write_csv(tmp_path, "shelter_id,capacity_persons,lon,lat\n" + rows))
    assert rules(result) == {"only_zeros": 1}


def test_a_row_with_shifted_cells_is_kept_aside(tmp_path: Path) -> None:
    """An unquoted comma that was taken out again leaves cells one column off."""
    path = write_csv(
        tmp_path,
        "shelter_id,name,capacity_persons,lon,lat,note\n"
        "A,School,10,119.1,29.6,\nB,Hall,and more,20,119.11,29.6\nC,Gym,30,119.12,29.6,\n",
    )
    result = read(path)
    assert result.aside["rule"].tolist() == ["column_shifted"]
    assert result.aside["shelter_id"].tolist() == ["B"]


def test_one_wrong_number_does_not_make_a_shifted_row(tmp_path: Path) -> None:
    """Its neighbours are numbers in any case; the row stays."""
    path = write_csv(
        tmp_path,
        "shelter_id,capacity_persons,lon,lat,postcode\nA,many,119.1,29.6,310000\nB,20,119.11,29.6,310000\n"
        "C,30,119.12,29.6,310000\n",
    )
    result = read(path)
    assert len(result.frame) == 3
    assert rules(result)["wrong_type"] == 1


def test_a_row_with_the_wrong_number_of_cells_is_kept_aside(tmp_path: Path) -> None:
    """The import goes on with the others."""
    path = write_csv(tmp_path, "shelter_id,name,lon,lat\nA,Hall,119.1,29.6\nB,Ha,ll,119.1,29.6\n")
    result = read(path)
    assert result.aside["rule"].tolist() == ["ragged_row"]
    assert result.aside["lat"].tolist() == ["119.1,29.6"]  # the cells too many are not lost
    assert len(result.frame) == 1


def test_rows_that_the_source_marks_are_kept_aside(tmp_path: Path) -> None:
    """`malformed` in the import file names the source's own flag."""
    path = write_csv(tmp_path, "shelter_id,bad,lon,lat\nA,0,119.1,29.6\nB,1,119.11,29.6\n")
    result = read(path, malformed="bad")
    assert result.aside["rule"].tolist() == ["marked_malformed"]


def test_a_layer_without_ids_gets_them_from_its_rows(tmp_path: Path) -> None:
    """Stable, and said."""
    result = read(write_csv(tmp_path, "name,lon,lat\nHall,119.1,29.6\nGym,119.11,29.6\n"))
    assert result.frame["shelter_id"].tolist() == ["shelters-1", "shelters-2"]
    assert rules(result) == {"key_generated": 1}


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-06-30 10:00:00", "2026-06-30T02:00:00+00:00"),
        ("2026-06-30T10:00:00+08:00", "2026-06-30T02:00:00+00:00"),
        ("2026/6/30 10:00", "2026-06-30T02:00:00+00:00"),
        ("2026年6月30日 10:00", "2026-06-30T02:00:00+00:00"),
        ("06/30/2026 10:00:00 AM", "2026-06-30T02:00:00+00:00"),
        ("2026-06-30T02:00:00Z", "2026-06-30T02:00:00+00:00"),
        ("2026-06-30", "2026-06-29T16:00:00+00:00"),
    ],
)
def test_times_become_utc(tmp_path: Path, text: str, utc: str) -> None:
    """A time without an offset is local time of the workspace."""
    path = write_csv(tmp_path, f"incident_id,reported_at,lon,lat\nA,{text},119.1,29.6\n")
    result = read(path, "incidents", timezone="Asia/Shanghai")
    assert result.frame["reported_at"].iloc[0].isoformat() == utc


# ------------------------------------------------------------------ geometry
def test_an_open_ring_is_closed_and_said(tmp_path: Path) -> None:
    """Real files have them."""
    ring = "[[119.1,29.6],[119.11,29.6],[119.11,29.61],[119.1,29.61]]"
    path = tmp_path / "p.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"parcel_id":"A"},'
        f'"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}]}}'
    )
    result = read(path, "land")
    assert rules(result) == {"unclosed_ring": 1}
    assert result.findings[0].action is FindingAction.REPAIRED
    assert result.frame.geometry.iloc[0].area == pytest.approx(1e-4)


def test_a_crossing_ring_is_repaired_and_a_collapsed_one_kept_aside() -> None:
    """A bow-tie becomes two triangles; a polygon without area has nothing to keep."""
    bow_tie = shapely.Polygon([(119.1, 29.6), (119.11, 29.61), (119.11, 29.6), (119.1, 29.61)])
    collapsed = shapely.Polygon([(119.1, 29.6), (119.11, 29.6), (119.1, 29.6)])
    result = check(lots(bow_tie, collapsed), SPECS["land"])
    assert result.frame.geometry.is_valid.all()
    assert result.frame["parcel_id"].tolist() == ["P0"]
    assert result.aside["rule"].tolist() == ["hopeless_geometry"]
    assert rules(result) == {"invalid_geometry": 1, "hopeless_geometry": 1}


def test_empty_and_wrong_geometry_is_kept_aside() -> None:
    """A polygon layer takes polygons, also out of a collection."""
    box = shapely.box(119.1, 29.6, 119.11, 29.61)
    mixed = shapely.GeometryCollection([box, shapely.Point(119.1, 29.6)])
    result = check(lots(box, None, shapely.Polygon(), shapely.Point(119.1, 29.6), mixed), SPECS["land"])
    assert result.aside["rule"].tolist() == ["missing_geometry", "missing_geometry", "wrong_geometry_type"]
    assert result.frame.geometry.geom_type.tolist() == ["Polygon", "Polygon"]
    assert rules(result)["geometry_simplified"] == 1


def test_a_csv_row_without_a_position_is_kept_aside(tmp_path: Path) -> None:
    """An empty or unreadable coordinate is no place."""
    result = read(write_csv(tmp_path, "shelter_id,lon,lat\nA,119.1,29.6\nB,,\nC,east,north\n"))
    assert result.aside["shelter_id"].tolist() == ["B", "C"]


def test_rows_kept_aside_come_in_again_once_they_are_put_right(tmp_path: Path) -> None:
    """The file of rows kept aside is itself a source: WKT gives the shapes."""
    box = shapely.box(119.1, 29.6, 119.11, 29.61)
    first = check(lots(box, box).assign(parcel_id=["A", "A"]), SPECS["land"])
    write_aside(tmp_path / "land.csv", first.aside)
    again = read(tmp_path / "land.csv", "land")
    assert again.frame.geometry.iloc[0].equals(box)
    with pytest.raises(SourceError, match="needs a column wkt"):
        read(write_csv(tmp_path, "parcel_id,lon,lat\nA,119.1,29.6\n"), "land")


def test_a_chinese_shapefile_without_a_named_encoding_is_read_rightly(tmp_path: Path) -> None:
    """GBK without .cpg is what many offices send."""
    path = tmp_path / "s.shp"
    shelters()[["shelter_id", "geometry"]].assign(name="临江街道办事处").to_file(path, encoding="gb18030")
    path.with_suffix(".cpg").unlink()
    result = read(path)
    assert result.frame["name"].tolist() == ["临江街道办事处"] * 3
    assert rules(result) == {"encoding_guessed": 1}


# ------------------------------------------------------------------ invariants
CELL = st.sampled_from(["", "1", "2", "A", "A", "B", "-3", "119.1", "29.6", "29.61", "500", "nan", "x", "已处理"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELL, min_size=3, max_size=6), min_size=1, max_size=25))
def test_every_row_is_either_clean_or_aside_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Nothing is dropped in silence, whatever the file holds."""
    text = "shelter_id,capacity_persons,name,lon,lat\n" + "".join(",".join(row) + "\n" for row in rows)
    path = write_csv(tmp_path_factory.mktemp("rows"), text)
    result = read(path)
    assert len(result.frame) + len(result.aside) == len(rows)
    assert sorted([*(result.frame.index + 1), *result.aside["source_row"]]) == list(range(1, len(rows) + 1))
    assert result.aside["reason"].str.len().gt(0).all()
    said = {finding.row for finding in result.findings if finding.action is FindingAction.ASIDE}
    assert set(result.aside["source_row"]) <= said
    assert result.frame["shelter_id"].is_unique


def test_rows_kept_aside_are_written_with_reason_and_place(tmp_path: Path) -> None:
    """A spreadsheet opens the file: UTF-8 with a mark, reason in both languages, WKT."""
    result = read(write_csv(tmp_path, "shelter_id,reason,lon,lat\nA,x,119.1,29.6\nA,y,119.11,29.6\n"))
    write_aside(tmp_path / "aside" / "shelters.csv", result.aside)
    written = pd.read_csv(tmp_path / "aside" / "shelters.csv")
    assert written["reason_source"].tolist() == ["y"]
    assert "重复" in written["reason"].iloc[0]
    assert "twice" in written["reason"].iloc[0]
    assert written["wkt"].tolist() == ["POINT (119.11 29.6)"]
    assert (tmp_path / "aside" / "shelters.csv").read_bytes()[:3] == b"\xef\xbb\xbf"
