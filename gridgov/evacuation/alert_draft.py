"""The draft of a warning for an evacuation zone: one message, a Chinese and an English block, the zone as polygons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import shapely

from gridgov.errors import ParameterError
from gridgov.i18n import Lang, label
from gridgov.model.alert_profile import AlertProfile, response_types
from gridgov.model.alerts import (
    AlertArea,
    AlertCertainty,
    AlertInfo,
    AlertScope,
    AlertStatus,
    CapAlert,
    MsgType,
    Point,
    ResponseType,
    Urgency,
    cancel_of,
    update_of,
)

LANGUAGES: dict[Lang, str] = {"zh": "zh-CN", "en": "en-US"}
LASTS = timedelta(hours=24)  # a warning without an end is in force for so long


@dataclass(frozen=True, slots=True)
class WarningFacts:
    """What a warning is about.

    Attributes
    ----------
    zone : geometry
        Where people are to be warned, WGS 84: not where the hazard is, where those are who must act.
    kind : str
        Kind of hazard, as in the profile.
    hazard_level : int
        4 is worst.
    area_names : mapping of language to text
        Of the zone; empty: "the marked area".
    onset : datetime, optional
        When the hazard arrives.
    clearance_s : float
        How long the evacuation takes.
    persons : int, optional
        People in the zone; None: nobody knows.
    certainty : AlertCertainty
    expires : datetime, optional
        Default: a day after it is sent, or after the onset.
    geocodes : tuple of (name, code)
        Such as the administrative codes of the streets.
    """

    zone: Any
    kind: str
    hazard_level: int
    area_names: Mapping[str, str]
    onset: datetime | None = None
    clearance_s: float = 0.0
    persons: int | None = None
    certainty: AlertCertainty = AlertCertainty.LIKELY
    expires: datetime | None = None
    geocodes: tuple[tuple[str, str], ...] = ()


def draft_alert(facts: WarningFacts, profile: AlertProfile, *, identifier: str, now: datetime) -> CapAlert:
    """Return the draft (status Draft: somebody must make it Actual) of a first warning.

    Raises
    ------
    ParameterError
        The zone is no area, the kind or level is not in the profile, or a time has no zone.
    """
    infos = _infos(facts, profile, now)
    status, kind, scope = AlertStatus.DRAFT, MsgType.ALERT, AlertScope.PUBLIC
    return CapAlert(identifier, profile.sender, now, status, kind, scope, infos=infos)


def draft_update(
    earlier: CapAlert, facts: WarningFacts, profile: AlertProfile, *, identifier: str, now: datetime
) -> CapAlert:
    """Return the draft of a message that takes the place of an earlier one and refers to it."""
    update = update_of(earlier, identifier, now, _infos(facts, profile, now))
    return replace(update, status=AlertStatus.DRAFT)


def draft_cancel(
    earlier: CapAlert, *, identifier: str, now: datetime, note: str, danger_passed: bool = True
) -> CapAlert:
    """Return the draft that cancels a message: it refers to the earlier message and names the same areas.

    Parameters
    ----------
    danger_passed : bool
        True: an all-clear, people may return. False: only the orders are withdrawn, people watch for new ones, and the
        urgency stays as it was.
    """
    infos, ending = [], "cancel" if danger_passed else "recalled"
    for info in earlier.infos:
        lang: Lang = "zh" if info.language.startswith("zh") else "en"
        names = label("orders.and", lang).join(area.area_desc for area in info.areas)
        infos.append(
            AlertInfo(
                language=info.language,
                categories=info.categories,
                event=info.event,
                urgency=Urgency.PAST if danger_passed else info.urgency,
                severity=info.severity,
                certainty=info.certainty,
                response_types=(ResponseType.ALL_CLEAR if danger_passed else ResponseType.MONITOR,),
                effective=now,
                onset=None if danger_passed else info.onset,
                expires=(now if danger_passed else max(now, info.onset or now)) + LASTS,
                headline=label(f"alert.headline_{ending}", lang, event=info.event, area=names),
                instruction=label(f"alert.instruction_{ending}", lang),
                areas=info.areas,
            )
        )
    return replace(cancel_of(earlier, identifier, now, note, infos), status=AlertStatus.DRAFT)


def zone_rings(zone: Any) -> tuple[tuple[Point, ...], ...]:
    """Return the outer rings of an area, closed; holes are filled, because CAP has none and more are warned.

    Raises
    ------
    ParameterError
        It holds no area.
    """
    whole = zone if zone.is_valid else shapely.make_valid(zone)
    parts = [part for part in shapely.get_parts(shapely.force_2d(whole)) if part.geom_type == "Polygon"]
    parts = [part for part in parts if not part.is_empty and part.area > 0]
    if not parts:
        raise ParameterError("the zone to be warned is no area; draw one with three corners or more")
    return tuple(tuple((float(x), float(y)) for x, y in part.exterior.coords) for part in parts)


def _infos(facts: WarningFacts, profile: AlertProfile, now: datetime) -> tuple[AlertInfo, ...]:
    if facts.kind not in profile.kinds:
        raise ParameterError(f"the profile has no words for '{facts.kind}'; it has {', '.join(profile.kinds)}")
    urgency = profile.urgency(now, facts.onset, facts.clearance_s)
    return tuple(_info(facts, profile, lang, now, urgency) for lang in LANGUAGES)


def _info(facts: WarningFacts, profile: AlertProfile, lang: Lang, now: datetime, urgency: Urgency) -> AlertInfo:
    kind, level = profile.kinds[facts.kind], profile.level(facts.hazard_level)
    wait = "_wait" if urgency is Urgency.FUTURE else ""
    area = facts.area_names.get(lang) or label("alert.all_areas", lang)
    words = {"event": kind.names[lang], "area": area, "level": label(f"alert.level.{level.colour}", lang)}
    unknown = "_unknown" if facts.persons is None else ""
    return AlertInfo(
        language=LANGUAGES[lang],
        categories=(kind.category,),
        event=kind.names[lang],
        urgency=urgency,
        severity=level.severity,
        certainty=facts.certainty,
        response_types=response_types(urgency),
        effective=now,
        onset=facts.onset,
        expires=facts.expires or max(now, facts.onset or now) + LASTS,
        headline=label(f"alert.headline{wait}", lang, **words),
        description=label(f"alert.description{unknown}", lang, **words, persons=facts.persons),
        instruction=label(f"alert.instruction{wait}", lang),
        parameters=(("alert_level", f"{level.grade} {level.colour}"),),
        areas=(AlertArea(area, zone_rings(facts.zone), geocodes=facts.geocodes),),
    )
