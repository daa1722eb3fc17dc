"""The command line: parse, call one operation, show.

Exit codes: 0 done, 1 the answer is "no", 2 bad usage or bad input (one clear line on stderr, no traceback).
Heavy libraries are imported inside the commands, so that `gridgov --help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov import __version__, cli_evacuate, cli_referee, cli_roads, cli_users, cli_verify, cli_whatif
from gridgov.config import load_settings
from gridgov.errors import GridgovError
from gridgov.i18n import LANGS, as_lang, label
from gridgov.model import TravelMode

if TYPE_CHECKING:
    from gridgov.i18n import Lang
    from gridgov.model import DispatchPlan, Finding
    from gridgov.operations.importing import ImportReport

Progress = Callable[[str, float], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        arguments = _parser().parse_args(_joined(list(sys.argv[1:] if argv is None else argv)))
        return int(arguments.run(arguments))
    except GridgovError as error:
        print(f"gridgov: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("gridgov: stopped", file=sys.stderr)
        return 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"gridgov: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def _joined(argv: list[str]) -> list[str]:
    """Join `--at -83.0,40.0` to one word, because argparse takes a leading minus for an option."""
    words: list[str] = []
    for word in argv:
        if words and words[-1] == "--at":
            words[-1] = f"--at={word}"
        else:
            words.append(word)
    return words


def _parser() -> argparse.ArgumentParser:
    settings = load_settings()
    parser = argparse.ArgumentParser(
        prog="gridgov", description="One map for a city district: grids, incidents, dispatch."
    )
    parser.add_argument("--version", action="version", version=f"gridgov {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, *, of: Any = commands
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = of.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        added.add_argument(
            "--lang", choices=LANGS, default=settings.lang, help="language of results (default %(default)s)"
        )
        return added

    demo = command("demo", _demo, "build the sample district if it is not there and serve the console")
    demo.add_argument("--workspace", type=Path, default=Path(settings.workspace), metavar="DIR")
    demo.add_argument("--size", choices=("village", "district", "city"), default="district")
    _serving(demo, settings.host, settings.port)

    serve = command("serve", _serve, "serve the console of a workspace")
    serve.add_argument("--workspace", type=Path, default=Path(settings.workspace), metavar="DIR")
    _serving(serve, settings.host, settings.port)

    init = command("init", _init, "import files into a workspace")
    init.add_argument("directory", type=Path, metavar="DIR")
    init.add_argument("--from", dest="import_file", type=Path, required=True, metavar="IMPORT.toml")
    init.add_argument("--json", action="store_true", help="print the report as JSON")

    sample = command("sample", _sample, "write the sample district 临江区 / Linjiang and import it")
    sample.add_argument("directory", type=Path, metavar="DIR")
    sample.add_argument("--size", choices=("village", "district", "city"), default="district")
    sample.add_argument("--json", action="store_true", help="print the report as JSON")

    check = command("check", _check, "print what the checks find in an import file, a workspace or a single data file")
    check.add_argument("path", type=Path, metavar="PATH")
    check.add_argument("--kind", help="layer kind of a single data file, such as grids or workers")
    check.add_argument("--source-layer", help="layer inside a single data file that has several")
    check.add_argument("--json", action="store_true", help="print the findings as JSON")

    def parts(name: str, text: str) -> Any:
        return commands.add_parser(name, help=text, description=text).add_subparsers(metavar="WHAT", required=True)

    checks = parts("verify", "check a proof or a log without trusting who made it")
    cli_verify.add_commands(checks, command)

    logs = parts("audit", "write the event log out")
    export = command("export", _audit_export, "write all events as JSON lines and print the checkpoint", of=logs)
    export.add_argument("--workspace", type=Path, default=Path(settings.workspace), metavar="DIR")
    export.add_argument(
        "--store", metavar="URL", default=settings.store or None, help="the store, when not the workspace's"
    )
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="events.jsonl or events.jsonl.gz")
    export.add_argument("--checkpoint", type=Path, metavar="FILE", help="add the checkpoint to this file")

    cli_users.add_commands(parts("users", "say who may sign in"), command, settings.workspace)

    dispatch = command("dispatch", _dispatch, "find the nearest grid workers for a place")
    dispatch.add_argument("--workspace", type=Path, default=Path(settings.workspace), metavar="DIR")
    dispatch.add_argument("--at", required=True, metavar="LON,LAT", help="the incident, degrees WGS 84")
    dispatch.add_argument("-k", type=int, default=5, help="how many workers (default %(default)s)")
    dispatch.add_argument("--skill", action="append", default=[], help="only workers with this skill (repeatable)")
    dispatch.add_argument(
        "--mode", action="append", choices=[str(m) for m in TravelMode], help="only this travel mode (repeatable)"
    )
    dispatch.add_argument("--json", action="store_true", help="print the plan as JSON")

    cli_roads.add_commands(command, settings.workspace)
    cli_evacuate.add_command(command, settings.workspace)
    cli_referee.add_commands(command, settings.workspace)
    cli_whatif.add_command(command, settings.workspace)
    return parser


def _audit_export(arguments: argparse.Namespace) -> int:
    from gridgov.operations.auditing import export_audit

    made = export_audit(
        arguments.workspace, arguments.out, store_url=arguments.store, checkpoint_file=arguments.checkpoint
    )
    print(json.dumps(made.to_dict()))
    return 0


def _serving(parser: argparse.ArgumentParser, host: str, port: int) -> None:
    parser.add_argument("--host", default=host, help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (default %(default)s)")


def _demo(arguments: argparse.Namespace) -> int:
    from gridgov.workspace import MANIFEST, shared_workspace

    if (arguments.workspace / MANIFEST).is_file():
        print(f"Using the workspace in {arguments.workspace} (remove the folder to build it anew)")
    else:
        print(f"Building the sample district 临江区 / Linjiang ({arguments.size}) in {arguments.workspace}")
        _build_sample(arguments.workspace, arguments.size)
    cli_users.print_demo_accounts(shared_workspace(arguments.workspace), as_lang(arguments.lang))
    return _serve(arguments)


def _serve(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from gridgov.api.serving import serve

    settings = replace(
        load_settings(),
        workspace=str(arguments.workspace),
        host=arguments.host,
        port=arguments.port,
        lang=arguments.lang,
    )
    serve(settings, say=lambda text: print(text, flush=True))
    return 0


def _init(arguments: argparse.Namespace) -> int:
    from gridgov.operations.importing import import_workspace

    with _progress() as progress:
        report = import_workspace(arguments.directory, arguments.import_file, progress=progress)
    _show_report(report, arguments)
    return 0


def _sample(arguments: argparse.Namespace) -> int:
    report = _build_sample(arguments.directory, arguments.size)
    _show_report(report, arguments)
    return 0


def _build_sample(directory: Path, size: str) -> ImportReport:
    from gridgov.operations.importing import import_sample

    with _progress() as progress:
        return import_sample(directory, size=size, progress=progress)


def _check(arguments: argparse.Namespace) -> int:
    from gridgov.operations.checking import check_path

    with _progress() as progress:
        findings = check_path(
            arguments.path, kind=arguments.kind, source_layer=arguments.source_layer, progress=progress
        )
    if arguments.json:
        _print_json([finding.to_dict(arguments.lang) for finding in findings])
    else:
        _show_findings(findings, arguments.lang)
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _dispatch(arguments: argparse.Namespace) -> int:
    from gridgov.model.rights import EVERYWHERE, Person, Role
    from gridgov.operations.dispatching import dispatch_at
    from gridgov.workspace import open_workspace

    lon, lat = cli_roads.position(arguments.at)
    opened = open_workspace(arguments.workspace, settings=load_settings())
    at_the_shell = Person("system", Role.COMMANDER, EVERYWHERE)
    plan = dispatch_at(opened, at_the_shell, lon, lat, k=arguments.k, skills=arguments.skill, modes=arguments.mode)
    if arguments.json:
        _print_json(plan.to_dict())
    else:
        _show_plan(plan, as_lang(arguments.lang))
    return 0 if plan.options else 1


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show what is being done: a bar on a terminal, a line per step elsewhere; on stderr, --json stays clean."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        last = ""

        def line(text: str, _fraction: float) -> None:
            nonlocal last
            if text != last:
                print(text, file=sys.stderr, flush=True)
                last = text

        yield line
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text, fraction: bar.update(task, description=text, completed=fraction)


def _print_json(content: object) -> None:
    print(json.dumps(content, ensure_ascii=False, indent=1, default=str))


def _show_report(report: ImportReport, arguments: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.table import Table

    lang: Lang = as_lang(arguments.lang)
    if arguments.json:
        _print_json(report.to_dict(lang))
        return
    table = Table(title=f"{report.name(lang)} · {report.directory}")
    for column in ("layer", "kind", "rows", "aside", "findings"):
        table.add_column(
            label(f"cli.report.{column}", lang), justify="left" if column in {"layer", "kind"} else "right"
        )
    for entry in report.layers:
        table.add_row(entry.names[lang], entry.kind, f"{entry.rows:,}", f"{entry.aside:,}", f"{entry.findings:,}")
    Console().print(table)
    for name, value in report.facts.items():
        print(f"{label(f'cli.fact.{name}', lang)}: {value:,}")
    if any(entry.aside for entry in report.layers):
        print(label("cli.report.aside_where", lang, path=report.aside_directory))
    if report.findings:
        _show_findings(report.findings, lang, most=12)


def _show_findings(findings: Sequence[Finding], lang: Lang, most: int | None = None) -> None:
    """Print findings by rule: how many rows, and the first of them in full."""
    from rich.console import Console
    from rich.table import Table

    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.level, finding.layer, finding.rule, finding.action), []).append(finding)
    order = {"error": 0, "warning": 1, "info": 2}
    ranked = sorted(groups.items(), key=lambda item: (order[item[0][0]], -len(item[1]), item[0]))
    table = Table(title=label("cli.findings.title", lang, count=len(findings)))
    for column in ("level", "layer", "count", "action", "first"):
        table.add_column(label(f"cli.findings.{column}", lang), justify="right" if column == "count" else "left")
    for (level, layer, _rule, action), group in ranked[:most]:
        first = group[0]
        row = "" if first.row is None else label("cli.findings.row", lang, row=first.row) + " "
        table.add_row(level, layer, f"{len(group):,}", label(f"cli.action.{action}", lang), row + first.message(lang))
    if findings:
        Console().print(table)
    else:
        print(label("cli.findings.none", lang))
    if most is not None and len(ranked) > most:
        print(label("cli.findings.more", lang, count=len(ranked) - most))


def _show_plan(plan: DispatchPlan, lang: Lang) -> None:
    from rich.console import Console
    from rich.table import Table

    for note in plan.note_texts(lang):
        print(note)
    if plan.options:
        table = Table(
            title=label(
                "cli.plan.title", lang, lon=f"{plan.lon:.5f}", lat=f"{plan.lat:.5f}", grid=plan.grid_code or "–"
            )
        )
        for column in ("rank", "worker", "mode", "arrives", "behind", "distance", "via"):
            table.add_column(
                label(f"cli.plan.{column}", lang),
                justify="right" if column in {"arrives", "behind", "distance"} else "left",
            )
        for option in plan.options:
            streets = [step.street for step in option.directions if step.street]
            table.add_row(
                str(option.rank),
                f"{option.name} {option.worker_id}",
                label(f"dispatch.mode.{option.mode}", lang),
                minutes_text(option.travel_time_ms),
                "" if option.rank == 1 else f"+{minutes_text(option.behind_ms)}",
                f"{option.length_m:,.0f} m",
                " → ".join(dict.fromkeys(streets)),
            )
        Console().print(table)
        print(label("cli.plan.candidates", lang, candidates=plan.candidates, considered=plan.considered))
    cut_off = [exclusion for exclusion in plan.exclusions if exclusion.reason == "unreachable"]
    if cut_off:
        names = ", ".join(f"{e.name} {e.worker_id}".strip() for e in cut_off[:5]) + (" …" if len(cut_off) > 5 else "")
        print(label("cli.plan.unreachable", lang, count=len(cut_off), names=names))
    for exclusion in plan.exclusions:
        if exclusion.travel_time_ms is not None:
            print(
                label(
                    "cli.plan.nearer",
                    lang,
                    name=exclusion.name,
                    id=exclusion.worker_id,
                    time=minutes_text(exclusion.travel_time_ms),
                    reason=exclusion.text(lang),
                )
            )


def minutes_text(milliseconds: int) -> str:
    """Return a time as m:ss, rounded to the second."""
    seconds = round(milliseconds / 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"
