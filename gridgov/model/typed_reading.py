"""Reading what somebody may have edited: a table of plain data, field by field, each of the type that it must have.

A wrong value is refused with its path (``question.minutes``) and what to give instead, an unknown word with those that
are known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from gridgov.errors import ParameterError
from gridgov.model.events import parse_time
from gridgov.model.workers import TravelMode


@dataclass(frozen=True, slots=True)
class Fields:
    """A table of plain data, and where it stands in its file ("" for the whole of it).

    Every method raises ParameterError where a value is of another type; a missing one is the default.
    """

    data: Mapping[str, Any]
    path: str = ""

    @classmethod
    def of(cls, data: Any, path: str = "") -> Fields:
        """Return the fields of something that must be a table."""
        if not isinstance(data, Mapping):
            raise ParameterError(f"{path or 'the scenario'} is {_short(data)}; give a table of fields")
        return cls(data, path)

    def only(self, *known: str) -> Fields:
        """Return the same table, which has no other words than the known ones."""
        if strange := sorted(str(word) for word in set(self.data) - set(known)):
            raise ParameterError(
                f"{self.path or 'the scenario'} has no '{strange[0][:60]}'; known are {', '.join(sorted(known))}"
            )
        return self

    def text(self, name: str, default: str | None = None) -> str:
        """Return a word; without a default it must be there."""
        value = self.data.get(name, default)
        if not isinstance(value, str):
            self._refuse(name, "give a word in quotes")
        return value

    def truth(self, name: str, *, default: bool = False) -> bool:
        """Return true or false; a word such as "no" is neither."""
        value = self.data.get(name, default)
        if not isinstance(value, bool):
            self._refuse(name, "give true or false")
        return value

    def number(self, name: str, default: float) -> float:
        """Return a finite number."""
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._refuse(name, "give a number")
        return float(value)

    def whole(self, name: str, default: int) -> int:
        """Return a whole number; 3.0 is one."""
        value = self.number(name, default)
        if value != int(value):
            self._refuse(name, "give a whole number")
        return int(value)

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of words."""
        value = self.data.get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self._refuse(name, "give a list of words")
        return tuple(value)

    def wholes(self, name: str) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        value = self.data.get(name, ())
        good = isinstance(value, list | tuple)
        if not good or not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
            self._refuse(name, "give a list of whole numbers")
        return tuple(value)

    def moment(self, name: str) -> datetime | None:
        """Return a time with an offset, in UTC, or None where there is none."""
        value = self.data.get(name)
        if value is None:
            return None
        wanted = "give a time with an offset, such as 2026-06-30T10:00:00+08:00"
        try:
            return parse_time(value.isoformat() if isinstance(value, datetime) else value)
        except (TypeError, ValueError):  # a naive time is a ParameterError, and that a ValueError
            self._refuse(name, wanted)

    def mode(self, name: str) -> TravelMode | None:
        """Return a travel mode, or None where there is none."""
        value = self.data.get(name)
        if value is not None and value not in list(TravelMode):
            self._refuse(name, f"give one of {', '.join(TravelMode)}")
        return None if value is None else TravelMode(value)

    def modes(self, name: str) -> tuple[TravelMode, ...]:
        """Return a list of travel modes."""
        value = self.words(name)
        if not set(value) <= set(TravelMode):
            self._refuse(name, f"give a list of {', '.join(TravelMode)}")
        return tuple(TravelMode(mode) for mode in value)

    def table(self, name: str) -> Fields | None:
        """Return a table within this one, or None where there is none."""
        value = self.data.get(name)
        return None if value is None else Fields.of(value, self._at(name))

    def tables(self, name: str) -> tuple[Fields, ...]:
        """Return a list of tables; none where there is none."""
        value = self.data.get(name, ())
        if not isinstance(value, list | tuple):
            self._refuse(name, "give a list of tables")
        return tuple(Fields.of(item, f"{self._at(name)}[{number}]") for number, item in enumerate(value, start=1))

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _refuse(self, name: str, wanted: str) -> NoReturn:
        if name not in self.data:
            raise ParameterError(f"{self._at(name)} is missing; {wanted}")
        raise ParameterError(f"{self._at(name)} is {_short(self.data[name])}; {wanted}")


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}…"
