"""What every block is used for, and how many people live and work in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.sample.blocks import Block
from gridgov.sample.fields import Floats
from gridgov.sample.planar import Planar
from gridgov.sample.recipe import Recipe
from gridgov.sample.zones import Zones


@dataclass(frozen=True, slots=True)
class People:
    """Counts per block or grid, all int64 of one length."""

    persons: NDArray[np.int64]
    households: NDArray[np.int64]
    persons_day: NDArray[np.int64]
    elderly_persons: NDArray[np.int64]

    def total_by(self, group: NDArray[np.int64], count: int) -> People:
        """Add up by group."""
        sums = [np.bincount(group, weights=v, minlength=count).round().astype(np.int64) for v in self.columns()]
        return People(*sums)

    def columns(self) -> tuple[NDArray[np.int64], ...]:
        """Return the four columns."""
        return self.persons, self.households, self.persons_day, self.elderly_persons


def assign_uses(blocks: list[Block], planar: Planar, recipe: Recipe) -> list[Block]:
    """Give every town block a use, by the shares of its zone."""
    rng, shares = recipe.rng("uses"), recipe.table["uses"]
    result = []
    for block in blocks:
        if block.use or block.zone not in shares:
            result.append(block)
            continue
        names, weights = list(shares[block.zone]), np.array(list(shares[block.zone].values()), float)
        result.append(replace(block, use=str(rng.choice(names, p=weights / weights.sum()))))
    return result


def settle(blocks: list[Block], polygons: NDArray[np.object_], recipe: Recipe, zones: Zones) -> People:
    """Spread the recipe's persons over the blocks: density of the zone × use × closeness to the centre × chance."""
    rng, density = recipe.rng("population"), recipe.table["density"]
    hectares = shapely.area(polygons) / 1e4
    urban, _ = zones.urbanity(shapely.get_coordinates(shapely.centroid(polygons)))
    night = np.array([density["night"].get(b.zone, 0.0) * density["use_night"].get(b.use, 1.0) for b in blocks])
    day = np.array([density["day"].get(b.zone, 0.0) * density["use_day"].get(b.use, 1.0) for b in blocks])
    centre = np.array(
        [np.clip(0.6 + u, 0.5, 1.5) if b.zone in {"old", "new"} else 1.0 for b, u in zip(blocks, urban, strict=True)]
    )
    chance = rng.lognormal(0.0, 0.28, len(blocks))
    total = int(recipe.scale["persons"])
    persons = whole_shares(night * hectares * centre * chance, total)
    persons_day = whole_shares(0.35 * persons + day * hectares * centre * chance * 0.9, round(total * 1.04))
    size = np.where([b.zone in {"village", "rural", "hill"} for b in blocks], 3.1, 2.55) * rng.normal(
        1.0, 0.05, len(blocks)
    )
    households = np.ceil(persons / size).astype(np.int64)
    share = np.array([density["elderly"].get(b.zone, 0.18) for b in blocks]) * rng.normal(1.0, 0.15, len(blocks))
    elderly = np.minimum(persons, (persons * np.clip(share, 0.03, 0.6)).round().astype(np.int64))
    return People(persons, households, persons_day, elderly)


def whole_shares(weights: Floats, total: int) -> NDArray[np.int64]:
    """Divide a whole number by weights so that the parts add up to it (largest remainders)."""
    exact = weights / weights.sum() * total
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return np.asarray(parts)
