"""The web application: doors outside, routes inside, the built pages behind them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from trassa.errors import TrassaError
from trassa.live.store.store import StoreDown
from trassa.live.web import control_room, onboard, sessions, toll_office
from trassa.live.web.desk import Desk, DeskOf, OperatorName, Refusal
from trassa.live.web.doors import Doors

__all__ = ["STATIC", "create_app"]

STATIC = Path(__file__).parent / "static"


def create_app(desk: Desk, hosts: frozenset[str], static: Path = STATIC) -> FastAPI:
    """The application over a desk; ``static`` is the folder of the built pages."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await desk.feed.open()
        yield
        await desk.feed.close()

    app = FastAPI(title="trassa", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.desk = desk
    for router in (sessions.router, control_room.router, toll_office.router, onboard.router):
        app.include_router(router)

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi(_desk: DeskOf, _operator: OperatorName) -> dict[str, Any]:
        return app.openapi()

    @app.get("/drive", include_in_schema=False)
    def drive() -> FileResponse:
        return FileResponse(static / "drive.html")

    app.mount("/", StaticFiles(directory=static, html=True))
    _answer_errors(app)
    app.add_middleware(GZipMiddleware, minimum_size=10_000)
    app.add_middleware(Doors, hosts=hosts, secure=desk.secure)
    return app


def _answer_errors(app: FastAPI) -> None:
    """Every error is one JSON object that says what is wrong and what to do next."""

    @app.exception_handler(TrassaError)
    def refused(_request: Request, error: TrassaError) -> JSONResponse:
        status = error.status if isinstance(error, Refusal) else 422
        return _answer(status, error.message, error.cure)

    @app.exception_handler(StoreDown)
    def store_down(_request: Request, error: StoreDown) -> JSONResponse:
        answer = _answer(503, error.message, error.cure or "try again in a few seconds")
        answer.headers["retry-after"] = "2"
        return answer

    @app.exception_handler(RequestValidationError)
    def not_valid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return _answer(422, f"{place}: {first['msg']}", "GET /api/openapi.json says what is expected")

    @app.exception_handler(HTTPException)
    def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        answer = _answer(error.status_code, str(error.detail), "GET /api/openapi.json lists what there is")
        answer.headers.update(error.headers or {})
        return answer


def _answer(status: int, message: str, cure: str) -> JSONResponse:
    plain = message.encode("utf-8", "replace").decode()
    return JSONResponse({"error": plain, "next": cure.encode("utf-8", "replace").decode()}, status_code=status)
