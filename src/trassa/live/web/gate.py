"""The gate: who may come in, decided before a request's body is read, so that a stranger learns nothing from it.

A route class is who may: ``APIRouter(route_class=ForOperators)``. What it lets through finds the operator's name as
:data:`OperatorName`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from trassa.live.web.desk import OPERATOR_COOKIE, Refusal, desk_of

__all__ = [
    "BY_GANTRIES", "BY_OPERATORS", "PROBLEMS", "ForGantries", "ForOperators", "OperatorName", "Problem",
]  # fmt: skip

_SESSION = APIKeyCookie(name=OPERATOR_COOKIE, scheme_name="operator", auto_error=False)
_READS_KEY = HTTPBearer(scheme_name="gantry", auto_error=False)
BY_OPERATORS = [Security(_SESSION)]
"""For the API's own description; the gate itself is the route class."""
BY_GANTRIES = [Security(_READS_KEY), *BY_OPERATORS]


class Problem(BaseModel):
    """Every error: what is wrong, and what to do next."""

    error: str
    next: str = Field(description="what to do about it")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning}
    for status, meaning in (
        (400, "the body cannot be read"),
        (401, "without the right to this"),
        (404, "there is no such thing"),
        (413, "the body is too large"),
        (422, "something in it is not valid"),
        (429, "too many requests, see Retry-After"),
        (503, "the store or the worker does not answer, see Retry-After; nothing was accepted"),
    )
}


class ForOperators(APIRoute):
    """Routes that need an operator's session."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the gate."""
        inside = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.operator = await run_in_threadpool(self.admitted, request)
            return await inside(request)

        return guarded

    @staticmethod
    def admitted(request: Request) -> str:
        """Who is let in; everybody else is refused."""
        name = desk_of(request).operator_of(request)
        if name is None:
            raise Refusal(401, "this needs an operator's session", cure="POST /api/login with the operator password")
        return name


class ForGantries(ForOperators):
    """Routes that gantries reach with their key, and operators with their session."""

    @staticmethod
    def admitted(request: Request) -> str:
        """Who is let in; everybody else is refused."""
        desk = desk_of(request)
        if desk.holds_reads_key(request):
            return "gantry"
        name = desk.operator_of(request)
        if name is None:
            raise Refusal(401, "this needs the key of the gantries", cure="Authorization: Bearer <reads_key>")
        return name


def _operator(request: Request) -> str:
    return str(request.state.operator)


OperatorName = Annotated[str, Depends(_operator)]
