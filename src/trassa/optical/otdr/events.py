"""Events on a fibre, as trassa finds them, and tables of them: averaged over fibres, joined from both directions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["SAME_INDEX", "EventTable", "FibreEvent"]

SAME_INDEX = 5e-6
"""Two group indices nearer than this are one: files keep five decimals."""

EventKind = Literal["splice", "reflection", "end"]


@dataclass(frozen=True)
class FibreEvent:
    """One event at ``fibre_m`` of fibre from where the trace counts, with standard deviations.

    ``splice`` is any loss without reflection: splice, bend, gainer (a negative loss, which a fibre behind with more
    backscatter feigns). ``loss_db`` of the end is the drop to the noise and no more than a lower bound.
    ``merged`` says that more than one event lies there, none of them farther off than the interval.
    """

    kind: EventKind
    fibre_m: float
    fibre_sd_m: float
    loss_db: float
    loss_sd_db: float
    reflectance_db: float | None = None
    saturated: bool = False
    merged: bool = False


@dataclass(frozen=True)
class EventTable:
    """The events of one trace in order of distance, all worked out with one group ``index``.

    ``first_m`` and ``last_m`` bound what could be seen: behind the launch, before the end or the noise.
    ``pulse_m`` is the fibre within which events merge.
    """

    events: tuple[FibreEvent, ...]
    index: float
    pulse_m: float
    first_m: float
    last_m: float

    @property
    def end(self) -> FibreEvent | None:
        """The end of the fibre; None where the line fades into noise or the trace stops before."""
        return next((event for event in self.events if event.kind == "end"), None)

    @property
    def passed(self) -> tuple[FibreEvent, ...]:
        """The events that light passes: all but the end."""
        return tuple(event for event in self.events if event.kind != "end")

    def reversed(self, length_m: float) -> EventTable:
        """A table taken from the far end of a fibre of ``length_m``, counted from the near one; without its end."""
        events = tuple(replace(event, fibre_m=length_m - event.fibre_m) for event in self.passed[::-1])
        return replace(self, events=events, first_m=max(0.0, length_m - self.last_m), last_m=length_m - self.first_m)

    def turned(self) -> EventTable:
        """A table of a whole fibre as it would count from the other end; empty where no end was seen."""
        if self.end is None:
            return replace(self, events=(), first_m=0.0, last_m=0.0)
        back = self.reversed(self.end.fibre_m)
        return replace(back, events=(*back.events, self.end), last_m=self.end.fibre_m)

    def until(self, fibre_m: float) -> EventTable:
        """What lies before a place, as if nothing behind it had been seen."""
        before = tuple(event for event in self.events if event.fibre_m < fibre_m)
        return replace(self, events=before, last_m=min(self.last_m, fibre_m))

    def lengthened(self, fibre_m: float, inserted_m: float) -> EventTable:
        """What the table would be after a repair that put in fibre at one place."""
        events = tuple(
            replace(event, fibre_m=event.fibre_m + inserted_m) if event.fibre_m > fibre_m else event
            for event in self.events
        )
        return replace(self, events=events, last_m=self.last_m + (inserted_m if self.last_m > fibre_m else 0.0))
