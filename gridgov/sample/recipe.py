"""The recipe of the sample district: what `data/sample.toml` says, resolved for one size."""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import Transformer

from gridgov.crs import WGS84, metric_crs
from gridgov.errors import ParameterError, SourceError


@dataclass(frozen=True, slots=True)
class Recipe:
    """One size of the recipe.

    Attributes
    ----------
    size : str
        ``village``, ``district`` or ``city``.
    seed : int
    table : mapping
        The whole TOML document (names, classes, shares).
    scale : mapping
        The table ``[size.<size>]`` over ``[size.common]``.
    """

    size: str
    seed: int
    table: Mapping[str, Any]
    scale: Mapping[str, Any]

    def rng(self, task: str) -> np.random.Generator:
        """Return the random stream of one task, so that a change in one task leaves the others as they were."""
        return np.random.default_rng([self.seed, zlib.crc32(task.encode())])

    @property
    def crs(self) -> str:
        """The metric CRS around the centre; all geometry is made in metres from the centre in this CRS."""
        lon, lat = self.table["centre"]
        return metric_crs(lon, lat)

    @property
    def origin(self) -> tuple[float, float]:
        """Easting and northing of the centre, rounded to 300 m so that raster cells of 30 and 10 m align."""
        x, y = Transformer.from_crs(WGS84, self.crs, always_xy=True).transform(*self.table["centre"])
        return round(x / 300.0) * 300.0, round(y / 300.0) * 300.0


def recipe_path() -> Path:
    """Return where the recipe lies: inside an installed package, else in the checkout's `data/`."""
    packaged = Path(str(resources.files("gridgov"))) / "resources" / "data" / "sample.toml"
    if packaged.is_file():
        return packaged
    return Path(__file__).resolve().parents[2] / "data" / "sample.toml"


def read_recipe(size: str, path: Path | None = None) -> Recipe:
    """Read the recipe for a size.

    Raises
    ------
    SourceError
        The file is missing or not TOML.
    ParameterError
        The recipe has no such size.
    """
    path = path or recipe_path()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(
            f"The recipe {path} cannot be read ({error}); give a TOML file like data/sample.toml."
        ) from error
    sizes = table.get("size", {})
    known = [name for name in sizes if name != "common"]
    if size not in known:
        raise ParameterError(f"Size {size!r} is not in {path.name}; choose one of {', '.join(known)}.")
    return Recipe(size, int(table["seed"]), table, {**sizes.get("common", {}), **sizes[size]})
