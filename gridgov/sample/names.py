"""Street names: one per street, of the kind Chinese towns have, with their pinyin."""

from __future__ import annotations

from typing import Any

import numpy as np

from gridgov.sample.recipe import Recipe
from gridgov.sample.skeleton import Street

_UNNAMED = {"track", "footway", "path", "motorway_link", "service"}


def name_streets(streets: list[Street], lengths_m: dict[int, float], recipe: Recipe) -> None:
    """Give every street that has one a name; the longest streets get the great names."""
    table, rng = recipe.table["streets"], recipe.rng("names")
    stems = _stems(table, rng)
    great = list(table["great"])
    used: set[str] = set(table["fixed"])
    for street in streets:
        if street.name:
            street.name_en = table["fixed"].get(street.name) or f"{street.name} (road)"
    for index in sorted(lengths_m, key=lambda i: (-lengths_m[i], i)):
        street = streets[index]
        if street.name or street.klass in _UNNAMED:
            continue
        if street.klass == "primary" and great:
            stem = great.pop(0)
            ending = "路" if street.family == "across" else "大道" if lengths_m[index] > 4000 else "路"
        else:
            stem = stems.pop()
            ending = _ending(street, lengths_m[index], rng)
        name = stem[0] + ending
        while name in used:
            stem = stems.pop()
            name = stem[0] + ending
        used.add(name)
        street.name, street.name_en = name, f"{stem[1]} {table['endings'][ending]}"


def _stems(table: dict[str, Any], rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return all stems of two characters in a random order, doubled with 东/西/南/北 for large cities."""
    pairs = [(a + b, en_a + en_b) for a, en_a in table["first"].items() for b, en_b in table["second"].items()]
    order = rng.permutation(len(pairs))
    plain = [pairs[i] for i in order]
    sides = (("东", "East"), ("西", "West"), ("南", "South"), ("北", "North"))
    more = [(stem + side, f"{en} {side_en}") for side, side_en in sides for stem, en in plain]
    return more[::-1] + plain[::-1]


def _ending(street: Street, length_m: float, rng: np.random.Generator) -> str:
    if street.klass == "living_street":
        return str(rng.choice(["巷", "巷", "里", "弄"]))
    if street.klass in {"primary", "secondary", "unclassified"}:
        return "路"
    if street.klass == "tertiary":
        return "街" if street.family == "across" or length_m < 500 else "路"
    return "街" if rng.uniform() < 0.55 else "路"
