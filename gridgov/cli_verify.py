"""The commands `gridgov verify audit` and `gridgov verify plan`: check a log or a proof, whoever made it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.errors import ParameterError
from gridgov.i18n import as_lang, label

if TYPE_CHECKING:
    from gridgov.i18n import Lang
    from gridgov.verify_audit import Fault

Command = Callable[..., argparse.ArgumentParser]


def add_commands(checks: Any, command: Command) -> None:
    """Add the commands to their group."""
    audit = command("audit", _audit, "check the event log: an export or a SQLite store", of=checks)
    audit.add_argument("file", type=Path, metavar="FILE", help="events as .jsonl or .jsonl.gz, or a store.sqlite")
    audit.add_argument("--checkpoint", type=Path, metavar="FILE", help="checkpoints that were kept elsewhere")
    audit.add_argument("--json", action="store_true", help="print the verdict as JSON")

    plan = command("plan", _plan, "check an evacuation plan and the proof of its bound", of=checks)
    plan.add_argument("file", type=Path, metavar="FILE", help="a gridgov-plan/1 document, plain or .gz")
    plan.add_argument("--json", action="store_true", help="print the verdict as JSON")


def _audit(arguments: argparse.Namespace) -> int:
    from gridgov.verify_audit import AuditFileError, verify_file

    try:
        verdict = verify_file(arguments.file, arguments.checkpoint)
    except AuditFileError as error:
        raise ParameterError(str(error)) from error
    lang, fault = as_lang(arguments.lang), verdict.fault
    if arguments.json:
        _print_json({**asdict(verdict), "ok": fault is None})
    elif fault is None:
        print(label("cli.audit.good", lang, events=f"{verdict.events:,}", hash=verdict.last_hash))
    else:
        where = "" if fault.code in {"cut_off", "empty"} else _bad_entry(fault, lang)
        print(where + label(f"cli.audit.{fault.code}", lang, **fault.fields))
    if not arguments.json:
        known = verdict.checkpoint_seq
        code = "limit_without" if known is None else "limit_with" if known or not verdict.events else "limit_none_held"
        print(label(f"cli.audit.{code}", lang, seq=known))
    return 0 if fault is None else 1


def _bad_entry(fault: Fault, lang: Lang) -> str:
    code = "cli.audit.entry" if fault.seq is None else "cli.audit.entry_of"
    return label(code, lang, entry=fault.entry, seq=fault.seq, entity_id=fault.entity_id)


def _plan(arguments: argparse.Namespace) -> int:
    from gridgov.verify_plan import verify_file
    from gridgov.verify_plan_document import PlanFileError

    try:
        verdict = verify_file(arguments.file)
    except PlanFileError as error:
        raise ParameterError(str(error)) from error
    lang = as_lang(arguments.lang)
    if arguments.json:
        _print_json({**asdict(verdict), "ok": verdict.ok})
        return 0 if verdict.ok else 1
    for finding in verdict.findings:
        print(label(f"verify_plan.{finding.code}", lang, **finding.fields))
    if verdict.ok:
        code = "verify_plan.good" if verdict.facts["bound_s"] else "verify_plan.good_no_bound"
        code = code if verdict.facts["flows"] else "verify_plan.good_nobody"
        print(label(code, lang, **verdict.facts))
    if verdict.ok and verdict.facts["unmet"]:
        print(label("verify_plan.unmet", lang, unmet=verdict.facts["unmet"]))
    return 0 if verdict.ok else 1


def _print_json(content: object) -> None:
    print(json.dumps(content, ensure_ascii=False, indent=1, default=str))
