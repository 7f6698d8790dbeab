"""What every route of the web server works with: the roadway, the store, the feed and the keys of one book."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from fastapi import Depends
from starlette.requests import HTTPConnection

from trassa.clock import UtcClock
from trassa.errors import TrassaError
from trassa.live.roadway import Roadway
from trassa.live.store import access
from trassa.live.store.access import PairedVehicle
from trassa.live.store.store import Store, StoreDown
from trassa.live.web.live_feed import LiveFeed
from trassa.live.web.sockets import Crowd
from trassa.road.locate import Locator

__all__ = ["OPERATOR_COOKIE", "VEHICLE_COOKIE", "Desk", "DeskOf", "Refusal", "desk_of"]

OPERATOR_COOKIE = "trassa_session"
VEHICLE_COOKIE = "trassa_vehicle"


class Refusal(TrassaError):
    """A request that is answered with an error; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str, *, cure: str) -> None:
        self.status = status
        super().__init__(message, cure=cure)


@dataclass(frozen=True)
class Desk:
    """Shared by all routes. ``clock`` is the machine's: sessions run out in real time, also in a drive."""

    roadway: Roadway
    store: Store
    feed: LiveFeed
    reads_key: str
    identity_key: bytes
    password_fits: Callable[[str], bool]
    plan: dict[str, Any]
    simulated: bool
    clock: UtcClock = field(default_factory=UtcClock)
    crowd: Crowd = field(default_factory=Crowd)
    vehicle_crowd: Crowd = field(default_factory=lambda: Crowd(each=4, all_together=2000))

    def platform_ms(self) -> int:
        """The platform's present moment: that of the newest frame in a drive, else UTC."""
        if self.simulated and self.feed.time_ms is not None:
            return self.feed.time_ms
        return self.clock.now_ms()

    def operator_of(self, connection: HTTPConnection) -> str | None:
        """The operator whose session the request carries, or None."""
        token = connection.cookies.get(OPERATOR_COOKIE, "")
        if not token:
            return None
        with self.store.transaction() as database:
            return access.operator_of(database, token, self.clock.now_ms())

    def vehicle_of(self, connection: HTTPConnection) -> PairedVehicle | None:
        """The vehicle that the request's on-board page is paired with, or None."""
        token = connection.cookies.get(VEHICLE_COOKIE, "")
        if not token:
            return None
        with self.store.transaction() as database:
            return access.paired_vehicle_of(database, token, self.clock.now_ms())

    def holds_reads_key(self, connection: HTTPConnection) -> bool:
        """Whether the request carries the key of the gantries."""
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self.reads_key.encode())

    @cached_property
    def toll_points(self) -> frozenset[str]:
        """The toll points of the systems in force."""
        return frozenset(point["id"] for point in self.plan["toll_points"])

    @cached_property
    def _toll_point_names(self) -> dict[str, str]:
        return {point["id"]: point["name"] for point in self.plan["toll_points"]}

    def named(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Charges or held trips with the names of their toll points beside the ids."""
        names = self._toll_point_names
        return [row | {f"{end}_name": names.get(row[end], row[end]) for end in ("entry", "exit")} for row in rows]

    def store_answers(self) -> bool:
        """Whether the database is there."""
        try:
            with self.store.transaction() as database:
                database.execute("SELECT 1")
        except StoreDown:
            return False
        return True

    @cached_property
    def locator(self) -> Locator:
        """Finds the place of a position on this road."""
        return Locator(self.roadway.road)

    @cached_property
    def connection_runs(self) -> dict[str, tuple[Any, Any, Any]]:
        """Per carriageway: start, end and state (0 none, 1 weak, 2 good) of each run of the planned coverage."""
        runs = {}
        for carriageway, cover in self.plan["coverage"].items():
            margin = np.array([np.nan if value is None else value for value in cover["margin_db"]], dtype=np.float64)
            state = np.where(np.isnan(margin), 0, np.where(margin >= 0.0, 2, 1))
            runs[carriageway] = (np.array(cover["start_m"]), np.array(cover["end_m"]), state)
        return runs


def desk_of(connection: HTTPConnection) -> Desk:
    """The desk of the application that serves this connection."""
    desk: Desk = connection.app.state.desk
    return desk


DeskOf = Annotated[Desk, Depends(desk_of)]
