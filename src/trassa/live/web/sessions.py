"""Coming in and going out: the operator's session."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from trassa.live.store import access
from trassa.live.web.desk import OPERATOR_COOKIE, DeskOf, OperatorName, Refusal, desk_of

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["session"])


class Login(BaseModel):
    """The operator's password, as printed once by ``trassa serve``."""

    model_config = ConfigDict(extra="forbid")
    password: str = Field(min_length=1, max_length=200)


@router.post("/login")
def login(body: Login, desk: DeskOf, response: Response) -> dict[str, Any]:
    """Open a session; the cookie is HttpOnly and SameSite=Strict."""
    if not desk.password_fits(body.password):
        raise Refusal(401, "the password is wrong", cure="the operator password that trassa serve printed")
    with desk.store.transaction() as database:
        token = access.open_session(database, "operator", desk.clock.now_ms())
    response.set_cookie(
        OPERATOR_COOKIE, token, max_age=access.SESSION_MS // 1000, httponly=True, samesite="strict", secure=desk.secure
    )
    return {"operator": "operator"}


@router.post("/logout")
def logout(request: Request, desk: DeskOf, operator: OperatorName, response: Response) -> dict[str, Any]:
    """Close the session."""
    with desk.store.transaction() as database:
        access.close_session(database, request.cookies.get(OPERATOR_COOKIE, ""))
    response.delete_cookie(OPERATOR_COOKIE, httponly=True, samesite="strict", secure=desk.secure)
    return {"closed": operator}


@router.get("/session")
def session(request: Request) -> dict[str, Any]:
    """Whether this browser has a session; the only answer that needs none."""
    name = desk_of(request).operator_of(request)
    return {"authenticated": name is not None, "operator": name}
