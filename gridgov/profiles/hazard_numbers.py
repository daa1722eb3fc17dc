"""Numbers behind computed hazards of a city (data/profiles/hazards.toml): depths, substances, fuels, angles."""

from __future__ import annotations

from pathlib import Path

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, SpecError
from gridgov.model.hazard_profiles import Fuel, HazardProfile, LevelScale, Spill, Substance
from gridgov.model.incident_classes import Certainty
from gridgov.profiles.tables import Table


def load_hazard_profile(path: Path | None = None) -> HazardProfile:
    """Read the numbers behind computed hazards.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/hazards.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown or impossible.
    """
    table = Table.read(path or resource_dir("profiles") / "hazards.toml")
    depth = _depth(table.table("flood"))
    substances = tuple(_substance(row) for row in table.tables("substance", "code"))
    fuels = tuple(_fuel(row) for row in table.tables("fuel", "code"))
    slope = table.table("slope")
    angle, step = _positive(slope, "angle_deg"), _positive(slope, "step_deg")
    if not step < angle < 90 - step:
        raise SpecError(f"{slope.where}: an angle of {angle} ± {step} degrees is none of a slope; correct it")
    source, certainty = _cited(slope)
    slope.finish()
    table.finish()
    _refuse_twice(table, [one.code for one in substances], "substance")
    _refuse_twice(table, [str(cover) for fuel in fuels for cover in fuel.land_cover], "land_cover class")
    return HazardProfile(depth, substances, fuels, angle, step, source, certainty)


def _depth(table: Table) -> LevelScale:
    limits = tuple(table.numbers("depth_m"))
    source, certainty = _cited(table)
    table.finish()
    try:
        return LevelScale(limits, source, certainty)
    except ParameterError as error:
        raise SpecError(f"{table.where}: {error}") from error


def _substance(row: Table) -> Substance:
    code, number, names = row.text("code"), row.text("un_number", ""), row.names("names")
    small, large = (_spill(row.table(key)) if key in row.keys() else None for key in ("small", "large"))  # noqa: SIM118
    limits = tuple(row.numbers("limits_mg_m3")) if "limits_mg_m3" in row.keys() else None  # noqa: SIM118
    if limits is not None and (len(limits) != 3 or not 0 < limits[0] < limits[1] < limits[2]):
        raise SpecError(f"{row.where}: 'limits_mg_m3' must hold three rising numbers above 0")
    source, certainty = _cited(row)
    row.finish()
    rising = None if limits is None else (limits[0], limits[1], limits[2])
    return Substance(code, number, names, small, large, rising, source, certainty)


def _spill(table: Table) -> Spill:
    spill = Spill(_positive(table, "isolation_m"), _positive(table, "day_m"), _positive(table, "night_m"))
    table.finish()
    return spill


def _fuel(row: Table) -> Fuel:
    code, names, rate = row.text("code"), row.names("names"), _positive(row, "rate_m_min")
    cover = tuple(int(value) for value in row.numbers("land_cover"))
    source, certainty = _cited(row)
    row.finish()
    return Fuel(code, names, cover, rate, source, certainty)


def _refuse_twice(table: Table, codes: list[str], what: str) -> None:
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise SpecError(f"{table.where}: {what} '{twice[0]}' is there twice; keep one")


def _positive(table: Table, key: str) -> float:
    value = table.number(key)
    if not 0 < value < float("inf"):
        raise SpecError(f"{table.where}: '{key}' is {value}; give a number greater than 0")
    return value


def _cited(table: Table) -> tuple[str, Certainty]:
    return table.text("source"), Certainty(table.text("certainty", among=list(Certainty)))
