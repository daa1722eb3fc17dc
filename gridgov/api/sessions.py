"""Sign in, who am I, sign out, a new password of one's own."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from gridgov.api.account_schemas import (
    NewPassword,
    PersonShown,
    SessionShown,
    SignIn,
    WhoAmI,
)
from gridgov.api.asking import answers, asked
from gridgov.api.guard import clear_session_cookie, csrf_token, session_cookie
from gridgov.model.rights import ROLE_RIGHTS
from gridgov.operations.accounts import change_own_password, sign_in, sign_out

router = APIRouter(prefix="/session", tags=["session"])


@router.post("", status_code=201, responses=answers())
def begin(request: Request, response: Response, given: SignIn) -> SessionShown:
    """Sign in. The token goes into the header `Authorization: Bearer`; with `cookie` a browser keeps it as well."""
    ask = asked(request)
    session = sign_in(ask.workspace, given.account, given.password)
    if given.cookie:
        session_cookie(response, session, ask.settings)
    response.headers["Cache-Control"] = "no-store"
    person = PersonShown.model_validate(session.person)
    return SessionShown(token=session.token, expires_at=session.expires_at, person=person)


@router.get("", responses=answers())
def who(request: Request, response: Response) -> WhoAmI:
    """Return who is signed in and what that person may do."""
    ask = asked(request)
    response.headers["Cache-Control"] = "no-store"
    rights = {str(right): str(scope) for right, scope in ROLE_RIGHTS[ask.person.role].items()}
    shown = PersonShown.model_validate(ask.person)
    return WhoAmI.model_validate({"person": shown, "rights": rights, "csrf_token": csrf_token(ask.token)})


@router.delete("", status_code=204, responses=answers())
def end(request: Request) -> Response:
    """Sign out."""
    ask = asked(request)
    sign_out(ask.workspace, ask.token)
    response = Response(status_code=204)
    clear_session_cookie(response)
    return response


@router.post("/password", status_code=204, responses=answers())
def new_password(request: Request, given: NewPassword) -> Response:
    """Give oneself another password."""
    ask = asked(request)
    change_own_password(ask.workspace, ask.person, given.old_password, given.new_password, token=ask.token)
    return Response(status_code=204)
