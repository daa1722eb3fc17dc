"""`gridgov verify plan`: the independent checker of plans and bounds says yes to what holds and no to the rest."""

from __future__ import annotations

import ast
import copy
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridgov.cli import main as command
from gridgov.i18n import texts
from gridgov.verify_plan import FAULTS, PlanFileError, main, verify_document, verify_file

Document = dict[str, Any]
Change = Callable[[Document], Any]


def digest_of(problem: Document) -> str:
    bare = {key: value for key, value in problem.items() if key != "digest"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def good_plan() -> Document:
    """Two zones share a road of half a vehicle per second: 0 → 1 → 2, 10 s and 20 s, 60 vehicles in all.

    The road into the shelter is busy from the first second: 60 / 0.5 + 20 = 140 s, which nobody can beat.
    """
    problem: Document = {
        "nodes": 4, "tail": [0, 1, 1, 2], "head": [1, 2, 3, 1], "travel_time_ms": [10_000, 20_000, 5_000, 20_000],
        "capacity_vph": [3600.0, 1800.0, 900.0, 1800.0], "closes_s": [None, None, None, 400.0],
        "demand": [{"zone_id": "A", "node": 0, "persons": 100.0, "deadline_s": None},
                   {"zone_id": "B", "node": 1, "persons": 20.0, "deadline_s": 200.0}],
        "shelters": [{"shelter_id": "S", "node": 2, "capacity_persons": 120.0}],
    }  # fmt: skip
    problem["digest"] = digest_of(problem)

    def flow(zone: str, edges: list[int], enter: list[float], start: float, end: float) -> Document:
        return {"zone_id": zone, "shelter_id": "S", "edges": edges, "enter_s": enter, "start_s": start, "end_s": end,
                "rate_vph": 1800.0, "persons": (end - start) * 0.5 * 2}  # fmt: skip

    return {
        "schema": "gridgov-plan/1", "clearance_time_s": 140.0, "lower_bound_s": 139.9, "gap": 140 / 139.9 - 1,
        "unmet_persons": 0.0, "params": {"max_routes_per_zone": 2}, "seed": 0, "occupancy_persons_per_vehicle": 2.0,
        "runtime_s": 0.1, "problem": problem, "unmet": [],
        "flows": [flow("A", [0, 1], [0.0, 10.0], 0.0, 100.0), flow("B", [1], [0.0], 0.0, 10.0),
                  flow("B", [1], [0.0], 110.0, 120.0)],
        "certificate": {"terminal_zones": ["A", "B"], "open_shelters": ["S"], "potential_s": {"2": 139.9, "3": 5.0},
                        "value_vehicles": 0.5 * 119.9, "needed_vehicles": 60.0},
        "bottlenecks": [{"edge": 1, "minutes_saved_per_lane": 1.0}],
    }  # fmt: skip


def changed(change: Change) -> Document:
    document = copy.deepcopy(good_plan())
    change(document)
    return document


def in_problem(change: Change) -> Change:
    """Change the problem and sign it again, so that only what is meant is wrong."""

    def work(document: Document) -> None:
        change(document["problem"])
        document["problem"]["digest"] = digest_of(document["problem"])

    return work


def set_flow(number: int, **values: Any) -> Change:
    return lambda document: document["flows"][number].update(values)


def codes(document: Document) -> set[str]:
    return {finding.code for finding in verify_document(document).findings}


def test_a_good_plan_is_accepted() -> None:
    """The hand-made plan holds, and the checker counts it itself."""
    verdict = verify_document(good_plan())
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    assert verdict.facts["clearance_s"] == pytest.approx(140)
    assert verdict.facts["persons"] == pytest.approx(120)


BROKEN: dict[str, tuple[Change, str]] = {
    "another problem than the digest says": (lambda d: d["problem"]["capacity_vph"].__setitem__(1, 9e4), "digest"),
    "a route from elsewhere": (set_flow(0, edges=[1], enter_s=[0.0]), "wrong_start"),
    "edges that do not join": (set_flow(0, edges=[0, 3], enter_s=[0.0, 10.0]), "not_joined"),
    "a route that ends elsewhere": (set_flow(0, edges=[0, 2], enter_s=[0.0, 10.0]), "wrong_end"),
    "no route although the zone is elsewhere": (set_flow(0, edges=[], enter_s=[]), "wrong_end"),
    "an edge closed all the time": (
        in_problem(lambda p: p["travel_time_ms"].__setitem__(1, 2**31 - 1)),
        "never_open",
    ),
    "an arrival before the travel time": (set_flow(0, enter_s=[0.0, 9.0]), "too_early"),
    "more than the capacity": (set_flow(2, start_s=100.0, end_s=110.0), "over_capacity"),
    "a flow up by one per cent": (set_flow(0, rate_vph=1818.0, persons=101.0), "over_capacity"),
    "an edge that closes too soon": (in_problem(lambda p: p["closes_s"].__setitem__(1, 139.0)), "after_closing"),
    "a deadline that is missed": (
        in_problem(lambda p: p["demand"][1].update(deadline_s=119.0)),
        "after_deadline",
    ),
    "a person lost": (in_problem(lambda p: p["demand"][0].update(persons=101.0)), "persons_lost"),
    "persons that rate and time do not give": (set_flow(0, persons=101.0), "wrong_persons"),
    "an overfilled shelter": (in_problem(lambda p: p["shelters"][0].update(capacity_persons=119.0)), "shelter_full"),
    "a window that is empty": (set_flow(1, end_s=0.0), "no_rate"),
    "a third route": (
        lambda d: (
            d["params"].update(max_routes_per_zone=1),
            d["flows"][2].update(edges=[1, 3, 1], enter_s=[0.0, 20.0, 40.0]),
        ),
        "too_many_routes",
    ),
    "a clearance time that is too small": (lambda d: d.update(clearance_time_s=139.95), "clearance"),
    "unmet persons that are not listed": (lambda d: d.update(unmet_persons=1.0), "unmet_sum"),
    "a gap of another plan": (lambda d: d.update(gap=0.0), "gap"),
    "a gap to no bound": (lambda d: d.update(lower_bound_s=0.0), "gap_unknown"),
    "a bound raised by 0.1 %": (
        lambda d: (
            d.update(lower_bound_s=139.9 * 1.001, gap=140 / (139.9 * 1.001) - 1),
            d["certificate"].update(potential_s={"2": 139.9 * 1.001}, value_vehicles=0.5 * (139.9 * 1.001 - 20)),
        ),
        "not_proved",
    ),
    "a bound above the plan": (lambda d: d.update(lower_bound_s=150.0, gap=140 / 150 - 1), "above_plan"),
    "a potential that cuts nothing": (lambda d: d["certificate"].update(potential_s={}), "not_proved"),
    "a value of another proof": (lambda d: d["certificate"].update(value_vehicles=1.0), "value"),
    "a need of another problem": (lambda d: d["certificate"].update(needed_vehicles=61.0), "value"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan_is_rejected_for_what_is_wrong(name: str) -> None:
    """Every way to break a plan is found and named."""
    change, code = BROKEN[name]
    verdict = verify_document(changed(change))
    assert code in {finding.code for finding in verdict.findings}
    assert all(finding.text() for finding in verdict.findings)


def with_unmet(reason: str, *, places: float = 120.0, way: bool = True, flows: bool = True) -> Document:
    """Zone A is left behind for a reason; only B moves."""
    document = good_plan()
    document["flows"] = document["flows"][1:] if flows else []
    document["unmet"] = [{"zone_id": "A", "persons": 100.0, "reason": reason}]
    if not flows:
        document["unmet"].append({"zone_id": "B", "persons": 20.0, "reason": reason})
    document["unmet_persons"] = 100.0 if flows else 120.0
    document["problem"]["shelters"][0]["capacity_persons"] = places
    document["problem"]["capacity_vph"][0] = 3600.0 if way else 0.0
    document["problem"]["digest"] = digest_of(document["problem"])
    document["lower_bound_s"] = 39.9 if flows else 0.0
    document["clearance_time_s"] = 140.0 if flows else 0.0
    document["gap"] = 140 / 39.9 - 1 if flows else 0.0
    document["certificate"].update(potential_s={"2": 39.9}, value_vehicles=0.5 * 19.9, needed_vehicles=10.0)
    return document


def test_unmet_persons_need_a_reason_that_shows() -> None:
    """no_route only without a way, no_place only with full shelters, too_late only where there is an end."""
    assert codes(with_unmet("no_route", way=False)) == set()
    assert codes(with_unmet("no_route")) == {"has_route"}
    assert codes(with_unmet("no_place", places=20.0)) == set()
    assert codes(with_unmet("no_place")) == {"has_place"}
    assert codes(with_unmet("no_place", places=20.0, way=False)) == {"has_no_route"}
    assert codes(with_unmet("no_route", places=20.0)) == {"has_route"}
    assert codes(with_unmet("too_late")) == set()
    hurry = with_unmet("too_late")
    hurry["problem"]["closes_s"], hurry["problem"]["demand"][1]["deadline_s"] = [None] * 4, None
    hurry["problem"]["digest"] = digest_of(hurry["problem"])
    assert codes(hurry) == {"not_late"}


def test_without_any_shelter_the_reason_is_a_place_wherever_a_road_leads_away() -> None:
    """Shelters of 0 places count as shelters that can be reached; with none at all, a road out of the zone decides."""
    assert codes(with_unmet("no_route", places=0.0, flows=False)) == {"has_route"}
    for node, right, wrong in ((1, "no_place", "no_route"), (3, "no_route", "no_place")):
        document = with_unmet(right, flows=False)
        document["problem"].update(shelters=[])
        document["problem"]["demand"][0]["node"] = document["problem"]["demand"][1]["node"] = node
        document["problem"]["digest"] = digest_of(document["problem"])
        assert codes(document) == set()
        for row in document["unmet"]:
            row["reason"] = wrong
        assert codes(document) == {"has_route" if wrong == "no_route" else "has_no_route"}


def test_persons_in_a_vehicle_must_be_those_of_the_parameters() -> None:
    """But on foot everybody counts as one."""
    assert codes(changed(lambda d: d["params"].update(occupancy_persons_per_vehicle=2.0))) == set()
    assert codes(changed(lambda d: d["params"].update(occupancy_persons_per_vehicle=2.5))) == {"malformed"}
    assert codes(changed(lambda d: d["params"].update(mode="walk", occupancy_persons_per_vehicle=2.0))) == {"malformed"}


def test_the_bound_holds_for_those_who_can_be_saved() -> None:
    """A bound that counts persons who are unmet proves nothing."""
    document = with_unmet("no_place", places=20.0)
    document["certificate"]["needed_vehicles"] = 60.0
    assert codes(document) == {"value"}


def test_a_plan_for_nobody_is_a_plan() -> None:
    """With all shelters full of nobody the plan is empty, and its times are 0."""
    assert codes(with_unmet("no_place", places=0.0, flows=False)) == set()


def test_a_zone_on_its_shelters_own_node_needs_no_edges() -> None:
    """Whoever is there already is safe at once."""
    document = changed(
        in_problem(
            lambda p: (
                p["demand"].append({"zone_id": "C", "node": 2, "persons": 7.0, "deadline_s": None}),
                p["shelters"][0].update(capacity_persons=127.0),
            )
        )
    )
    own = {"zone_id": "C", "shelter_id": "S", "edges": [], "enter_s": [], "start_s": 0.0, "end_s": 0.0, "rate_vph": 0.0}
    document["flows"].append({**own, "persons": 7.0})
    document["certificate"].update(value_vehicles=0.5 * 119.9 + 3.5, needed_vehicles=63.5)
    assert codes(document) == set()


def test_waiting_at_a_crossing_is_allowed_and_counted() -> None:
    """As in a network expanded over time: enter_s may grow by more than the travel time."""
    document = changed(
        lambda d: (
            d["flows"][0].update(enter_s=[0.0, 30.0]),
            d["flows"][1].update(start_s=0.0, end_s=20.0, persons=20.0),
            d["flows"].pop(2),
            d.update(clearance_time_s=150.0, gap=150 / 139.9 - 1),
        )
    )
    verdict = verify_document(document)
    assert verdict.ok
    assert verdict.facts["waited_vehicle_s"] == pytest.approx(20 * 50)


def test_a_closing_makes_the_bound_tighter() -> None:
    """What cannot cross an edge before it closes is not counted as safe."""
    late = changed(in_problem(lambda p: p["closes_s"].__setitem__(1, 141.0)))
    assert codes(late) == set()


HOSTILE: dict[str, Change] = {
    "a number that is none": lambda d: d.update(clearance_time_s="140"),
    "a truth for a number": lambda d: d.update(lower_bound_s=True),
    "infinite": lambda d: d.update(clearance_time_s=float("inf")),
    "not a number": lambda d: d["flows"][0].update(rate_vph=float("nan")),
    "a negative rate": lambda d: d["flows"][0].update(rate_vph=-1.0),
    "a negative start": lambda d: d["flows"][0].update(start_s=-1.0),
    "a negative capacity": lambda d: d["problem"]["capacity_vph"].__setitem__(0, -5.0),
    "an edge that does not exist": lambda d: d["flows"][0]["edges"].__setitem__(0, 4),
    "a negative edge": lambda d: d["flows"][0]["edges"].__setitem__(0, -1),
    "half an edge": lambda d: d["flows"][0]["edges"].__setitem__(0, 0.5),
    "a node that does not exist": lambda d: d["problem"]["head"].__setitem__(0, 99),
    "a column that is too short": lambda d: d["problem"]["head"].pop(),
    "times of another length": lambda d: d["flows"][0]["enter_s"].pop(),
    "edges that are no list": lambda d: d["flows"][0].update(edges="01"),
    "an unknown zone": lambda d: d["flows"][0].update(zone_id="Z"),
    "an unknown shelter": lambda d: d["flows"][0].update(shelter_id=["S"]),
    "an unknown reason": lambda d: d["unmet"].append({"zone_id": "A", "persons": 0.0, "reason": "tired"}),
    "a zone twice": lambda d: d["problem"]["demand"].append(dict(d["problem"]["demand"][0])),
    "an id that clears the screen": in_problem(lambda p: p["demand"][0].update(zone_id="\x1b[2J")),
    "an id that is no text in any encoding": in_problem(lambda p: p["demand"][0].update(zone_id="\udc80" * 3)),
    "an endless id": in_problem(lambda p: p["shelters"][0].update(shelter_id="S" * 10_000)),
    "no flows": lambda d: d.pop("flows"),
    "flows of numbers": lambda d: d.update(flows=[1, 2]),
    "a flow without persons": lambda d: d["flows"][0].pop("persons"),
    "no problem": lambda d: d.update(problem=[]),
    "no certificate": lambda d: d.pop("certificate"),
    "a potential of no node": lambda d: d["certificate"]["potential_s"].update({"1e3": 1.0}),
    "a potential of a node too far": lambda d: d["certificate"]["potential_s"].update({"4": 1.0}),
    "an id of nobody in the certificate": lambda d: d["certificate"]["terminal_zones"].append("Z"),
    "lists in the certificate": lambda d: d["certificate"]["open_shelters"].append([]),
    "a huge number": lambda d: d["problem"]["travel_time_ms"].__setitem__(0, 10**400),
    "a huge capacity": lambda d: d["problem"]["capacity_vph"].__setitem__(0, 10**400),
    "a huge network": lambda d: d["problem"].update(nodes=10**18),
    "no persons": lambda d: d["problem"]["demand"][0].update(persons=None),
    "an occupancy of nothing": lambda d: d.update(occupancy_persons_per_vehicle=0),
    "half a route": lambda d: d["params"].update(max_routes_per_zone=0.5),
    "no gap": lambda d: d.update(gap=None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_gets_a_sentence(name: str) -> None:
    """What no solver writes is rejected with one sentence that says where."""
    findings = verify_document(changed(HOSTILE[name])).findings
    assert [finding.code for finding in findings] == ["malformed"]
    assert 5 < len(findings[0].text()) < 200


def test_plain_and_compressed_files_are_read_and_exit_codes_say_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0: it holds; 1: it does not; 2: it cannot be read."""
    plain, packed, broken = tmp_path / "p.json", tmp_path / "p.json.gz", tmp_path / "b.json"
    plain.write_text(json.dumps(good_plan()), encoding="utf-8")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    broken.write_text(json.dumps(changed(BROKEN["a person lost"][0])), encoding="utf-8")
    assert [main([str(file)]) for file in (plain, packed, broken, tmp_path / "none.json")] == [0, 0, 1, 2]
    told = capsys.readouterr()
    assert "zone A has 101.00 persons, but 100.00 are in flows or unmet" in told.out
    assert "No such file" in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"schema": "other"}', b"\xff\xfe", b"\x1f\x8b12", b"[" * 100_000,
     b'{"schema": "gridgov-plan/1", "gap": NaN}', b'{"gap": 1, "gap": 2}', b'{"gap": ' + b"9" * 5000 + b"}"],
    ids=["nothing", "half", "list", "empty", "other", "no text", "damaged", "deep", "nan", "twice", "digits"],
)  # fmt: skip
def test_a_file_that_is_no_plan_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    """One sentence, no traceback."""
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(PlanFileError, match=r"no JSON|no plan|damaged"):
        verify_file(file)


def test_the_checker_imports_nothing_of_the_solver() -> None:
    """The standard library, numpy, and its own reader."""
    names = set()
    for name in ("verify_plan", "verify_plan_document"):
        tree = ast.parse((Path(__file__).parent.parent / "gridgov" / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    ours = {name for name in names if name.startswith("gridgov")}
    assert ours == {"gridgov.verify_plan_document"}
    assert not {name.split(".")[0] for name in names} & {"scipy", "ortools", "numba", "pandas"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_says_the_verdict_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    """`gridgov verify plan FILE` ends with 0, 1 or 2, and every finding has a sentence."""
    file = tmp_path / "plan.json.gz"
    file.write_bytes(gzip.compress(json.dumps(good_plan()).encode()))
    assert command(["verify", "plan", str(file), "--lang", lang]) == 0
    assert "140" in capsys.readouterr().out
    broken = [change for change, _ in BROKEN.values()] + list(HOSTILE.values())[:1]
    for change in broken:
        file.write_bytes(gzip.compress(json.dumps(changed(change)).encode()))
        assert command(["verify", "plan", str(file), "--lang", lang]) == 1
        assert "verify_plan." not in capsys.readouterr().out
    assert command(["verify", "plan", str(tmp_path / "none"), "--lang", lang]) == 2


def test_a_plan_without_flows_is_said_to_cover_no_buses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where everybody goes by bus, the document moves nobody, and that is no time of 0 s."""
    document = with_unmet("no_place", flows=False, places=0.0)
    for row in document["problem"]["demand"]:
        row["persons"] = 0.0
    document.update(unmet=[], unmet_persons=0.0)
    document["problem"]["digest"] = digest_of(document["problem"])
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert command(["verify", "plan", str(file), "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "buses are not part of this document" in out
    assert "0 s" not in out


def test_the_command_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: the findings with their values."""
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(changed(BROKEN["an overfilled shelter"][0])), encoding="utf-8")
    assert command(["verify", "plan", str(file), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"]
    assert found["findings"][0]["code"] == "shelter_full"
    assert found["findings"][0]["fields"] == {"shelter": "S", "found": 120.0, "places": 119.0}


def test_every_fault_has_a_text_in_both_languages() -> None:
    """Also those that no test provokes."""
    assert {f"verify_plan.{code}" for code in FAULTS} <= texts("zh").keys()


JUNK: list[Any] = [
    None, True, "", "x", "0", -1, 0, 1, 3, 10**12, 10**400, -0.0, 0.5, 1e-300, 1e14, 1e300, -1e300, float("nan"),
    float("inf"), [], [[]], [None], {}, {"a": 1}, [0, 1], "\ud800", 2**63,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        found += places(one, (*path, key))
    return found


def test_junk_anywhere_in_a_document_never_breaks_the_checker() -> None:
    """Every value of the document is exchanged for everything that does not belong there: an answer, no exception."""
    whole = good_plan()
    for path in places(whole):
        for junk in JUNK:
            document = copy.deepcopy(whole)
            target = document
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = junk
            if path == ("schema",):
                with pytest.raises(PlanFileError):
                    verify_document(document)
            else:
                assert all(finding.text() for finding in verify_document(document).findings), (path, junk)
            if isinstance(target, dict):
                del target[path[-1]]
                if path != ("schema",):
                    assert all(finding.text() for finding in verify_document(document).findings), path
