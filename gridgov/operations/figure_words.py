"""The words of a scenario's figures, in both languages: what is counted, of what, in which unit."""

from __future__ import annotations

from gridgov.i18n import Lang, has_label, label
from gridgov.layers import load_specs
from gridgov.operations.coverage import GOING_OUT, WORKERS

_SCALES = {"s": 60.0, "m2": 10_000.0, "share": 0.01}


def figure_words(code: str, subject: str, unit: str, lang: Lang) -> str:
    """Return what a figure is called where it stands alone, such as ``Shelters: median time · min``."""
    unit_words = label(f"what_if.unit.{unit}", lang)
    if not subject:
        return f"{label(f'what_if.indicator.{code}', lang)} · {unit_words}"
    way = "of_out" if subject in GOING_OUT and has_label(f"what_if.of_out.{code}") else "of"
    return f"{label(f'what_if.{way}.{code}', lang, what=subject_words(subject, lang))} · {unit_words}"


def subject_words(subject: str, lang: Lang) -> str:
    """Return what workers, a kind of layer or a category of facilities are called; an unknown one as it is."""
    specs = load_specs()
    if subject in specs:
        return specs[subject].name(lang)
    if subject == WORKERS:
        return label("what_if.workers", lang)
    return specs["facilities"].class_names.get(subject, {}).get(lang, subject)


def figure_texts(first: float | None, second: float | None, change: float | None, unit: str) -> tuple[str, str, str]:
    """Return two figures and their difference as people read them: minutes, hectares, per cent; "—" is unknown."""
    scale, digits = _SCALES.get(unit, 1.0), _digits(unit)

    def shown(value: float | None, sign: str = "") -> str:
        return "—" if value is None else f"{value / scale:{sign},.{digits}f}".replace("-", "−")

    told = "≈ 0" if is_tiny(change, unit) else shown(change, "+") if change else "—" if change is None else "0"
    return shown(first), shown(second), told


def is_tiny(change: float | None, unit: str) -> bool:
    """Whether a difference is too small for the digits that are shown."""
    return bool(change) and round(abs(change or 0.0) / _SCALES.get(unit, 1.0), _digits(unit)) == 0


def verdict_words(verdict: str, change: float | None, unit: str, lang: Lang) -> tuple[str, str]:
    """Return a verdict and what it is called; of what is too small to show, that it is nearly the same."""
    if is_tiny(change, unit):
        return "same", label("planning.nearly_same", lang)
    return verdict, label(f"what_if.verdict.{verdict}", lang)


def _digits(unit: str) -> int:
    return 0 if unit in {"persons", "count"} else 1
