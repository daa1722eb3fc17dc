"""Start the server: open the workspace, warm up what would make the first click slow, keep watch while it runs."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from gridgov import evacuation, hazards
from gridgov.analysis import outlines
from gridgov.api.server import create_app, run
from gridgov.config import Settings
from gridgov.errors import GridgovError, ParameterError, StorageError
from gridgov.i18n import Lang, as_lang, label
from gridgov.network import warm_up
from gridgov.operations.adopting import adopt_incidents
from gridgov.operations.board import board_of
from gridgov.operations.crew import crew_of
from gridgov.operations.hours import prepare_hour
from gridgov.operations.mapping import MapSource
from gridgov.operations.preparing import prepare_roads
from gridgov.operations.reminding import send_reminders
from gridgov.workspace import Workspace, shared_workspace

WATCH_EVERY_S = 60.0


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
    roads = prepare_hierarchy(workspace)
    prepare_emergency(as_lang(settings.lang), say=say, after=roads)
    gc.freeze()  # Streamlit collects all garbage after every run of a page: what stays for good is not looked through
    host = "localhost" if settings.host in {"127.0.0.1", "0.0.0.0", "::"} else settings.host
    say(f"Console: http://{host}:{settings.port}/   (English: …/?lang=en)   stop with Ctrl+C")
    with keep_watch(workspace.path):
        run(create_app(settings, MapSource(workspace.path)), settings)


def warm(workspace: Workspace, lang: Lang, *, say: Callable[[str], None]) -> None:
    """Take the files' incidents into the store, compile the search kernels and read what every page needs.

    A store that is away hinders nothing here: the map works without it, and `keep_watch` tries again.
    """
    if workspace.has_network:
        warm_up(lambda done, total, code: say(f"[{done}/{total}] {label(code, lang)}"))
    try:
        if workspace.of_kind("incidents"):
            done = adopt_incidents(workspace)
            counts = {name: f"{count:,}" for name, count in asdict(done).items()}
            say(label("adopting.done", lang, **counts))
        board_of(workspace)
        if workspace.of_kind("workers"):
            say(label("network.warm_up.workers", lang))
            crew_of(workspace)
    except StorageError as error:
        say(label("adopting.later", lang, error=str(error)))


def prepare_hierarchy(workspace: Workspace) -> threading.Thread:
    """Prepare the hierarchy of the roads and what is asked of it beside everything else."""
    thread = threading.Thread(target=_prepare, args=(workspace,), name="hierarchy", daemon=True)
    thread.start()
    return thread


def _prepare(workspace: Workspace) -> None:
    prepare_roads(workspace)
    gc.freeze()  # what it has made stays, too


def prepare_emergency(
    lang: Lang, *, say: Callable[[str], None], after: threading.Thread | None = None
) -> threading.Thread:
    """Compile hazards and evacuation beside everything else, so that on the worst day the first plan does not wait."""
    thread = threading.Thread(target=_prepare_emergency, args=(lang, say, after), name="emergency", daemon=True)
    thread.start()
    return thread


def _prepare_emergency(lang: Lang, say: Callable[[str], None], after: threading.Thread | None) -> None:
    if after is not None:
        after.join()  # two compilations at once would only take each other's time
    steps = (
        ("evacuate.warm_up.hazards", hazards.warm_up),
        ("evacuate.warm_up.plans", evacuation.warm_up),
        ("evacuate.warm_up.layers", outlines.warm_up),
    )
    for done, (code, step) in enumerate(steps):
        say(f"[{done}/{len(steps)}] {label(code, lang)}")
        step()
    say(f"[{len(steps)}/{len(steps)}] {label('evacuate.warm_up.done', lang)}")


@contextmanager
def keep_watch(path: Path, *, every_s: float = WATCH_EVERY_S) -> Iterator[None]:
    """Send reminders while the server runs, and take in the incidents of files wherever an import could not."""
    stop = threading.Event()
    watch = threading.Thread(target=_watch, args=(path, every_s, stop), name="watch", daemon=True)
    watch.start()
    try:
        yield
    finally:
        stop.set()
        watch.join(timeout=5.0)


def _watch(path: Path, every_s: float, stop: threading.Event) -> None:
    adopted, prepared = "", shared_workspace(path).version
    while not stop.wait(every_s):
        try:
            workspace = shared_workspace(path)
            if adopted != workspace.version:
                adopt_incidents(workspace)
                adopted = workspace.version
            send_reminders(workspace)
            if prepared != workspace.version:  # an import while the server runs
                prepare_roads(workspace)
                prepared = workspace.version
            prepare_hour(workspace, workspace.now() + timedelta(seconds=2 * every_s))  # before the first who needs it
        except GridgovError:  # the store or the workspace is away; the console says so
            continue


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
