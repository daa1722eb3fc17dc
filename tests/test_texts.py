"""Texts in both languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from gridgov.i18n import as_lang, has_label, label, texts

ROOT = Path(__file__).resolve().parent.parent


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_hold_the_same_keys() -> None:
    assert texts("zh").keys() == texts("en").keys()


def test_both_languages_name_the_same_fields_and_no_text_is_empty() -> None:
    for code, zh in texts("zh").items():
        assert fields(zh) == fields(texts("en")[code]), code
        assert zh.strip(), code
        assert texts("en")[code].strip(), code


def test_english_texts_hold_no_chinese() -> None:
    for code, text in texts("en").items():
        if not code.startswith("console.language"):
            assert not re.search(r"[\u4e00-\u9fff]", text), code


def test_an_unknown_code_is_returned_as_it_stands() -> None:
    assert label("no.such.code", "en") == "no.such.code"
    assert not has_label("no.such.code")


def test_an_unknown_language_is_chinese() -> None:
    assert as_lang("fr") == "zh"
    assert as_lang(None) == "zh"
    assert as_lang("en") == "en"


def literal_codes() -> set[str]:
    """Every code that the program looks up by a literal."""
    codes = set()
    for folder in ("gridgov", "app"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"label", "t"} and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        codes.add(first.value)
    return codes


@pytest.mark.parametrize("code", sorted(literal_codes()))
def test_every_code_in_the_program_has_a_text(code: str) -> None:
    assert has_label(code)
