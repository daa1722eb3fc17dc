"""隐私: what is left of names, telephone numbers and mail addresses for somebody who may not know them.

A text is searched for what looks like a number or an address however it is written: with dots, blanks, Chinese
punctuation or invisible signs between the digits, in full width, in Chinese numerals. Rather too much is hidden than
too little; a name in a text cannot be recognised.
"""

from __future__ import annotations

import re

# At least seven digits; between two of them up to two signs that are neither letters nor digits.
_DIGIT = r"[\d〇零一二三四五六七八九幺两]"
_NUMBER = re.compile(rf"{_DIGIT}(?:[\W_]{{0,2}}{_DIGIT}){{6,}}")
_MAIL = re.compile(r"[^\s@＠,，;；:：<>()（）]{1,64}\s?[@＠]\s?[\w-]{1,63}(?:\s?[.．。][\w-]{1,63}){1,8}")
_HIDDEN = "****"


def mask_name(name: str) -> str:
    """Return a name of which only the first sign is left."""
    return name[:1] + "*" * min(len(name) - 1, 3) if name else ""


def mask_phone(phone: str) -> str:
    """Return what people gave as their phone with three digits and the last two left; anything else is hidden."""
    digits = [sign for sign in phone if sign.isdigit()]
    if len(digits) < 7 or any(sign.isalpha() or sign in "@＠" for sign in phone):
        return _HIDDEN if phone else ""
    return f"{''.join(digits[:3])}{_HIDDEN}{''.join(digits[-2:])}"


def mask_contacts(text: str) -> str:
    """Return a text without telephone and identity numbers (seven digits or more) and without mail addresses."""
    return _NUMBER.sub(lambda found: found[0][:2] + _HIDDEN, _MAIL.sub(_HIDDEN, text))
