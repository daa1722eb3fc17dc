"""随机编号: ids that nobody can guess and everybody can read out."""

from __future__ import annotations

import secrets

_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without those that are mistaken for another


def random_id(signs: int = 6) -> str:
    """Return an id of some signs, 5 bits each."""
    return "".join(secrets.choice(_SIGNS) for _ in range(signs))
