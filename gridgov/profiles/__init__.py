"""Profiles: what a city or a standard says, read from data/profiles/*.toml and checked once."""

from gridgov.profiles.calendars import CalendarProfile, Holiday, load_calendar
from gridgov.profiles.incident_classes import load_incident_profile

__all__ = ["CalendarProfile", "Holiday", "load_calendar", "load_incident_profile"]
