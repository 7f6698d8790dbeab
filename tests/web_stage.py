"""A stage for the pages: the live platform's HTTP face with invented traffic, for development and browser tests only.

``python tests/web_stage.py DIR [--port 8100] [--vehicles 300]`` serves the built pages over the plan of a project.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from trassa.live.roadway import Roadway
from trassa.live.web.doors import Doors
from trassa.live.web.plan_view import plan_view
from trassa.plan.project import open_project

STATIC = Path(__file__).resolve().parents[1] / "src" / "trassa" / "live" / "web" / "static"
_MAGIC = 0x31565254
_HEADER = struct.Struct("<IIdII")
START_MS = 1_780_660_800_000
PASSWORD = "a-stage-password"


class Traffic:
    """Invented vehicles on both carriageways and a queue behind a breakdown; ``still`` freezes them."""

    def __init__(self, length_m: float, vehicles: int, *, still: bool = False) -> None:
        random = np.random.default_rng(7)
        self.length_m, self.still = length_m, still
        self.handle = random.permutation(np.arange(1, vehicles + 1)).astype(np.uint32)
        self.measure_m = random.uniform(0.0, length_m, vehicles)
        self.decreasing = random.random(vehicles) < 0.5
        self.wish_mps = np.clip(random.normal(29.0, 4.0, vehicles), 16.0, 40.0)
        self.kind = random.choice([0, 0, 0, 0, 1, 1, 2], vehicles)
        self.wish_mps[self.kind > 0] = np.clip(self.wish_mps[self.kind > 0], 16.0, 24.0)
        self.place_m = 0.62 * length_m
        queue = np.flatnonzero(~self.decreasing)[: max(2, vehicles // 12)]
        self.measure_m[queue] = self.place_m - 9.0 * np.arange(len(queue))
        self.queue = queue
        self.speed_mps = self.wish_mps.copy()
        self.speed_mps[queue] = np.minimum(0.3 * np.arange(len(queue)), 6.0)

    def step(self, lapse_s: float) -> None:
        """Let everybody drive on, except the queue."""
        if self.still:
            return
        free = np.ones(len(self.handle), bool)
        free[self.queue] = False
        before = self.place_m - self.measure_m
        slow = free & ~self.decreasing & (before > 0.0) & (before < 1500.0)
        wanted = np.where(slow, np.maximum(5.0, self.wish_mps * before / 1500.0), self.wish_mps)
        self.speed_mps[free] = wanted[free]
        sense = np.where(self.decreasing, -1.0, 1.0)
        self.measure_m[free] = (self.measure_m + sense * self.speed_mps * lapse_s)[free] % self.length_m

    def frame(self, time_ms: float) -> bytes:
        """The binary frame of the worker."""
        standing = (self.speed_mps < 0.2).astype(np.uint8) << 1
        kind = (self.decreasing.astype(np.uint8) | standing | (self.kind.astype(np.uint8) << 4)).tobytes()
        columns = (self.handle, self.measure_m, np.full(len(self.handle), 1.8), self.speed_mps)
        body = columns[0].astype("<u4").tobytes() + b"".join(c.astype("<f4").tobytes() for c in columns[1:])
        return _HEADER.pack(_MAGIC, len(self.handle), time_ms, 1, 0) + body + kind + b"\0" * (-len(kind) % 4)


class Stage:
    """One stage: plan, traffic, events and charges that a test may change."""

    def __init__(self, root: Path, vehicles: int = 300, *, still: bool = False) -> None:
        self.roadway = Roadway.of(open_project(root))
        points = [
            {
                "id": f"tp-{i}",
                "name": place["name"],
                "measure_m": place["measure_m"],
                "carriageway": place["carriageway"],
                "label": self.roadway.text(float(place["measure_m"])),
            }
            for i, place in enumerate(self.roadway.road.places.rows())
            if place["kind"] == "toll_plaza"
        ]
        if not points:
            points = [self._point(i, share) for i, share in enumerate((0.15, 0.5, 0.85))]
        self.plan = plan_view(self.roadway, points, simulated=True, time_zone="Europe/Moscow")
        self.traffic = Traffic(self.roadway.road.length_m, vehicles, still=still)
        self.still, self.began_s = still, time.monotonic()
        self.events = self._events()
        self.ended: list[dict[str, Any]] = []
        self.charges = [self._charge(i) for i in range(14)]
        self.sessions = 0
        self.paired: set[str] = set()
        self.cut = self.mute = False

    def _point(self, index: int, share: float) -> dict[str, Any]:
        measure_m = share * self.roadway.road.length_m
        label = self.roadway.text(measure_m)
        return {
            "id": f"tp-{index}",
            "name": f"TP {index + 1}",
            "measure_m": measure_m,
            "carriageway": "both",
            "label": label,
        }

    @property
    def now_ms(self) -> int:
        """The stage's moment."""
        return START_MS + (0 if self.still else int((time.monotonic() - self.began_s) * 1000))

    def _events(self) -> list[dict[str, Any]]:
        place_m, length_m = self.traffic.place_m, self.roadway.road.length_m

        queue = {"vehicles": 7, "length_m": 64, "mean_speed_mps": 1.6, "because": "faster traffic upstream"}

        def event(number: int, cause: int, sub: int, anchor_m: float, way: str, **more: Any) -> dict[str, Any]:
            reach = -1500.0 if way == "increasing" else 1500.0
            ends = sorted((anchor_m, min(max(anchor_m + reach, 0.0), length_m)))
            return {
                "event_id": f"900001-{number}", "cause_code": cause, "sub_cause_code": sub, "state": "open",
                "carriageway": way, "anchor_m": anchor_m, "label": self.roadway.text(anchor_m), "start_m": ends[0],
                "end_m": ends[1], "opened_ms": START_MS - 48_000,
                "detection_ms": START_MS - 9_000, "reference_ms": START_MS - 9_000, "rule": "Q2",
                "evidence": queue, "acknowledged_by": None,
                "acknowledged_ms": None, "reported": False, **more,
            }  # fmt: skip

        queue_m = place_m - 9.0 * len(self.traffic.queue)
        return [
            event(41, 94, 2, place_m, "increasing", rule="S1", evidence={"vehicles": 1, "standing_s": 46}),
            event(42, 27, 0, queue_m, "increasing"),
            event(38, 10, 0, 0.3 * length_m, "decreasing", reported=True, rule="reported", evidence={"reports": 1}),
            event(
                35, 94, 0, 0.81 * length_m, "decreasing", state="unconfirmed", rule="S1",
                acknowledged_by="operator", acknowledged_ms=START_MS - 30_000,
            ),
        ]  # fmt: skip

    def _charge(self, index: int) -> dict[str, Any]:
        held = index % 6 == 5
        names = {"entry": "tp-0", "exit": "tp-1", "entry_name": "Москва", "exit_name": "Солнечногорск"}
        return {
            "charge_key": f"m11-15-58|{index:064x}|{START_MS}", "system": "m11-15-58", "vehicle_key": f"{index:032x}",
            "state": "held" if held else "charged", "amount_minor": None if held else 41_000 + 2_500 * index,
            "currency": "RUB", "contract_id": "C-7", "event_time_ms": START_MS - 60_000 * index,
            "reason": "pair_not_priced" if held else None, **names,
        }  # fmt: skip

    def status(self) -> dict[str, Any]:
        """What the status line shows."""
        done = 48_210 + (0 if self.still else int((time.monotonic() - self.began_s) * 1470))
        counts = {"accepted": done + 26, "processed": done, "refused": 14, "shed": 12, "waiting": 0, "lost": 0}
        return {
            "type": "status", "time_ms": self.now_ms, "simulated": True, "broker": True, "worker": True, "store": True,
            "counts": counts,
        }  # fmt: skip

    def news(self) -> list[dict[str, Any]]:
        """Events, charges and the status as the feed tells them."""
        return [
            {"type": "events", "events": self.events},
            {
                "type": "charges",
                "charges": [charge for charge in self.charges if charge["state"] == "charged"],
                "held": [charge for charge in self.charges if charge["state"] == "held"],
            },
            self.status(),
        ]

    def end(self, event_id: str, note: str) -> None:
        """Take an event out of the open ones."""
        for event in [e for e in self.events if e["event_id"] == event_id]:
            self.events.remove(event)
            said = {"ended_ms": self.now_ms, "ended_because": "operator", "ended_by": "operator", "ended_note": note}
            self.ended.insert(0, event | {"state": "ended"} | said)

    def ahead(self) -> dict[str, Any]:
        """What the on-board page is told: a place 4.2 km before the breakdown, driving."""
        driven_m = 0.0 if self.still else 25.0 * (time.monotonic() - self.began_s) % 4000.0
        measure_m = max(self.traffic.place_m - 4200.0, 0.0) + driven_m
        warnings = [
            {**{k: e[k] for k in ("event_id", "cause_code", "sub_cause_code", "label", "state")},
             "distance_m": round(e["anchor_m"] - measure_m)}
            for e in self.events
            if e["carriageway"] == "increasing" and e["anchor_m"] >= measure_m
        ]  # fmt: skip
        position = {"label": self.roadway.text(measure_m), "carriageway": "increasing", "measure_m": measure_m}
        bounds = [(0, 6200, "good"), (6200, 7100, "weak"), (7100, 7900, "none"), (7900, 20_000, "good")]
        return {
            "position": position, "warnings": sorted(warnings, key=lambda w: w["distance_m"]),
            "connection": [{"from_m": a, "to_m": b, "state": s} for a, b, s in bounds],
            "toll": {"amount_minor": 89_500, "currency": "RUB", "charges": 2, "held": 1}, "time_ms": self.now_ms,
        }  # fmt: skip


def stage_app(stage: Stage, hosts: frozenset[str], static: Path = STATIC) -> Doors:
    """The ASGI application: the API's shapes, and the real doors in front with their content security policy."""

    def operator(request: Request) -> bool:
        return request.cookies.get("trassa_session") == "open"

    async def login(request: Request) -> JSONResponse:
        if (await request.json()).get("password") != PASSWORD:
            return JSONResponse({"error": "the password is wrong", "next": "see what trassa serve printed"}, 401)
        answer = JSONResponse({"operator": "operator"})
        answer.set_cookie("trassa_session", "open", httponly=True, samesite="strict")
        return answer

    def closed(handler: Any) -> Any:
        async def guarded(request: Request) -> Any:
            if not operator(request):
                return JSONResponse({"error": "this needs a session", "next": "POST /api/login"}, 401)
            return JSONResponse(await handler(request))

        return guarded

    async def events(request: Request) -> Any:
        return {"events": stage.events, "ended": stage.ended[: int(request.query_params.get("ended", 0))]}

    async def acknowledge(request: Request) -> Any:
        for event in stage.events:
            if event["event_id"] == request.path_params["event_id"]:
                event |= {"acknowledged_by": "operator", "acknowledged_ms": stage.now_ms}
        return {"acknowledged_by": "operator", "acknowledged_ms": stage.now_ms}

    async def end(request: Request) -> Any:
        stage.end(request.path_params["event_id"], (await request.json())["reason"])
        return {"ended_by": "operator"}

    async def charge(request: Request) -> Any:
        found = next(c for c in stage.charges if c["charge_key"] == request.path_params["key"])
        amount = {"full_minor": found["amount_minor"], "amount_minor": found["amount_minor"]}
        explanation = {
            "tariff": {"name": "М-11 «Нева», км 15–58", "version": "2026-04-01"},
            "arithmetic": {"lines": [{"from": "moscow", "to": "solnechnogorsk", **amount}], "discount": "0"},
            "vehicle": {"class": "1", "means": "plate"},
            "time": {"profile": "fri", "base": "exit"},
        }
        return found | {
            "time": "2026-06-05T15:00:00+03:00", "reason": None, "text": None, "explanation": explanation,
            "passages": [
                {"toll_point": "tp-0", "time": "2026-06-05T14:40:00+03:00", "movement": "entry", "seen": "observed"},
                {"toll_point": "tp-1", "time": "2026-06-05T15:00:00+03:00", "movement": "exit", "seen": "observed"},
            ], "reads": [{"read_id": "r-1", "fate": "charged"}], "entries": [],
        }  # fmt: skip

    async def plan(_request: Request) -> Any:
        return stage.plan

    async def status(_request: Request) -> Any:
        return stage.status()

    async def session(request: Request) -> JSONResponse:
        there = operator(request)
        return JSONResponse({"authenticated": there, "operator": "operator" if there else None})

    async def pair(request: Request) -> JSONResponse:
        code = (await request.json())["code"]
        if code != "CODE" or code in stage.paired:
            return JSONResponse({"error": "this pairing link was used or has run out", "next": "ask again"}, 401)
        stage.paired.add(code)
        answer = JSONResponse({"paired": True})
        answer.set_cookie("trassa_vehicle", "own", httponly=True, samesite="strict")
        return answer

    async def live(socket: WebSocket) -> None:
        if socket.cookies.get("trassa_session") != "open":
            await socket.close(code=4401)
            return
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            tick = 0
            while True:
                if tick % 2 == 0:
                    for text in stage.news():
                        await socket.send_text(json.dumps(text, ensure_ascii=False))
                stage.traffic.step(0.5)
                if not stage.mute:
                    await socket.send_bytes(stage.traffic.frame(stage.now_ms))
                tick += 1
                await asyncio.sleep(0.5)

    async def drive_live(socket: WebSocket) -> None:
        if socket.cookies.get("trassa_vehicle") != "own":
            await socket.close(code=4401)
            return
        if not stage.cut:
            await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while not stage.cut:
                await socket.send_text(json.dumps(stage.ahead(), ensure_ascii=False))
                await asyncio.sleep(0.5)
            await socket.close(code=1012)

    async def drive(_request: Request) -> FileResponse:
        return FileResponse(static / "drive.html")

    routes = [
        Route("/api/login", login, methods=["POST"]),
        Route("/api/session", session),
        Route("/api/plan", closed(plan)),
        Route("/api/status", closed(status)),
        Route("/api/events", closed(events)),
        Route("/api/events/{event_id}/acknowledge", closed(acknowledge), methods=["POST"]),
        Route("/api/events/{event_id}/end", closed(end), methods=["POST"]),
        Route("/api/toll/charges/{key}", closed(charge)),
        Route("/api/drive/pair", pair, methods=["POST"]),
        WebSocketRoute("/api/live", live),
        WebSocketRoute("/api/drive/live", drive_live),
        Route("/drive", drive),
        Mount("/", StaticFiles(directory=static, html=True)),
    ]
    return Doors(Starlette(routes=routes, middleware=list[Middleware]()), hosts, secure=False)


def main() -> None:
    """Serve a stage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--vehicles", type=int, default=300)
    parser.add_argument("--still", action="store_true")
    words = parser.parse_args()
    stage = Stage(words.project, words.vehicles, still=words.still)
    hosts = frozenset({f"127.0.0.1:{words.port}", f"localhost:{words.port}"})
    uvicorn.run(stage_app(stage, hosts), host="127.0.0.1", port=words.port, log_level="warning")


if __name__ == "__main__":
    main()
