"""口令: passwords: hashed by argon2id, compared at the same cost whether or not there is an account, made at random."""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gridgov.errors import ParameterError
from gridgov.workspace import Workspace

SHORTEST, LONGEST = 10, 256
_AT_ONCE = 4  # each takes 64 MiB: a crowd that signs in waits for its turn
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else on paper


class Passwords:
    """The hasher of one process, with the parameters that argon2-cffi recommends."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self.hash(new_password())

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        with self._turn:
            return self._hasher.hash(_as_bytes(password))

    def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; without a hash it takes as long, and it never is."""
        try:
            with self._turn:
                self._hasher.verify(password_hash or self._nobody, _as_bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return bool(password_hash)

    def outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)


def passwords_of(workspace: Workspace) -> Passwords:
    """Return the hasher that all users of a workspace share."""
    return workspace.cached("passwords", Passwords)


def new_password() -> str:
    """Return a random password of 59 bits that can be read out, such as ``k7mw-x3fd-9qpt``."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def check_password(account_id: str, password: str) -> None:
    """Refuse a password that is none.

    Raises
    ------
    ParameterError
        It is too short, too long, or the name of the account.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ParameterError(f"a password has {SHORTEST} to {LONGEST} characters")
    if password.strip().casefold() == account_id.casefold():
        raise ParameterError("the name of the account cannot be its password")


def _as_bytes(password: str) -> bytes:
    """Return the same bytes however the signs were typed; longer than any password stays longer."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1]).encode("utf-8", "surrogatepass")
