"""Hot spots: Gi* against esda, false discoveries on noise at the stated rate, a planted one found."""

from __future__ import annotations

import os

import numpy as np
import pytest

from gridgov.analysis.hotspots import benjamini_hochberg, gi_star, hot_regions, rates
from gridgov.errors import ParameterError
from gridgov.grids.borders import Borders, from_pairs

SIDE = 20
SOAK = os.environ.get("GRIDGOV_SOAK") == "1"


def lattice(side: int = SIDE) -> Borders:
    """A square of grids with four neighbours each."""
    cells = np.arange(side * side).reshape(side, side)
    pairs = [*zip(cells[:, :-1].ravel(), cells[:, 1:].ravel(), strict=True)]
    pairs += [*zip(cells[:-1].ravel(), cells[1:].ravel(), strict=True)]
    return from_pairs(side * side, [(int(a), int(b)) for a, b in pairs])


def test_z_is_that_of_esda() -> None:
    """The library is the oracle; its p-values hold the grid itself fast and fold both tails, ours do not."""
    from esda.getisord import G_Local
    from libpysal.weights import W

    borders = lattice(8)
    values = np.random.default_rng(1).poisson(3, borders.count).astype(float)
    weights = W({i: list(near) for i, near in enumerate(borders.neighbours)}, silence_warnings=True)
    oracle = G_Local(values, weights, transform="B", star=True, permutations=0)
    assert np.allclose(gi_star(values, borders, permutations=99)["z"], oracle.Zs)


def test_a_planted_hot_spot_is_found_and_little_else() -> None:
    rng, borders = np.random.default_rng(5), lattice()
    planted = np.array([r * SIDE + c for r in range(5, 9) for c in range(5, 9)])
    values = rng.poisson(4, borders.count).astype(float)
    values[planted] = rng.poisson(12, len(planted))
    found = gi_star(values, borders)
    near = {int(i) for p in planted for i in (*borders.neighbours[p], p)}
    hot = set(np.flatnonzero(found["hot"]).tolist())
    assert {int(p) for p in planted.reshape(4, 4)[1:3, 1:3].ravel()} <= hot
    assert len(set(planted.tolist()) & hot) >= 12  # a corner has more cold neighbours than hot ones
    assert len(hot - near) <= 1
    assert len(set(planted.tolist()) & set(hot_regions(found["hot"], borders)[0])) >= 12


def test_on_noise_hardly_ever_is_anything_hot() -> None:
    """At 5 %: at most 10 of 100 noise data sets show anything (12 would be the 99.9 % point of chance)."""
    rng, borders = np.random.default_rng(11), lattice(12)
    runs = 2_000 if SOAK else 100
    alarms = 0
    for seed in range(runs):
        values = rng.negative_binomial(1, 0.3, borders.count)
        alarms += bool(gi_star(values, borders, permutations=9_999, seed=seed)["hot"].any())
    assert alarms <= (0.065 * runs if SOAK else 10)


def test_p_values_are_even_on_noise() -> None:
    """Of 400 grids about 5 % have a p of at most 5 %."""
    rng, borders = np.random.default_rng(2), lattice()
    shares = [(gi_star(rng.normal(size=400), borders, permutations=9_999)["p_value"] <= 0.05).mean() for _ in range(20)]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.012)


def test_unknown_values_are_no_grid_and_nobodys_neighbour() -> None:
    values = np.ones(25)
    values[12] = np.nan
    found = gi_star(values, lattice(5), permutations=99)
    assert found.loc[12, ["z", "p_value", "q_value"]].isna().all()
    assert not found["hot"].any()
    assert (found["z"].dropna() == 0).all()
    assert found.loc[7, "neighbours"] == 4


def test_q_values_are_those_of_a_hand_computed_case() -> None:
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


def test_rates_of_few_or_unknown_people_are_unknown_and_negative_ones_refused() -> None:
    found = rates([2, 2, 2], [1000, 10, np.nan])
    assert found[0] == 2.0
    assert np.isnan(found[1:]).all()
    with pytest.raises(ParameterError, match="population of grid 1"):
        rates([1, 1], [5, -5])


def test_the_same_seed_gives_the_same_answer() -> None:
    values = np.random.default_rng(3).poisson(2, 400)
    assert gi_star(values, lattice(), seed=4).equals(gi_star(values, lattice(), seed=4))
