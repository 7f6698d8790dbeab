"""Coming in and going out: the operator's session."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from trassa.live.store import access
from trassa.live.web.desk import OPERATOR_COOKIE, Desk, DeskOf, Refusal, desk_of
from trassa.live.web.doors import is_secure
from trassa.live.web.gate import BY_OPERATORS, PROBLEMS, ForOperators, OperatorName

__all__ = ["inside", "router"]

router = APIRouter(prefix="/api", tags=["session"], responses=PROBLEMS)
inside = APIRouter(
    prefix="/api", tags=["session"], route_class=ForOperators, dependencies=BY_OPERATORS, responses=PROBLEMS
)
_OPERATOR = "operator"
_TRIES = CapacityLimiter(2)
"""How many passwords are tried at once: each try costs memory and time on purpose."""


class Login(BaseModel):
    """The operator's password, as printed once by ``trassa serve``."""

    model_config = ConfigDict(extra="forbid")
    password: str = Field(min_length=1, max_length=200)


@router.post("/login")
async def login(body: Login, request: Request, desk: DeskOf, response: Response) -> dict[str, Any]:
    """Open a session; the cookie is HttpOnly and SameSite=Strict."""
    if not await to_thread.run_sync(desk.password_fits, body.password, limiter=_TRIES):
        raise Refusal(401, "the password is wrong", cure="the operator password that trassa serve printed")
    token = await to_thread.run_sync(_opened, desk)
    response.set_cookie(
        OPERATOR_COOKIE,
        token,
        max_age=access.SESSION_MS // 1000,
        httponly=True,
        samesite="strict",
        secure=is_secure(request.scope),
    )
    return {"operator": _OPERATOR}


@inside.post("/logout")
def logout(request: Request, desk: DeskOf, operator: OperatorName, response: Response) -> dict[str, Any]:
    """Close the session."""
    with desk.store.transaction() as database:
        access.close_session(database, request.cookies.get(OPERATOR_COOKIE, ""))
    response.delete_cookie(OPERATOR_COOKIE, httponly=True, samesite="strict", secure=is_secure(request.scope))
    return {"closed": operator}


@router.get("/session")
def session(request: Request) -> dict[str, Any]:
    """Whether this browser has a session; the only answer that needs none."""
    name = desk_of(request).operator_of(request)
    return {"authenticated": name is not None, "operator": name}


def _opened(desk: Desk) -> str:
    with desk.store.transaction() as database:
        return access.open_session(database, _OPERATOR, desk.clock.now_ms())
