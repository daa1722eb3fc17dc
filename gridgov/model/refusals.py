"""Refusals: why a move is not possible, as a coded error whose sentence exists in both languages."""

from __future__ import annotations

from gridgov.errors import MoveRefusedError
from gridgov.i18n import Lang, label

_WORDS = {
    "state": "incident.state",
    "action": "incident.action",
    "allowed": "incident.action",
    "unit": "incident.unit",
    "given": "incident.unit",
}


def refuse(code: str, **fields: str) -> MoveRefusedError:
    """Return the error of a refusal; `state`, `action` and `allowed` (joined by blanks) are codes, not words."""
    return MoveRefusedError(_sentence(code, fields, "en"), code, fields)


def refusal_text(error: MoveRefusedError, lang: Lang) -> str:
    """Return a refusal as a sentence in a language."""
    return _sentence(error.code, error.fields, lang) if error.code else str(error)


def _sentence(code: str, fields: dict[str, str], lang: Lang) -> str:
    words = {name: _words(name, value, lang) for name, value in fields.items()}
    return label(f"incident.refused.{code}", lang, **words)


def _words(name: str, value: str, lang: Lang) -> str:
    if name not in _WORDS:
        return value
    codes = value.split() or ["nothing"]
    return label("incident.list_separator", lang).join(label(f"{_WORDS[name]}.{code}", lang) for code in codes)
