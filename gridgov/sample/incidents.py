"""One month of incidents: what happens where, on which days and at which hours, and how far each has got."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.sample.fields import Floats

if TYPE_CHECKING:
    from gridgov.sample.city import City

_OPEN_STAGES = (
    (0.4, "reported"),
    (1.0, "filed"),
    (2.0, "dispatched"),
    (9.0, "in_progress"),
    (16.0, "resolved"),
    (1e9, "verified"),
)


_RUNNING = {"dispatched", "in_progress", "rework", "suspended"}
_CHECKED = {"resolved", "verified"}
_PER_TASK_M = 400.0  # how much farther somebody with one task less may be


def incidents(city: City, crew: pd.DataFrame) -> pd.DataFrame:
    """Return the recipe's incidents in the order of their report; x and y are local metres.

    `crew` are the workers: what is being handled is given to the busy ones who are on shift, what is done was done by
    anybody on shift, the near ones first.
    """
    rng, table = city.recipe.rng("incidents"), city.recipe.table
    classes = table["incident_classes"]
    rain = set(rng.choice(np.arange(1, 29), 6, replace=False).tolist())
    as_of = datetime.fromisoformat(table["as_of"])
    weights = np.array([c["weight"] for c in classes], float)
    counts = rng.multinomial(int(city.recipe.scale["incidents"]), weights / weights.sum())
    parts = []
    for item, count in zip(classes, counts.tolist(), strict=True):
        if count:
            part = _of_class(city, rng, item, count, as_of, rain)
            parts.append(part)
    frame = pd.concat(parts, ignore_index=True).sort_values(
        ["reported_at", "class_code", "x"], kind="stable", ignore_index=True
    )
    frame.insert(
        0, "incident_id", [f"{t[:10].replace('-', '')}{i:06d}" for i, t in enumerate(frame["reported_at"], start=1)]
    )
    on_shift = crew[_on_shift(crew, as_of)]
    handlers = np.full(len(frame), "", dtype=object)
    for states, among in ((_RUNNING, on_shift[on_shift["status"] == "busy"]), (_CHECKED, on_shift)):
        rows = np.flatnonzero(frame["state"].isin(states))
        handlers[rows] = _near_workers(frame[["x", "y"]].to_numpy()[rows], among)
    frame.insert(list(frame.columns).index("source"), "worker_id", handlers)
    return frame


def _on_shift(crew: pd.DataFrame, as_of: datetime) -> NDArray[np.bool_]:
    """Return who works at the sample's time; a shift that ends at 00:00 ends with the day."""
    now, start, end = f"{as_of:%H:%M}", crew["shift_start"], crew["shift_end"].replace("00:00", "24:00")
    return np.asarray((start <= now) & (now < end))


def _near_workers(places: Floats, among: pd.DataFrame) -> list[str]:
    """Return for each place, in order, the nearest worker, as if every task already given were so much farther away."""
    if not len(among):
        return [""] * len(places)
    stands, ids = among[["x", "y"]].to_numpy(), among["worker_id"].tolist()
    tasks = np.zeros(len(among))
    chosen = []
    for place in places:
        nearest = int(np.argmin(np.hypot(*(stands - place).T) + _PER_TASK_M * tasks))
        tasks[nearest] += 1
        chosen.append(ids[nearest])
    return chosen


def _of_class(
    city: City, rng: np.random.Generator, item: dict[str, Any], count: int, as_of: datetime, rain: set[int]
) -> pd.DataFrame:
    table = city.recipe.table
    spots = rng.choice(len(city.spots.xy), count, p=_spot_weights(city, rng, item))
    xy = city.spots.xy[spots] + rng.uniform(-1.5, 1.5, (count, 2))
    start = datetime(as_of.year, as_of.month, 1, tzinfo=as_of.tzinfo)
    hours = _hours(rng, item, table["hour_profiles"][item["hours"]], start, as_of, rain, count)
    until_closed = rng.lognormal(np.log(item.get("closing_hours", 5.0)), 0.75, count)
    age = (as_of - start) / timedelta(hours=1) - hours
    states, closed = _states(rng, age, until_closed)
    severity = rng.choice([1, 2, 3, 4], count, p=np.array(item.get("severity", [0.55, 0.33, 0.1, 0.02])))
    sources = table["incident_sources"]
    weights = np.array([sources[s] for s in sources]) * [item.get("sources", {}).get(s, 1.0) for s in sources]
    return pd.DataFrame(
        {
            "kind": item["kind"],
            "class_code": item["code"],
            "class_name": item["name"],
            "class_name_en": item["name_en"],
            "state": states,
            "severity": severity,
            "reported_at": [_stamp(start, h) for h in hours],
            "closed_at": [
                _stamp(start, h + c) if done else "" for h, c, done in zip(hours, until_closed, closed, strict=True)
            ],
            "source": rng.choice(list(sources), count, p=weights / weights.sum()),
            "description": _descriptions(city, rng, item, spots),
            "x": xy[:, 0],
            "y": xy[:, 1],
        }
    )


def _stamp(start: datetime, hours: float) -> str:
    return (start + timedelta(seconds=round(float(hours) * 3600))).isoformat()


def _spot_weights(city: City, rng: np.random.Generator, item: dict[str, Any]) -> Floats:
    """Return how likely a class is at each spot: by zone and use of the block, class of the street, ground."""
    zone = np.array([item["zones"].get(b.zone, 0.02) for b in city.blocks])
    use = np.array([item.get("uses", {}).get(b.use, 1.0) for b in city.blocks])
    weight = (zone * use)[city.spots.block]
    if "streets" in item:
        klass = np.array([item["streets"].get(s.klass, 0.15) for s in city.streets])
        weight = weight * klass[city.spots.street]
    if item.get("low_ground"):
        height = city.terrain.elevation.at(city.spots.xy)
        weight = weight * np.exp(-np.maximum(0, height - np.quantile(height, 0.05)) / 2.5)
    if item.get("steep_ground"):
        weight = weight * (0.01 + city.terrain.slope.at(city.spots.xy)) ** 2
    # hot spots: some blocks have the same trouble again and again
    weight = weight * rng.gamma(0.6, 1.0, len(city.blocks))[city.spots.block] + 1e-9
    return np.asarray(weight / weight.sum())


def _hours(
    rng: np.random.Generator,
    item: dict[str, Any],
    profile: list[float],
    start: datetime,
    as_of: datetime,
    rain: set[int],
    count: int,
) -> Floats:
    """Draw hours since the month's start: weekday × rain × hour of the day, none after `as_of`."""
    days = as_of.day
    weekend = np.array([(start + timedelta(days=d)).weekday() >= 5 for d in range(days)])
    day = np.where(weekend, item.get("weekend", 0.85), 1.0)
    day = day * np.array([item.get("rain", 1.0) if d + 1 in rain else 1.0 for d in range(days)])
    hour = np.repeat(profile, 3)[:24] if len(profile) == 8 else np.array(profile)
    slots = (day[:, None] * hour[None, :]).ravel()
    slots[int((as_of - start) / timedelta(hours=1)) :] = 0.0
    chosen = rng.choice(len(slots), count, p=slots / slots.sum())
    return np.asarray(chosen + rng.uniform(0, 1, count))


def _states(rng: np.random.Generator, age: Floats, until_closed: Floats) -> tuple[list[str], NDArray[np.bool_]]:
    """Return the state at the clock's time, and whether it is closed."""
    chance = rng.uniform(size=len(age))
    closed = age > until_closed
    states = []
    for old, done, pick in zip(age, closed, chance, strict=True):
        if done:
            states.append("rejected" if pick < 0.025 else "void" if pick < 0.032 else "closed")
        elif pick < 0.05 and old > 4:
            states.append("suspended" if pick < 0.025 else "rework")
        else:
            states.append(next(state for limit, state in _OPEN_STAGES if old < limit))
    return states, closed


def _descriptions(city: City, rng: np.random.Generator, item: dict[str, Any], spots: NDArray[np.int64]) -> list[str]:
    near = ["附近", "路口", "东侧", "西侧", "南侧", "北侧", "公交站旁", "小区门口"]
    places = [
        f"{city.spots.street_name[s]}{near[k]}"
        for s, k in zip(spots.tolist(), rng.integers(0, len(near), len(spots)).tolist(), strict=True)
    ]
    texts = rng.choice(item["texts"], len(spots))
    return [f"{place}{text}" for place, text in zip(places, texts, strict=True)]
