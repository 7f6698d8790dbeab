"""The on-board page: warnings ahead, connection ahead from the plan, toll so far; for one paired vehicle only."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response, WebSocket
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from trassa.errors import InputError
from trassa.live.store import access, charges, events, identities
from trassa.live.store.access import PairedVehicle
from trassa.live.store.store import StoreDown
from trassa.live.web.desk import VEHICLE_COOKIE, Desk, DeskOf, Refusal, desk_of
from trassa.live.web.doors import is_secure
from trassa.live.web.gate import BY_OPERATORS, PROBLEMS, ForOperators
from trassa.live.web.sockets import AGAIN, GONE, admitted, received, send_in_time, side_by_side, while_allowed
from trassa.road.locate import Locator

__all__ = ["Place", "ahead_m", "connection_ahead", "pairing", "router"]

router = APIRouter(prefix="/api", tags=["on-board"], responses=PROBLEMS)
pairing = APIRouter(
    prefix="/api", tags=["on-board"], route_class=ForOperators, dependencies=BY_OPERATORS, responses=PROBLEMS
)

_AHEAD_M = 20_000.0
_OFF_M = 60.0
_PERIOD_S = 1.0
_CHARGES = 1000
_STATES = ("none", "weak", "good")
_NAME = r"^[A-Za-z0-9_-]+$"
_SIGN = {"increasing": 1.0, "decreasing": -1.0}


class Pairing(BaseModel):
    """The vehicle to pair, as it names itself on the broker."""

    model_config = ConfigDict(extra="forbid", strict=True)
    login: str = Field(min_length=1, max_length=60, pattern=_NAME)
    vehicle: str = Field(min_length=1, max_length=60, pattern=_NAME)
    station_id: int | None = Field(default=None, ge=0, le=4_294_967_295)


class Code(BaseModel):
    """The code of a one-time link."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")


@dataclass(frozen=True)
class Place:
    """Where a vehicle is on the road."""

    carriageway: str
    measure_m: float


@pairing.post("/vehicles/pair")
def pair_link(desk: DeskOf, body: Pairing) -> dict[str, Any]:
    """A link that pairs one page with this vehicle, once, within fifteen minutes. Gives ``link``."""
    with desk.store.transaction() as database:
        code = access.pairing_code(
            database, PairedVehicle(body.login, body.vehicle, body.station_id), desk.clock.now_ms()
        )
    return {"link": f"/drive?pair={code}"}


@router.post("/drive/pair")
def pair(request: Request, desk: DeskOf, body: Code, response: Response) -> dict[str, Any]:
    """Use up a code; the cookie that comes back is the vehicle's token."""
    with desk.store.transaction() as database:
        token = access.pair_vehicle(database, body.code, desk.clock.now_ms())
    if token is None:
        raise Refusal(401, "this pairing link was used or has run out", cure="ask the operator for a fresh one")
    response.set_cookie(
        VEHICLE_COOKIE,
        token,
        max_age=access.VEHICLE_TOKEN_MS // 1000,
        httponly=True,
        samesite="strict",
        secure=is_secure(request.scope),
    )
    return {"paired": True}


@router.websocket("/drive/live")
async def drive_live(websocket: WebSocket) -> None:
    """Once a second what lies ahead; the page may send its own position."""
    desk = desk_of(websocket)
    vehicle = await admitted(websocket, desk.vehicle_of)
    if vehicle is None:
        return
    with desk.vehicle_crowd.place_for(vehicle.plain) as has_place:
        if not has_place:
            await websocket.close(code=AGAIN, reason="too many pages of this vehicle")
            return
        own = _OwnPosition()
        await side_by_side(
            websocket,
            _tell(websocket, desk, vehicle, own),
            _listen(websocket, own),
            while_allowed(websocket, desk.vehicle_of),
        )


class _OwnPosition:
    """The newest position that the page itself has sent; the last two give the carriageway."""

    def __init__(self) -> None:
        self.fixes: list[tuple[float, float]] = []

    def take(self, text: str) -> None:
        try:
            said = json.loads(text)
            fix = (float(said["latitude_deg"]), float(said["longitude_deg"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return
        if all(map(math.isfinite, fix)) and abs(fix[0]) <= 90.0 and abs(fix[1]) <= 180.0:
            self.fixes = [*self.fixes[-1:], fix] if not self.fixes or self.fixes[-1] != fix else self.fixes


async def _listen(websocket: WebSocket, own: _OwnPosition) -> None:
    async for text in received(websocket):
        own.take(text)
    return GONE


async def _tell(websocket: WebSocket, desk: Desk, vehicle: PairedVehicle, own: _OwnPosition) -> int:
    """What lies ahead, once a second; nothing while the store is away: the page sees how old its news are."""
    while True:
        place = await _place_of(desk, vehicle, own)
        try:
            body = await run_in_threadpool(_ahead, desk, vehicle, place)
        except StoreDown:
            body = {}
        if body and not await send_in_time(websocket, json.dumps(body, ensure_ascii=False, allow_nan=False)):
            return AGAIN
        await asyncio.sleep(_PERIOD_S)


async def _place_of(desk: Desk, vehicle: PairedVehicle, own: _OwnPosition) -> Place | None:
    """From the page's own position where it sends one, else from the station's messages."""
    if own.fixes:
        return await run_in_threadpool(_located, desk.locator, own.fixes)
    if vehicle.station_id is None:
        return None
    said = await desk.feed.ask("where", {"station_id": vehicle.station_id})
    if not said or said.get("carriageway") not in _SIGN:
        return None
    return Place(str(said["carriageway"]), float(said["measure_m"]))


def _located(locator: Locator, fixes: list[tuple[float, float]]) -> Place | None:
    """The place of the newest fix; the sense of two fixes decides the carriageway where they say it."""
    try:
        found = locator.locate([lat for lat, _ in fixes], [lon for _, lon in fixes])
    except InputError:  # far off, as with latitude and longitude swapped
        return None
    if abs(float(found.offset_m[-1])) > _OFF_M:
        return None
    carriageway = str(found.carriageway[-1])
    moved_m = float(found.measure_m[-1] - found.measure_m[0])
    if abs(moved_m) > 5.0:
        carriageway = "increasing" if moved_m > 0 else "decreasing"
    return Place(carriageway, float(found.measure_m[-1]))


def _ahead(desk: Desk, vehicle: PairedVehicle, place: Place | None) -> dict[str, Any]:
    with desk.store.transaction() as database:
        key = identities.is_bound(database, identities.identity_key(desk.identity_key, "own", vehicle.plain))
        toll = _toll_so_far(charges.list_charges(database, vehicle_key=key, limit=_CHARGES) if key else [])
        there = events.open_events(database) if place else []
    body: dict[str, Any] = {"position": None, "warnings": [], "connection": [], "toll": toll}
    body["time_ms"] = desk.platform_ms()
    if place is None:
        return body
    body["position"] = {
        "label": desk.roadway.text(place.measure_m),
        "carriageway": place.carriageway,
        "measure_m": round(place.measure_m, 1),
    }
    near = [(ahead_m(place, event), event) for event in there]
    body["warnings"] = [
        {
            **{name: event[name] for name in ("event_id", "cause_code", "sub_cause_code", "label", "state")},
            "distance_m": round(distance_m, 0),
        }
        for distance_m, event in sorted(near, key=lambda pair: pair[0])
        if 0.0 <= distance_m <= _AHEAD_M
    ]
    body["connection"] = connection_ahead(desk, place)
    return body


def _toll_so_far(listed: list[dict[str, Any]]) -> dict[str, Any]:
    """What a vehicle's charges add up to, per currency; a vehicle on one road has one."""
    charged = [row for row in listed if row["state"] == "charged"]
    currency = charged[0]["currency"] if charged else None
    amount_minor = sum(row["amount_minor"] for row in charged if row["currency"] == currency)
    return {"amount_minor": amount_minor, "currency": currency, "charges": len(charged)}


def ahead_m(place: Place, event: dict[str, Any]) -> float:
    """How far an event lies ahead, m; negative where it is behind or on the other carriageway.

    A report that names no carriageway may be meant for either.
    """
    if event["carriageway"] not in (None, place.carriageway) or event["anchor_m"] is None:
        return -1.0
    return float((event["anchor_m"] - place.measure_m) * _SIGN[place.carriageway])


def connection_ahead(desk: Desk, place: Place) -> list[dict[str, Any]]:
    """The planned connection on the next 20 km as runs of one state; distances ahead of the vehicle, m."""
    start, end, state = desk.connection_runs[place.carriageway]
    sign = _SIGN[place.carriageway]
    near, far = (start, end) if sign > 0 else (end, start)
    from_m = np.maximum((near - place.measure_m) * sign, 0.0)
    to_m = np.minimum((far - place.measure_m) * sign, _AHEAD_M)
    wanted = np.flatnonzero((to_m > 0.0) & (from_m < _AHEAD_M))
    runs: list[dict[str, Any]] = []
    for index in wanted[np.argsort(from_m[wanted], kind="stable")]:
        name = _STATES[int(state[index])]
        if runs and runs[-1]["state"] == name and abs(runs[-1]["to_m"] - from_m[index]) < 1.0:
            runs[-1]["to_m"] = round(float(to_m[index]), 1)
        else:
            runs.append({"from_m": round(float(from_m[index]), 1), "to_m": round(float(to_m[index]), 1), "state": name})
    return runs
