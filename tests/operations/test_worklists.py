"""The worklist: what it shows, in which order, to whom; what its numbers count; what a search finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import RightsError
from gridgov.model.clock import Lamp, duration
from gridgov.model.incident_life import Action
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.incidents import IncidentState
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.incidents import IncidentQuery, load_incident
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.operations.worklists import left_s, ready_workers, streets_of, worklist, worklist_numbers
from gridgov.workspace import Workspace, open_workspace

ALL = Person("chief", Role.SUPERVISOR, EVERYWHERE)
TUESDAY_10 = datetime(2026, 6, 30, 2, tzinfo=UTC)  # 10:00 in the district, a work day


class Day:
    """A workspace whose clock the test moves."""

    def __init__(self, village: Path) -> None:
        self.now = TUESDAY_10
        self.workspace: Workspace = open_workspace(village, settings=Settings(store="memory:"), clock=lambda: self.now)
        self.workspace.start_clock()
        self.grids = self.workspace.layer("grids")
        self.workers = [str(i) for i in self.workspace.layer("workers")["worker_id"]]

    def later(self, **given: float) -> None:
        self.now += timedelta(**given)

    def report(self, *, street: str = "", severity: int = 2, words: str = "", code: str = "0101") -> IncidentRecord:
        rows = self.grids[self.grids["street_code"] == street] if street else self.grids
        point = rows.geometry.iloc[0].representative_point()
        form = ReportForm(class_code=code, lon=point.x, lat=point.y, severity=severity, description=words)
        return report_incident(self.workspace, ALL, form)

    def send(self, record: IncidentRecord) -> None:
        move_incident(self.workspace, ALL, record.id, Action.FILE)
        move_incident(self.workspace, ALL, record.id, Action.DISPATCH, MoveArguments(handler=self.workers[0]))

    def ids(self, person: Person = ALL, query: IncidentQuery | None = None, *, text: str = "") -> list[str]:
        return [row.incident_id for row in worklist(self.workspace, person, query, text=text).rows]


@pytest.fixture
def day(village: Path) -> Day:
    return Day(village)


def test_the_severest_come_first_and_among_equals_the_one_due_first(day: Day) -> None:
    slight, first, severe, second = (day.report(severity=severity) for severity in (1, 2, 4, 2))
    day.send(first)
    day.later(hours=1)
    day.send(second)
    assert day.ids() == [severe.id, first.id, second.id, slight.id]


def test_among_equals_without_a_deadline_the_longest_waiting_comes_first_and_none_is_late(day: Day) -> None:
    """Reported in another order than entered: calls taken on paper come later."""
    waited = (1, 0, 8, 80, 3)
    days = {}
    for n in waited:
        point = day.grids.geometry.iloc[0].representative_point()
        before = day.now - timedelta(days=n)
        form = ReportForm(class_code="0101", lon=point.x, lat=point.y, severity=2, reported_at=before)
        days[report_incident(day.workspace, ALL, form).id] = n
    due = day.report()
    day.send(due)
    assert day.ids()[0] == due.id
    assert [days[i] for i in day.ids()[1:]] == sorted(waited, reverse=True)
    assert day.ids(query=IncidentQuery(late=True)) == []


def test_what_is_over_has_no_time_left(day: Day) -> None:
    record = day.report()
    day.send(record)
    (row,) = worklist(day.workspace, ALL).rows
    assert row.work_time is day.workspace.incident_profile.of("0101").limit_for().limit.unit.counts_work_time
    over = replace(load_incident(day.workspace, record.id)[0], state=IncidentState.CLOSED, resolved_at=day.now)
    assert left_s(over, day.now, day.workspace.incident_clock) is None


def test_a_row_says_lamp_and_what_is_left_of_the_limit_in_counted_time(day: Day) -> None:
    record = day.report()
    day.send(record)
    limit = day.workspace.incident_profile.of("0101").limit_for().limit
    limit_s = duration(limit, day.workspace.incident_clock.calendar).total_seconds()
    (row,) = worklist(day.workspace, ALL).rows
    assert (row.state, row.lamp, row.left_s) == (IncidentState.DISPATCHED, Lamp.GREEN, limit_s)
    day.later(hours=1)
    (row,) = worklist(day.workspace, ALL).rows
    assert row.left_s == limit_s - 3600
    day.later(days=3)
    (row,) = worklist(day.workspace, ALL).rows
    assert row.lamp is Lamp.RED
    assert row.left_s is not None
    assert row.left_s < 0


def test_what_was_not_dispatched_has_no_lamp_and_nothing_left(day: Day) -> None:
    day.report()
    (row,) = worklist(day.workspace, ALL).rows
    assert (row.lamp, row.left_s) == (None, None)


def test_each_number_counts_what_its_filter_shows(day: Day) -> None:
    late, waiting, _rejected = day.report(), day.report(), day.report()
    day.send(late)
    move_incident(day.workspace, ALL, _rejected.id, Action.REJECT, MoveArguments(reason="no"))
    day.later(days=5)
    numbers = worklist_numbers(day.workspace, ALL)
    assert (numbers.open, numbers.late, numbers.to_do) == (2, 1, 1)
    assert set(day.ids()) == {late.id, waiting.id}
    assert day.ids(query=IncidentQuery(late=True, limit=50)) == [late.id]


def test_a_search_finds_words_of_the_description_and_a_number_whatever_its_state(day: Day) -> None:
    one, two = day.report(words="路灯不亮 Broken LAMP"), day.report(words="路灯杆倾斜")
    assert set(day.ids(text="路灯")) == {one.id, two.id}
    assert day.ids(text="路灯 lamp") == [one.id]
    assert day.ids(text="井盖") == []
    move_incident(day.workspace, ALL, two.id, Action.VOID, MoveArguments(reason="twice"))
    assert day.ids(text="路灯") == [one.id]
    assert day.ids(text=f" {two.id.lower()} ") == [two.id]


def test_a_search_hides_what_lies_in_another_area_and_numbers_that_people_wrote(day: Day) -> None:
    here, there, *_ = streets_of(day.workspace, ALL)
    mine, _other = day.report(street=here, words="井盖 13912345678"), day.report(street=there, words="井盖")
    local = Person("local", Role.SUPERVISOR, (here,))
    assert day.ids(local) == [mine.id]
    assert day.ids(local, text="井盖") == [mine.id]
    assert day.ids(local, text=_other.id) == []
    assert day.ids(text="13912345678") == []


def test_a_street_narrows_the_list_and_only_streets_of_ones_own_area_are_offered(day: Day) -> None:
    here, there, *_ = streets_of(day.workspace, ALL)
    mine = day.report(street=here)
    day.report(street=there)
    assert day.ids(query=IncidentQuery(area=here, limit=50)) == [mine.id]
    local = Person("local", Role.SUPERVISOR, (here,))
    assert list(streets_of(day.workspace, local)) == [here]
    with pytest.raises(RightsError):
        worklist(day.workspace, local, IncidentQuery(area=there, limit=50))


def test_a_page_says_how_many_there_are_in_all(day: Day) -> None:
    for _ in range(5):
        day.report()
    page = worklist(day.workspace, ALL, IncidentQuery(limit=2))
    assert (len(page.rows), page.total) == (2, 5)
    assert len(worklist(day.workspace, ALL, IncidentQuery(limit=2, offset=4)).rows) == 1


def test_who_has_a_task_is_not_ready(day: Day) -> None:
    ready = [worker.worker_id for worker in ready_workers(day.workspace, ALL)]
    assert ready
    record = day.report()
    move_incident(day.workspace, ALL, record.id, Action.FILE)
    move_incident(day.workspace, ALL, record.id, Action.DISPATCH, MoveArguments(handler=ready[0]))
    assert ready[0] not in [worker.worker_id for worker in ready_workers(day.workspace, ALL)]
    assert ready_workers(day.workspace, Person("plan", Role.PLANNER, EVERYWHERE)) == ()


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PUBLIC])
def test_who_may_see_no_incidents_has_no_list(day: Day, role: Role) -> None:
    with pytest.raises(RightsError):
        worklist(day.workspace, Person("x", role, EVERYWHERE))
    with pytest.raises(RightsError):
        worklist_numbers(day.workspace, Person("x", role, EVERYWHERE))
