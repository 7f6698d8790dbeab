"""The driver of a stepped clock: announces each step with its message counts, and waits until the platform is done."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from trassa.errors import TrassaError
from trassa.live.subjects import STEP_DONE_TOPIC, STEP_TOPIC
from trassa.twin.mqtt import Hub, Link
from trassa.twin.mqtt_packet import Delivery, publish_head

__all__ = ["Done", "Stepper", "StepsBroke"]


class StepsBroke(TrassaError):
    """The platform did not do a step as announced."""


@dataclass(frozen=True)
class Done:
    """What the platform did in a step: its publishes as topic, digest and whether retained, and its counts."""

    published: tuple[tuple[str, str, bool], ...]
    processed: dict[str, int]
    shortfall: dict[str, int]
    wall_us: int


@dataclass
class Stepper:
    """One drive's steps. ``processed`` and ``walls_us`` collect what every step said."""

    hub: Hub
    link: Link
    processed: Counter[str] = field(default_factory=Counter)
    walls_us: list[int] = field(default_factory=list)
    patience_s: float = 60.0
    _number: int = -1
    _answer: Done | None = None

    def begin(self) -> None:
        """Subscribe to the platform's answers."""
        self.hub.settle([self.link])
        self.hub.subscribe(self.link, [STEP_DONE_TOPIC])
        self.hub.settle([self.link])

    def take(self, delivery: Delivery) -> bool:
        """A delivery on the driver's link; whether it was an answer."""
        if delivery.topic != STEP_DONE_TOPIC:
            return False
        said = json.loads(delivery.payload)
        if said["step"] == self._number:
            published = tuple((str(topic), str(digest), bool(keep)) for topic, digest, keep in said["published"])
            self._answer = Done(published, said["processed"], said.get("shortfall") or {}, int(said["wall_us"]))
        return True

    def step(self, time_ms: int, *, cam: int = 0, denm: int = 0, toll: int = 0) -> Done:
        """One step to a moment, after so many messages were sent.

        :raises StepsBroke: the platform did not get them all, or does not answer.
        """
        self._number += 1
        self._answer = None
        order = {"step": self._number, "time_ms": time_ms, "cam": cam, "denm": denm, "toll": toll}
        self.hub.publish(self.link, publish_head(STEP_TOPIC), json.dumps(order).encode())
        self.hub.wait(lambda: self._answer is not None or bool(self.link.lost), "a step", self.patience_s)
        done = self._answered()
        if done is None:
            raise StepsBroke(f"drive: the driver's link was lost: {self.link.lost}", cure="trassa doctor")
        missing = {kind: count for kind, count in done.shortfall.items() if count}
        if missing:
            raise StepsBroke(
                f"drive: of the messages of step {self._number} the platform lacks {missing}", cure="trassa doctor"
            )
        self.processed.update({kind: count for kind, count in done.processed.items() if isinstance(count, int)})
        self.walls_us.append(done.wall_us)
        return done

    def _answered(self) -> Done | None:
        return self._answer
