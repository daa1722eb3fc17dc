"""Words for people: `label(code, lang)` looks a text up in locale/zh.toml or locale/en.toml.

Both files hold the same keys (a test). A text may hold `{name}` fields, filled from keyword arguments.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")

_LOCALE = Path(__file__).parent / "locale"
_TURNERS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def _flatten(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        code = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{code}."))
        else:
            flat[code] = str(value)
    return flat


@cache
def texts(lang: Lang) -> dict[str, str]:
    """Return every text of a language, by dotted code."""
    with (_LOCALE / f"{lang}.toml").open("rb") as file:
        return _flatten(tomllib.load(file))


def label(code: str, lang: Lang = "zh", /, **fields: object) -> str:
    """Return the text of a code in a language, its `{name}` fields filled.

    An unknown code is returned as it stands, so that a page never breaks over a word; a test keeps the files complete.
    """
    text = texts(lang).get(code)
    if text is None:
        return code
    return text.format(**fields) if fields else text


def has_label(code: str) -> bool:
    """Return whether a code has a text."""
    return code in texts("zh")


def as_lang(value: str | None) -> Lang:
    """Return a language from a free value such as a query parameter; anything unknown is Chinese."""
    return "en" if value == "en" else "zh"


def unturned(words: str) -> str:
    """Return what somebody wrote without the signs that would turn the direction of the words around it."""
    return words.translate(_TURNERS)
