"""Settings: frozen values from gridgov.toml and GRIDGOV_* variables, and where the program's own files lie."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from gridgov.errors import SettingsError

LANGS = ("zh", "en")  # as in i18n, which config does not import
_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent


def resource_dir(name: str) -> Path:
    """Return the folder of the program's own files: ``app``, ``layers``, ``profiles``, ``data`` or ``assets``.

    In an installed wheel they travel inside the package (gridgov/resources/…); in a checkout they are the top-level
    folders of the same name.
    """
    installed = _PACKAGE / "resources" / name
    if installed.is_dir():
        return installed
    in_checkout = {"profiles": _CHECKOUT / "data" / "profiles"}.get(name, _CHECKOUT / name)
    if not in_checkout.is_dir():
        raise SettingsError(f"the program's own folder '{name}' is missing: install gridgov again")
    return in_checkout


@dataclass(frozen=True)
class Settings:
    """What an installation may set.

    Attributes
    ----------
    workspace : str
        Folder of the workspace that the server opens.
    host, port : str, int
        Where the server listens.
    lang : str
        First language of the console, ``zh`` or ``en``.
    store : str
        URL of the event store, such as ``postgresql://user@host/database``; empty: a SQLite file in the workspace.
    photos : str
        Folder of pictures, the same for all servers of a workspace; empty: inside the workspace.
    session_idle_min, session_hours : int
        A session ends after so many minutes without use, and after so many hours in any case.
    lockout_failures, lockout_min : int
        After so many wrong passwords an account is locked for so many minutes.
    requests_per_min, reports_per_hour : int
        Most requests of one account, and most reports of one address without an account.
    oidc_issuer, oidc_client_id, oidc_client_secret, oidc_name : str
        An identity provider (OpenID Connect) and what the sign-in page calls it; without an issuer there is none.
    https : bool
        Whether people reach the server by HTTPS; the session's cookie then never travels without it.
    dask_scheduler : str
        Address of the Dask scheduler that batches are computed by; empty: this machine.
    """

    workspace: str = "data/linjiang"
    host: str = "127.0.0.1"
    port: int = 8501
    lang: str = "zh"
    store: str = field(default="", repr=False)  # may hold a password
    photos: str = ""
    session_idle_min: int = 120
    session_hours: int = 12
    lockout_failures: int = 5
    lockout_min: int = 15
    requests_per_min: int = 1200
    reports_per_hour: int = 30
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_name: str = "OIDC"
    https: bool = False
    dask_scheduler: str = ""


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read settings: defaults, then gridgov.toml, then GRIDGOV_* variables (the last one wins).

    Parameters
    ----------
    path : Path, optional
        The settings file; default ``gridgov.toml`` in the working folder, if it is there.
    environ : mapping, optional
        The variables to look at; default the process environment.

    Raises
    ------
    SettingsError
        The file is no TOML, a name is unknown, or a value has the wrong type.
    """
    given: dict[str, Any] = {}
    file = path or Path("gridgov.toml")
    if path is not None and not file.is_file():
        raise SettingsError(f"{file}: no such settings file")
    if file.is_file():
        try:
            given.update(tomllib.loads(file.read_text(encoding="utf-8-sig")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: not a valid TOML file ({error})") from error
    known = {item.name for item in fields(Settings)}
    if unknown := sorted(set(given) - known):
        raise SettingsError(f"{file}: unknown setting '{unknown[0]}'; known are {', '.join(sorted(known))}")
    for name in known:
        if (value := (environ if environ is not None else os.environ).get(f"GRIDGOV_{name.upper()}")) is not None:
            given[name] = value
    return replace(Settings(), **{name: _typed(name, value) for name, value in given.items()})


def _typed(name: str, value: Any) -> Any:
    default = getattr(Settings(), name)
    if name == "lang" and value not in LANGS:
        raise SettingsError(f"setting 'lang' must be one of {', '.join(LANGS)}, not '{value}'")
    if isinstance(default, bool):
        if str(value).lower() not in {"true", "false", "1", "0"}:
            raise SettingsError(f"setting '{name}' must be true or false, not '{value}'")
        return str(value).lower() in {"true", "1"}
    if isinstance(default, int):
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"setting '{name}' must be a whole number, not '{value}'") from error
    return str(value)
