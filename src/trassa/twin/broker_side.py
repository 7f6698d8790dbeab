"""The twin at the broker: all vehicles' links, the driver of the clock and the observer of all warnings, in step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trassa.twin.awareness import Awareness
from trassa.twin.deliveries import OBSERVER
from trassa.twin.fleet import Fleet, Login
from trassa.twin.mqtt import Hub, Link, NotInTime
from trassa.twin.mqtt_packet import Delivery
from trassa.twin.observer import Observer
from trassa.twin.score import SeenEvent
from trassa.twin.stepper import Stepper
from trassa.twin.world import Moment

__all__ = ["BrokerSide", "Sent"]

_ALL_WARNINGS = "cits/out/denm/#"
_RETAINED_S, _SILENCE_S = 5.0, 0.3


@dataclass
class Sent:
    """Messages sent so far, by kind."""

    cam: int = 0
    toll: int = 0
    denm: int = 0


class BrokerSide:
    """Plays moments to the platform. ``on_event`` is told of events that begin or end.

    With a ``driver`` login the clock is stepped and every delivery is waited for; without one the platform runs on
    its own time and messages come when they come.
    """

    def __init__(
        self,
        fleet_login: Login,
        driver: Login | None,
        names: Sequence[str],
        on_event: Callable[[SeenEvent, int], None] = lambda _event, _time_ms: None,
    ) -> None:
        self.hub = Hub(fleet_login.port, self._take)
        self.awareness = Awareness(len(names))
        self.observer = Observer()
        self.sent = Sent()
        self._on_event = on_event
        self._time_ms = 0
        self._joiner: Link | None = None
        self._joined: set[str] = set()
        self._login = login = driver or fleet_login
        self._link = self.hub.open("twin-driver" if driver else "twin-observer", login.name, login.password)
        self.stepper = Stepper(self.hub, self._link) if driver else None
        self.fleet = Fleet(self.hub, fleet_login, names, self.awareness.take, owes=driver is not None)

    def begin(self) -> None:
        """Open the driver's and observer's subscriptions."""
        if self.stepper is not None:
            self.stepper.begin()
        self.hub.settle([self._link])
        self.hub.subscribe(self._link, [_ALL_WARNINGS], qos=1)
        self.hub.settle([self._link])

    def play(
        self, moment: Moment, fixes: Sequence[tuple[int, bytes]], reports: Sequence[tuple[int, bytes]] = ()
    ) -> None:
        """One moment: links and tiles, messages, the platform's step, and every delivery that follows from it."""
        now = moment.snapshot
        self._time_ms = now.time_ms
        self.fleet.connect(moment.connected)
        self.fleet.follow_tiles(moment.belief, now.progress_m)
        self.fleet.send_cams(moment.senders.tolist(), moment.cams)
        for vehicle, payload in fixes:
            self.fleet.send_fixes(vehicle, payload)
        for vehicle, payload in reports:
            self.fleet.send_report(vehicle, payload)
        self.sent.cam += len(moment.cams)
        self.sent.toll += len(fixes)
        self.sent.denm += len(reports)
        self.step(now.time_ms, cam=len(moment.cams), denm=len(reports), toll=len(fixes))

    def step(self, time_ms: int, *, cam: int = 0, denm: int = 0, toll: int = 0) -> None:
        """Let the platform do a step, and wait until everybody has what it published."""
        self._time_ms = time_ms
        if self.stepper is not None:
            for topic, digest, is_retained in self.stepper.step(time_ms, cam=cam, denm=denm, toll=toll).published:
                self.fleet.deliveries.publish(topic, digest, is_retained)
        self.fleet.await_deliveries()

    def late_joiner(self) -> list[str]:
        """What somebody who subscribes to everything now hears, against what was last said: differences."""
        said = [*self.observer.events.values(), *self.observer.reports.values()]
        wanted = {topic for event in said if event.ended_ms is None for topic in event.last}
        self._joiner = self.hub.open("twin-late", self._login.name, self._login.password)
        self.hub.settle([self._joiner])
        self.hub.subscribe(self._joiner, [_ALL_WARNINGS])
        self.hub.settle([self._joiner])
        with contextlib.suppress(NotInTime):
            self.hub.wait(lambda: wanted <= self._joined, "retained warnings", _RETAINED_S)
        with contextlib.suppress(NotInTime):
            self.hub.wait(lambda: not self._joined <= wanted, "no more", _SILENCE_S)
        self.hub.close(self._joiner)
        self._joiner = None
        risen, lost = sorted(self._joined - wanted), sorted(wanted - self._joined)
        return [f"a late joiner is told {topic}, which is over" for topic in risen] + [
            f"a late joiner is not told {topic}" for topic in lost
        ]

    def close(self) -> None:
        """Close every link."""
        self.hub.close_all()

    def _take(self, link: Link, delivery: Delivery) -> None:
        if link is self._joiner:
            if delivery.payload:
                self._joined.add(delivery.topic)
        elif link is not self._link:
            self.fleet.take(link, delivery)
        elif self.stepper is None or not self.stepper.take(delivery):
            if self.stepper is not None:
                self.fleet.deliveries.arrive(OBSERVER, delivery.topic, delivery.payload)
            event = self.observer.take(delivery.topic, delivery.payload, self._time_ms)
            if event is not None:
                self._on_event(event, self._time_ms)
