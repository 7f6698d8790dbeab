"""The web application: doors outside, routes inside, the built pages behind them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from trassa.errors import TrassaError
from trassa.live.store.store import StoreDown
from trassa.live.web import control_room, onboard, sessions, toll_office
from trassa.live.web.desk import Desk, Refusal
from trassa.live.web.doors import Doors
from trassa.live.web.gate import ForOperators

__all__ = ["STATIC", "create_app", "rooms"]

STATIC = Path(__file__).parent / "static"
_SEE = "GET /api/openapi.json says what there is and what is expected"


def create_app(desk: Desk, hosts: frozenset[str], static: Path = STATIC) -> Doors:
    """The application over a desk; ``static`` is the folder of the built pages."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await desk.feed.open()
        yield
        await desk.feed.close()

    app = rooms()
    app.state.desk = desk
    app.router.lifespan_context = lifespan

    @app.api_route("/drive", methods=["GET", "HEAD"], include_in_schema=False)
    def drive() -> FileResponse:
        return FileResponse(static / "drive.html")

    # behind the routes, not beside them: a route's own 405 comes before the pages' 404
    app.router.default = StaticFiles(directory=static, html=True)
    app.add_middleware(GZipMiddleware, minimum_size=10_000)
    return Doors(app, hosts)


def rooms() -> FastAPI:
    """The routes of the API, without anything behind them."""
    app = FastAPI(title="trassa", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for router in (
        sessions.router,
        sessions.inside,
        control_room.router,
        control_room.sockets,
        toll_office.reads_door,
        toll_office.router,
        onboard.pairing,
        onboard.router,
    ):
        app.include_router(router)

    def openapi() -> dict[str, Any]:
        return app.openapi()

    app.router.add_api_route("/api/openapi.json", openapi, include_in_schema=False, route_class_override=ForOperators)
    _answer_errors(app)
    return app


def _answer_errors(app: FastAPI) -> None:
    """Every error of the API is one JSON object that says what is wrong and what to do next."""

    @app.exception_handler(TrassaError)
    def refused(_request: Request, error: TrassaError) -> Response:
        status = error.status if isinstance(error, Refusal) else 422
        return _answer(status, error.message, error.cure)

    @app.exception_handler(StoreDown)
    def store_down(_request: Request, _error: StoreDown) -> Response:
        # what the driver says names paths of this machine: it stands in the log of the store
        return _answer(503, "the store does not answer; nothing was accepted", "try again in a few seconds")

    @app.exception_handler(RequestValidationError)
    def not_valid(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return _answer(422, f"{place}: {first['msg']}"[:500], _SEE)

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        answer = _answer(error.status_code, str(error.detail), _SEE)
        if not request.url.path.startswith("/api"):
            answer = HTMLResponse(_page(str(error.detail)), status_code=error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    def fault(_request: Request, _error: Exception) -> Response:
        return _answer(500, "a fault of ours; it stands in the log", "tell the operator, and try again")


def _answer(status: int, message: str, cure: str) -> Response:
    plain = message.encode("utf-8", "replace").decode()
    answer = JSONResponse({"error": plain, "next": cure.encode("utf-8", "replace").decode()}, status_code=status)
    if status == 503:
        answer.headers["retry-after"] = "2"
    return answer


def _page(said: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>trassa: {escape(said)}</title>'
        f'<h1>{escape(said)}</h1><p><a href="/">trassa</a></p></html>'
    )
