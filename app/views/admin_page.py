"""Administration: accounts, and the audit trail with its checkpoint."""

import streamlit as st

from app.widgets.accounts import account_form, accounts_table, show_password
from app.widgets.audit import checkpoint_panel, trail
from app.widgets.doing import sentence_of, show_said
from app.widgets.frame import language, may_write, person, text, workspace
from gridgov.errors import GridgovError, RightsError
from gridgov.operations.accounts import list_accounts

opened, lang, who = workspace(), language(), person()
accounts_tab, audit_tab = st.tabs([text("admin.accounts"), text("admin.audit")])
with accounts_tab:
    try:
        accounts = list_accounts(opened, who)
    except GridgovError as error:
        st.warning(sentence_of(error))
    else:
        table, form = st.columns([1.7, 1], gap="large")
        with table:
            accounts_table(opened, lang, accounts)
        with form, st.container(key="account"):
            show_said()
            show_password()
            account_form(opened, lang, accounts, active=may_write())
with audit_tab:
    try:
        trail(opened, who)
        checkpoint_panel(opened, who)
    except RightsError:
        st.info(text("admin.audit_not_yours"))
    except GridgovError as error:
        st.warning(sentence_of(error))
