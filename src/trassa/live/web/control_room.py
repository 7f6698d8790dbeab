"""What the control room sees: the plan, the live road, events with their acknowledgement, the counts."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, WebSocket
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from trassa.live.store import charges as charge_store
from trassa.live.store import events as event_store
from trassa.live.store.store import StoreDown
from trassa.live.web.desk import Desk, DeskOf, Refusal, desk_of
from trassa.live.web.gate import BY_OPERATORS, PROBLEMS, ForOperators, OperatorName
from trassa.live.web.live_feed import STORE_AWAY, Watcher
from trassa.live.web.sockets import AGAIN, GONE, admitted, received, send_in_time, side_by_side, while_allowed

__all__ = ["fresh_news", "router", "sockets"]

router = APIRouter(
    prefix="/api", tags=["control room"], route_class=ForOperators, dependencies=BY_OPERATORS, responses=PROBLEMS
)
sockets = APIRouter(prefix="/api")

EventId = Annotated[str, Path(pattern=r"^[0-9]{1,10}-[0-9]{1,5}$", description="originatingStationID-sequenceNumber")]
_TICKER = 20


class Ending(BaseModel):
    """Why an operator ends an event."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f]*$")


@router.get("/plan")
def plan(desk: DeskOf) -> dict[str, Any]:
    """The plan under the live road, which does not change while it runs.

    Gives ``road``, ``lines``, ``labels``, ``coverage``, ``sites``, ``cables``, ``huts``, ``chambers``, ``toll_points``,
    ``places``, ``quiet``, ``holds``, ``credit``, ``simulated``, ``time_zone``, ``notice``; measures in metres.
    """
    return desk.plan


@router.get("/status")
async def status(desk: DeskOf) -> dict[str, Any]:
    """Counts of messages and the state of broker, store and worker.

    Gives ``time_ms``, ``simulated``, ``broker``, ``worker``, ``store``, ``pages``, ``counts``.
    """
    return await _status(desk)


@router.get("/events")
def events(desk: DeskOf, ended: Annotated[int, Query(ge=0, le=1000)] = 0) -> dict[str, list[dict[str, Any]]]:
    """Open events and reports, and the last ``ended`` ones; gives ``events`` and ``ended``.

    Each has ``event_id``, ``cause_code``, ``sub_cause_code``, ``state``, ``carriageway``, ``anchor_m``, ``label``,
    ``start_m``, ``end_m``, ``detection_ms``, ``reference_ms``, ``rule``, ``evidence``, ``acknowledged_by``,
    ``acknowledged_ms``, ``reported``; an ended one ``ended_ms``, ``ended_because``, ``ended_by`` and ``ended_note``.
    """
    with desk.store.transaction() as database:
        there = event_store.open_events(database)
        gone = event_store.ended_events(database, ended) if ended else []
    return {"events": there, "ended": gone}


@router.post("/events/{event_id}/acknowledge")
def acknowledge(desk: DeskOf, operator: OperatorName, event_id: EventId) -> dict[str, Any]:
    """Take note of an event, with user and time."""
    moment_ms = desk.platform_ms()
    with desk.store.transaction() as database:
        if not event_store.acknowledge(database, event_id, operator, moment_ms):
            raise Refusal(404, f"there is no event {event_id}", cure="GET /api/events")
    return {"event_id": event_id, "acknowledged_by": operator, "acknowledged_ms": moment_ms}


@router.post("/events/{event_id}/end")
async def end(desk: DeskOf, operator: OperatorName, event_id: EventId, body: Ending) -> dict[str, Any]:
    """End an event, ours or a reported one: the worker terminates it on the broker."""
    answer = await desk.feed.ask("end_event", {"event_id": event_id, "user": operator, "reason": body.reason})
    if answer is None:
        raise Refusal(503, "the worker does not answer", cure="try again in a few seconds")
    if not answer.get("ok"):
        raise Refusal(404, str(answer.get("reason", f"there is no event {event_id}")), cure="GET /api/events")
    return {"event_id": event_id, "ended_by": operator}


@sockets.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """Frames (binary) and news (JSON text) as they come."""
    desk = desk_of(websocket)
    operator = await admitted(websocket, desk.operator_of)
    if operator is None:
        return
    with desk.crowd.place_for(operator) as has_place:
        if not has_place:
            await websocket.close(code=AGAIN, reason="too many pages watch")
            return
        watcher = desk.feed.watch()
        try:
            for text in await _first_news(desk):
                watcher.tell(text)
            await side_by_side(
                websocket, _send(websocket, watcher), _until_gone(websocket), while_allowed(websocket, desk.operator_of)
            )
        finally:
            desk.feed.leave(watcher)


async def _first_news(desk: Desk) -> list[str]:
    try:
        return await fresh_news(desk, {"events", "charges", "status"})
    except StoreDown:
        return [STORE_AWAY]


async def fresh_news(desk: Desk, wanted: set[str]) -> list[str]:
    """The texts for the watchers: of events, charges and the status, whichever are wanted."""
    texts: list[dict[str, Any]] = []
    if wanted & {"events", "charges"}:
        texts += await run_in_threadpool(_stored_news, desk, wanted)
    if "status" in wanted:
        texts.append({"type": "status", **await _status(desk)})
    return [json.dumps(text, ensure_ascii=False, allow_nan=False) for text in texts]


def _stored_news(desk: Desk, wanted: set[str]) -> list[dict[str, Any]]:
    texts: list[dict[str, Any]] = []
    with desk.store.transaction() as database:
        if "events" in wanted:
            texts.append({"type": "events", "events": event_store.open_events(database)})
        if "charges" in wanted:
            charged = charge_store.list_charges(database, limit=_TICKER)
            held = charge_store.list_held(database, limit=_TICKER)
            texts.append({"type": "charges", "charges": desk.named(charged), "held": desk.named(held)})
    return texts


async def _status(desk: Desk) -> dict[str, Any]:
    counts = await desk.feed.ask("counts")
    return {
        "time_ms": desk.platform_ms(),
        "simulated": desk.simulated,
        "broker": desk.feed.connected,
        "worker": counts is not None,
        "pages": desk.feed.watchers,
        "store": await run_in_threadpool(desk.store_answers),
        "counts": counts or {},
    }


async def _send(websocket: WebSocket, watcher: Watcher) -> int:
    """News in order, of the frames the newest; ends where the page is too slow for that."""
    sent = b""
    while not watcher.overrun:
        await watcher.woken.wait()
        watcher.woken.clear()
        while not watcher.news.empty():
            if not await send_in_time(websocket, watcher.news.get_nowait()):
                return AGAIN
        if watcher.frame is not sent:
            sent = watcher.frame
            if not await send_in_time(websocket, sent):
                return AGAIN
    return AGAIN


async def _until_gone(websocket: WebSocket) -> None:
    async for _text in received(websocket):
        pass
    return GONE
