"""Profiles: what a city or a standard says, read from data/profiles/*.toml and checked once."""

from gridgov.profiles.calendars import CalendarProfile, Holiday, load_calendar
from gridgov.profiles.incident_classes import load_incident_profile
from gridgov.profiles.speed_hours import load_speed_hours

__all__ = ["CalendarProfile", "Holiday", "load_calendar", "load_incident_profile", "load_speed_hours"]
