"""Tables of a TOML file, read key by key; whatever is missing, of the wrong type or unknown is said in one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gridgov.errors import SpecError
from gridgov.i18n import LANGS


class Table:
    """A table of a file and where it is; `finish` refuses the keys that nobody asked for."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, dict):
            raise SpecError(f"{where}: a table is needed here, not {values!r}; correct it")
        self._values = values
        self._asked: set[str] = set()
        self.where = where

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read a file.

        Raises
        ------
        SpecError
            There is no such file, or it is no TOML.
        """
        try:
            return cls(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SpecError(f"{path}: not a valid TOML file ({error}); correct it") from error
        except OSError as error:
            raise SpecError(f"{path}: cannot be read ({error.strerror}); check its name") from error

    def keys(self) -> list[str]:
        """Return the keys that are there, in the order of the file."""
        return list(self._values)

    def text(self, key: str, default: str | None = None, *, among: Iterable[str] = ()) -> str:
        """Return a text that is not empty (but for the default), one of `among` where given."""
        value: str = self._typed(key, str, "a text", default)
        if value != default and not value.strip():
            raise SpecError(f"{self.where}: '{key}' is empty; fill it in")
        if (choices := list(among)) and value != default and value not in choices:
            raise SpecError(f"{self.where}: '{key}' is '{value}'; it must be one of {', '.join(choices)}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number."""
        value: float = self._typed(key, (int, float), "a number", default)
        if isinstance(value, bool):
            raise SpecError(f"{self.where}: '{key}' must be a number, not {value!r}")
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.number(key, default)
        if not isinstance(value, int):
            raise SpecError(f"{self.where}: '{key}' must be a whole number, not {value!r}")
        return value

    def day(self, key: str) -> date:
        """Return a date (TOML's own, without quotes)."""
        return self._day(self._typed(key, date, "a date such as 2026-10-01", None), key)

    def days(self, key: str) -> list[date]:
        """Return a list of dates; without the key none."""
        return [self._day(value, key) for value in self._typed(key, list, "a list of dates", [])]

    def texts(self, key: str, default: list[str] | None = None) -> list[str]:
        """Return a list of texts."""
        values: list[Any] = self._typed(key, list, "a list of texts", default)
        if wrong := [value for value in values if not isinstance(value, str)]:
            raise SpecError(f"{self.where}: '{key}' must hold texts, not {wrong[0]!r}")
        return values

    def numbers(self, key: str) -> list[float]:
        """Return a list of numbers."""
        values: list[Any] = self._typed(key, list, "a list of numbers", None)
        if wrong := [value for value in values if isinstance(value, bool) or not isinstance(value, int | float)]:
            raise SpecError(f"{self.where}: '{key}' must hold numbers, not {wrong[0]!r}")
        return [float(value) for value in values]

    def names(self, key: str) -> dict[str, str]:
        """Return a text in both languages."""
        table = self.table(key)
        names: dict[str, str] = {lang: table.text(lang) for lang in LANGS}
        table.finish()
        return names

    def table(self, key: str) -> Table:
        """Return a table in the table."""
        return Table(self._typed(key, dict, "a table", None), f"{self.where} [{key}]")

    def tables(self, key: str, name: str = "") -> list[Table]:
        """Return a list of tables; each is named by its own `name` in messages, or by its number."""
        values: list[Any] = self._typed(key, list, "a list of tables", [])
        return [
            Table(value, f"{self.where} [[{key}]] {value.get(name, n) if isinstance(value, dict) else n}")
            for n, value in enumerate(values, start=1)
        ]

    def finish(self) -> None:
        """Refuse keys that nobody asked for: a slip of the pen would otherwise be passed over."""
        if unknown := sorted(set(self._values) - self._asked):
            raise SpecError(
                f"{self.where}: unknown key '{unknown[0]}'; known are {', '.join(sorted(self._asked)) or 'none'}"
            )

    def _typed(self, key: str, kind: Any, what: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._values:
            if default is None:
                raise SpecError(f"{self.where}: '{key}' is missing; add {what}")
            return default
        value = self._values[key]
        if not isinstance(value, kind):
            raise SpecError(f"{self.where}: '{key}' must be {what}, not {value!r}")
        return value

    def _day(self, value: Any, key: str) -> date:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise SpecError(f"{self.where}: '{key}' must be a date such as 2026-10-01, not {value!r}")
        return value
