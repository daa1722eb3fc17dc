"""Grid workers: invented names, travel modes, skills, shifts, the grids they look after and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from gridgov.sample.city import City


def workers(city: City) -> pd.DataFrame:
    """Return the recipe's workers, one row each; x and y are local metres beside a street of a duty grid."""
    rng, table = city.recipe.rng("workers"), city.recipe.table["workers"]
    count = int(city.recipe.scale["workers"])
    people = city.grids.people.persons.astype(float)
    spot_grid = city.grids.of_block[city.spots.block]
    by_grid: dict[int, list[int]] = {}
    for spot, grid in enumerate(spot_grid.tolist()):
        by_grid.setdefault(grid, []).append(spot)
    reachable = np.array([g in by_grid for g in range(len(people))])
    weight = (people + 40.0) * reachable
    homes = np.sort(rng.choice(len(people), count, p=weight / weight.sum(), replace=count > reachable.sum()))
    rows = [_worker(city, rng, table, number, int(home), by_grid) for number, home in enumerate(homes, start=1)]
    return pd.DataFrame(rows)


def _worker(
    city: City, rng: np.random.Generator, table: dict[str, Any], number: int, home: int, by_grid: dict[int, list[int]]
) -> dict[str, Any]:
    near = city.grids.neighbours[home]
    code = city.grids.codes[home]
    same = [g for g in near if city.grids.codes[g][:12] == code[:12]]
    extra = int(rng.integers(0, 4))
    duty = [home, *sorted(int(g) for g in rng.permutation(same)[:extra])]
    choices = [spot for g in duty for spot in by_grid.get(g, [])]
    x, y = city.spots.xy[int(rng.choice(choices))] + rng.uniform(-2, 2, 2)
    shift = _pick(rng, table["shifts"])
    start, end = table["shift_hours"][shift]
    zone = city.grids.zones[home]
    modes = table["modes"]["town" if zone in {"old", "new"} else "country"]
    skills = rng.choice(table["skills"], int(rng.choice([1, 2, 3, 4], p=[0.25, 0.4, 0.25, 0.1])), replace=False)
    return {
        "worker_id": f"W{number:05d}",
        "name": _name(rng, table),
        "mode": _pick(rng, modes),
        "skills": ";".join(sorted(skills.tolist(), key=table["skills"].index)),
        "shift_start": start,
        "shift_end": end,
        "status": _pick(rng, table["status"]),
        "duty_grids": ";".join(city.grids.codes[g] for g in duty),
        "phone": f"000-{number // 10_000:04d}-{number % 10_000:04d}",
        "x": float(x),
        "y": float(y),
    }


def _pick(rng: np.random.Generator, shares: dict[str, float]) -> str:
    weights = np.array(list(shares.values()), float)
    return str(rng.choice(list(shares), p=weights / weights.sum()))


def _name(rng: np.random.Generator, table: dict[str, Any]) -> str:
    """Return a made-up name: a common family name and one or two given characters."""
    given = "".join(rng.choice(list(table["given_names"]), int(rng.choice([1, 2], p=[0.25, 0.75])), replace=False))
    return str(rng.choice(list(table["family_names"]))) + given
