"""The fleet at the broker's door: a connection for each vehicle, open only where the plan gives one.

A vehicle subscribes to the tile it is in and to the next ones ahead, and takes a new tile before it gives up an old
one. Where there is no connection its socket is closed: nothing is sent and nothing is kept for later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.live.subjects import TILE_LEVEL, in_topic, tile_filter
from trassa.twin.course import degrees_of
from trassa.twin.deliveries import OBSERVER, Deliveries, tile_of
from trassa.twin.mqtt import Hub, Link, NotInTime
from trassa.twin.mqtt_packet import Delivery, publish_head
from trassa.twin.receiver import Belief
from trassa.vehicles.tiles import quadkeys

__all__ = ["Fleet", "Login"]

BoolArray = npt.NDArray[np.bool_]

_AHEAD_M = (700.0, 1400.0)
_MOVED_M = 100.0
"""A vehicle looks at its tiles again when it has driven this far."""
_RETAINED_S = 0.5
_ATTEMPTS = 6


@dataclass(frozen=True)
class Login:
    """What opens the broker's MQTT door."""

    port: int
    name: str
    password: str


class Fleet:
    """All vehicles' links. ``on_warning(vehicle, payload)`` is called for what arrives."""

    def __init__(
        self, hub: Hub, login: Login, names: Sequence[str], on_warning: Callable[[int, bytes], None], *, owes: bool
    ) -> None:
        self.deliveries = Deliveries()
        self.connected = np.zeros(len(names), dtype=np.bool_)
        self.connections = 0
        self.undelivered = 0
        self.lost: dict[str, str] = {}
        self._hub, self._login, self._names, self._on_warning = hub, login, names, on_warning
        self._owes = owes
        self._links: list[Link | None] = [None] * len(names)
        self._vehicle_of: dict[Link, int] = {}
        self._tiles: list[frozenset[str]] = [frozenset()] * len(names)
        self._looked_m = np.full(len(names), np.inf)
        self._cam_heads = [publish_head(in_topic("cam", login.name, name)) for name in names]
        self._denm_heads = [publish_head(in_topic("denm", login.name, name)) for name in names]
        self._toll_heads = [publish_head(in_topic("toll", login.name, name)) for name in names]

    def take(self, link: Link, delivery: Delivery) -> None:
        """A delivery from the hub: it belongs to one of the vehicles."""
        vehicle = self._vehicle_of.get(link)
        if vehicle is None:
            return
        if self._owes:
            self.deliveries.arrive(vehicle, delivery.topic, delivery.payload)
        self._on_warning(vehicle, delivery.payload)

    def connect(self, wanted: BoolArray) -> None:
        """Open and close links so that exactly the wanted vehicles are connected; returns when the broker agrees."""
        for vehicle, link in enumerate(self._links):
            if link is not None and link.lost:
                self.lost[self._names[vehicle]] = link.lost
                self._forget(vehicle)
        for vehicle in np.flatnonzero(self.connected & ~wanted).tolist():
            link = self._links[vehicle]
            if link is not None:
                self._hub.close(link)
            self._forget(vehicle)
        fresh = np.flatnonzero(wanted & ~self.connected).tolist()
        for vehicle in fresh:
            link = self._hub.open(self._names[vehicle], self._login.name, self._login.password)
            self._links[vehicle] = link
            self._vehicle_of[link] = vehicle
            self._looked_m[vehicle] = np.inf
        self.connected = wanted.copy()
        self.connections += len(fresh)
        self._settle(fresh)

    def follow_tiles(self, belief: Belief, progress_m: npt.NDArray[np.float64]) -> None:
        """Move the subscriptions of those who have driven on; returns when the retained warnings are there."""
        moved = np.abs(progress_m - self._looked_m) > _MOVED_M
        looking = np.flatnonzero(self.connected & (moved | ~np.isfinite(self._looked_m)))
        if not len(looking):
            return
        self._looked_m[looking] = progress_m[looking]
        changed: list[int] = []
        for vehicle, tiles in zip(looking.tolist(), _tiles_ahead(belief, looking), strict=True):
            if self._move_to(vehicle, tiles):
                changed.append(vehicle)
        self._settle(changed)
        self.await_deliveries()

    def send_cams(self, vehicles: Sequence[int], pdus: Sequence[bytes]) -> None:
        """One CAM of each vehicle, QoS 0."""
        for vehicle, pdu in zip(vehicles, pdus, strict=True):
            link = self._links[vehicle]
            if link is not None:
                self._hub.publish(link, self._cam_heads[vehicle], pdu)

    def send_fixes(self, vehicle: int, payload: bytes) -> None:
        """Own fixes of a vehicle, QoS 1."""
        link = self._links[vehicle]
        if link is not None:
            self._hub.publish(link, self._toll_heads[vehicle], payload, qos=1)

    def send_report(self, vehicle: int, payload: bytes) -> None:
        """A DENM of a vehicle's own, QoS 1."""
        link = self._links[vehicle]
        if link is not None:
            self._hub.publish(link, self._denm_heads[vehicle], payload, qos=1)

    def await_deliveries(self) -> None:
        """Wait for what the platform owes the fleet; retained warnings that do not come are asked for again."""
        if not self._owes:
            self._hub.poll()
            return
        for _ in range(_ATTEMPTS):
            try:
                self._hub.wait(lambda: self.deliveries.complete, "a delivery", _RETAINED_S)
                return
            except NotInTime:
                self._ask_again()
        self.undelivered += len(self.deliveries.missing())
        self.deliveries.give_up()

    def close(self) -> None:
        """Disconnect everybody."""
        self.connect(np.zeros(len(self._names), dtype=np.bool_))

    def _ask_again(self) -> None:
        """The broker learns of a retained message a moment after its receipt: a subscription may have come between."""
        late: dict[int, set[str]] = {}
        for vehicle, topic in self.deliveries.missing():
            if vehicle == OBSERVER:
                continue
            late.setdefault(vehicle, set()).add(tile_filter(tile_of(topic)))
        for vehicle, filters in late.items():
            link = self._links[vehicle]
            if link is not None:
                self._hub.subscribe(link, sorted(filters))
                self._settle([vehicle])

    def _move_to(self, vehicle: int, tiles: frozenset[str]) -> bool:
        link, before = self._links[vehicle], self._tiles[vehicle]
        if link is None or tiles == before:
            return False
        new, old = sorted(tiles - before), sorted(before - tiles)
        if new:
            self._hub.subscribe(link, [tile_filter(tile) for tile in new])
        if old:
            self._hub.unsubscribe(link, [tile_filter(tile) for tile in old])
        for tile in new:
            self.deliveries.subscribe(vehicle, tile)
        for tile in old:
            self.deliveries.unsubscribe(vehicle, tile)
        self._tiles[vehicle] = tiles
        return True

    def _settle(self, vehicles: Sequence[int]) -> None:
        links = [link for vehicle in vehicles if (link := self._links[vehicle]) is not None]
        if links:
            self._hub.settle(links)

    def _forget(self, vehicle: int) -> None:
        link = self._links[vehicle]
        if link is not None:
            self._vehicle_of.pop(link, None)
        for tile in self._tiles[vehicle]:
            self.deliveries.unsubscribe(vehicle, tile)
        self.deliveries.write_off(vehicle)
        self._links[vehicle] = None
        self._tiles[vehicle] = frozenset()
        self.connected[vehicle] = False


def _tiles_ahead(belief: Belief, vehicles: npt.NDArray[np.int64]) -> list[frozenset[str]]:
    """For each vehicle the tile it believes to be in and those it is heading for."""
    latitude, longitude = belief.latitude_deg[vehicles], belief.longitude_deg[vehicles]
    heading = np.radians(belief.heading_deg[vehicles])
    columns = []
    for ahead_m in (0.0, *_AHEAD_M):
        north, east = degrees_of(latitude, ahead_m * np.cos(heading), ahead_m * np.sin(heading))
        columns.append(quadkeys(latitude + north, longitude + east, TILE_LEVEL))
    return [frozenset(tiles) for tiles in zip(*columns, strict=True)]
