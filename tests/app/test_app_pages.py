"""The console's pages: who sees what, which buttons there are, what is said when something is refused."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from gridgov.errors import StorageError
from gridgov.model.incident_life import Action


def keys(test: AppTest) -> set[str]:
    """Keys of the buttons."""
    return {button.key for button in test.button if button.key}


def shown(test: AppTest) -> str:
    """All HTML and sentences of the page."""
    parts = [*test.get("html"), *test.warning, *test.info, *test.markdown]
    return "\n".join(str(getattr(part, "value", None) or getattr(part.proto, "body", "")) for part in parts)


def test_without_anybody_signed_in_there_is_nothing_but_the_way_to_the_door(desk) -> None:
    desk.sit("")
    test = desk.open()
    assert "/sign-in" in shown(test)
    assert not test.button
    assert not test.exception


def test_a_forged_session_is_nobody(desk) -> None:
    desk.cookies["gridgov_session"] = "forged"
    assert "/sign-in" in shown(desk.open())


def test_the_worklist_has_its_numbers_and_its_rows(desk) -> None:
    number = desk.report("first")
    test = desk.open()
    assert not test.exception
    assert {"number-open", "number-late", "number-to_do", "number-ready"} <= keys(test)
    test.radio(key="worklist-en").set_value(number).run()
    assert "do-file" in keys(test)


def test_a_number_sets_the_filter_that_shows_what_it_counts(desk) -> None:
    test = desk.open()
    test.button(key="number-late").click().run()
    assert test.checkbox(key="filter-late-en").value is True
    test.button(key="number-to_do").click().run()
    assert test.checkbox(key="filter-late-en").value is False
    assert test.selectbox(key="filter-state-en").value == "to_do"
    test.button(key="clear_filters").click().run()
    assert test.selectbox(key="filter-state-en").value == ""


@pytest.mark.parametrize(
    ("steps", "button"),
    [
        ([], "do-file"),
        ([Action.FILE], "do-dispatch"),
        ([Action.FILE, Action.DISPATCH], "do-undo_dispatch"),
    ],
)
def test_the_next_step_follows_from_the_state(desk, steps: list[Action], button: str) -> None:
    number = desk.report("a step")
    for action in steps:
        desk.move(number, action, **({"handler": "W00001"} if action is Action.DISPATCH else {}))
    assert button in keys(desk.open(incident=number))


def test_who_only_looks_has_no_buttons(desk) -> None:
    number = desk.report("look")
    desk.sit("plan")
    test = desk.open(incident=number)
    assert number in shown(test)
    assert not {key for key in keys(test) if key.startswith("do-")}


def test_an_administrator_sees_no_incident(desk) -> None:
    number = desk.report("secret words")
    desk.sit("keeper")
    test = desk.open(incident=number)
    assert "secret words" not in shown(test)
    assert "Your role does not see incidents" in shown(test)


def test_markup_in_a_report_is_text(desk) -> None:
    number = desk.report("<script>alert(1)</script>")
    body = shown(desk.open(incident=number))
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert" in body


def test_reporters_are_masked_until_a_reason_is_given(desk) -> None:
    number = desk.report("masked", name="张小明", phone="13912345678")
    test = desk.open("incident_page", id=number)
    assert not test.exception
    assert "13912345678" not in shown(test)
    test.button(key="unmask").click().run()
    assert "Give a reason." in shown(test)
    test.text_input(key="unmask_reason").set_value("call back").run()
    test.button(key="unmask").click().run()
    assert "13912345678" in shown(test)
    assert "call back" in shown(test)


def test_an_unknown_incident_is_said_to_be_so_and_its_name_is_no_markup(desk) -> None:
    test = desk.open("incident_page", id="![x](/y.png)")
    assert "There is no incident" in test.warning[0].value
    assert "![x](" not in test.warning[0].value


def test_while_nothing_can_be_saved_the_page_says_so_and_its_buttons_rest(desk, monkeypatch) -> None:
    """The store says that it is not writable; afterwards everything is back."""
    number = desk.report("read only")
    with monkeypatch.context() as patch:
        patch.setattr(type(desk.workspace.store), "writable", lambda _: False)
        test = desk.open(incident=number)
        assert "Nothing can be saved at present" in shown(test)
        assert test.button(key="do-file").disabled
    test.run()
    assert "Nothing can be saved" not in shown(test)
    assert not test.button(key="do-file").disabled


def test_a_refused_write_is_said_and_nothing_is_acknowledged(desk, monkeypatch) -> None:
    number = desk.report("lost write")
    test = desk.open(incident=number)

    def refuse(*_: object, **__: object) -> None:
        raise StorageError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(type(desk.workspace.store), "append", refuse)
        test.button(key="do-file").click().run()
    assert "Not saved" in shown(test)
    assert "do-file" in keys(test)


def test_while_nothing_can_be_read_the_page_says_so(desk, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("no connection")

    test = desk.open()
    with monkeypatch.context() as patch:
        patch.setattr(type(desk.workspace.store), "entities", refuse)
        patch.setattr(type(desk.workspace.store), "count", refuse)
        test.run()
        assert not test.exception
        assert "cannot be read" in shown(test)


def test_a_supervisor_has_no_way_into_administration(desk) -> None:
    """The page is not in the navigation; run all the same, what it calls refuses."""
    with pytest.raises(ValueError, match="admin_page"):
        desk.open("admin_page")
    test = desk.open_alone("admin_page")
    assert "You may not do that" in shown(test)
    assert "account_save" not in keys(test)


def test_an_account_is_made_changed_and_disabled(desk) -> None:
    desk.sit("keeper")
    test = desk.open("admin_page")
    assert not test.exception
    test.text_input(key="admin--0-id").set_value("newone").run()
    test.multiselect[0].set_value(["all"])
    test.button(key="account_save").click().run()
    assert any("newone" in str(part.value) for part in test.markdown)
    assert len(test.code[0].value) >= 12
    test.button(key="password_noted").click().run()
    test.selectbox(key="admin-chosen-en").set_value("newone").run()
    test.button(key="account_disable").click().run()
    assert "is disabled" in shown(test)
    test.button(key="account_enable").click().run()
    assert "is active again" in shown(test)


def test_an_impossible_account_is_refused_in_one_sentence_and_what_was_typed_stays(desk) -> None:
    desk.sit("keeper")
    test = desk.open("admin_page")
    test.text_input(key="admin--0-id").set_value("No Such Name!").run()
    test.button(key="account_save").click().run()
    assert "Cannot be used" in shown(test)
    assert test.text_input(key="admin--0-id").value == "No Such Name!"


def test_the_audit_trail_is_narrowed_and_paged(desk) -> None:
    desk.report("for the log")
    desk.sit("keeper")
    test = desk.open("admin_page")
    test.selectbox(key="audit-kind-en").set_value("account.").run()
    kinds = set(test.dataframe[1].value["kind"])
    assert kinds
    assert all(kind.startswith("account.") for kind in kinds)
    assert '"hash"' in test.code[-1].value


def test_an_address_that_names_no_incident_is_answered_in_words(desk) -> None:
    assert "There is no incident" in shown(desk.open(incident="nothing"))
    assert "No incident is named" in shown(desk.open("incident_page"))


def test_after_a_rest_the_first_button_goes_on_and_nothing_typed_stays(desk) -> None:
    number = desk.report("rest \u202eturned")
    desk.move(number, Action.FILE)
    desk.move(number, Action.DISPATCH, handler="W00001")
    test = desk.open(incident=number)
    assert "\u202e" not in shown(test)
    which = next(box for box in test.selectbox if str(box.key).startswith("which-"))
    which.set_value(Action.SUSPEND).run()
    test.text_area(key=f"in-{number}-suspend-reason").set_value("flood").run()
    test.button(key="do-suspend").click().run()
    assert "do-resume" in keys(test)
    assert not [area for area in test.text_area if area.value]
    which = next(box for box in test.selectbox if str(box.key).startswith("which-"))
    assert which.value is not Action.VOID


def test_a_new_account_begins_without_any_area(desk) -> None:
    desk.sit("keeper")
    test = desk.open("admin_page")
    assert test.multiselect[0].value == []
