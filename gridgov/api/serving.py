"""Start the server: open the workspace, warm up what would make the first click slow, say where the console is."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from gridgov.api.server import create_app, run
from gridgov.config import Settings
from gridgov.errors import ParameterError
from gridgov.i18n import Lang, as_lang, label
from gridgov.network import warm_up
from gridgov.operations.dispatching import roster_of
from gridgov.operations.mapping import MapSource
from gridgov.workspace import Workspace, shared_workspace


def serve(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Serve the console of a workspace until stopped.

    Parameters
    ----------
    settings : Settings
    say : callable
        Called with a line about each step.

    Raises
    ------
    ParameterError
        The port is taken or not allowed.
    WorkspaceNotFoundError
        There is no workspace.
    """
    _check_port(settings.host, settings.port)
    workspace = shared_workspace(settings.workspace)
    os.environ["GRIDGOV_WORKSPACE"] = str(workspace.path)  # the console's script runs in this process and reads these
    os.environ["GRIDGOV_LANG"] = settings.lang
    warm(workspace, as_lang(settings.lang), say=say)
    host = "localhost" if settings.host in {"127.0.0.1", "0.0.0.0", "::"} else settings.host
    say(f"Console: http://{host}:{settings.port}/   (English: …/?lang=en)   stop with Ctrl+C")
    run(create_app(settings, MapSource(workspace.path)), settings)


def warm(workspace: Workspace, lang: Lang, *, say: Callable[[str], None]) -> None:
    """Compile the search kernels (cached on disk after the first time) and read what every page needs."""
    if workspace.has_network:
        warm_up(lambda done, total, code: say(f"[{done}/{total}] {label(code, lang)}"))
        say(label("network.warm_up.workers", lang))
        roster_of(workspace)


def _check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65_535:
        raise ParameterError(f"{port} is not a port; use a number from 1 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ParameterError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port, or PORT= for make demo"
            ) from error
