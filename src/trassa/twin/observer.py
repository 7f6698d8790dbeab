"""What anybody who listens to all warnings sees of them: events by their messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trassa.twin.deliveries import tile_of
from trassa.twin.score import SeenEvent
from trassa.twin.warning import understood

__all__ = ["Observer"]


@dataclass
class Observer:
    """Events by id in the order of their first message. Messages are counted once a tile; empty ones say nothing.

    ``expected`` are the bytes of reports that vehicles sent, by id; what is passed on of them stands in ``reports``.
    """

    events: dict[str, SeenEvent] = field(default_factory=dict)
    reports: dict[str, SeenEvent] = field(default_factory=dict)
    expected: dict[str, bytes] = field(default_factory=dict)
    messages: int = 0
    unreadable: int = 0
    _closed: bool = False

    def close(self) -> None:
        """The window is over: nobody is on the road, and what ends now proves nothing. New events still count."""
        self._closed = True

    def take(self, topic: str, payload: bytes, time_ms: int) -> SeenEvent | None:
        """A message; its event where it is the first of it, or the first that ends it."""
        if not payload:
            return None
        self.messages += 1
        warning = understood(payload)
        if warning is None:
            self.unreadable += 1
            return None
        event_id = f"{warning.action[0]}-{warning.action[1]}"
        sent = self.expected.get(event_id)
        found = self.events if sent is None else self.reports
        is_new = event_id not in found
        if self._closed and not is_new:
            return None
        event = found.setdefault(event_id, SeenEvent(event_id, warning.cause_code, time_ms))
        event.note(topic, tile_of(topic), time_ms, warning.version_ms)
        event.altered += sent is not None and payload != sent
        if warning.ends and event.ended_ms is None:
            event.ended_ms = time_ms
            return event
        return event if is_new else None

    def complete(self, rows: Sequence[dict[str, Any]]) -> list[str]:
        """Add what the platform's own list says of place and end; what only one of the two knows is a difference."""
        known = {str(row["event_id"]): row for row in rows if not row.get("reported")}
        for event_id, event in self.events.items():
            row = known.get(event_id)
            if row is not None:
                event.carriageway, event.anchor_m = str(row["carriageway"]), float(row["anchor_m"])
                event.ended_because = str(row.get("ended_because") or "")
        silent = [
            f"event {name} is on the platform's list but nobody was told"
            for name in sorted(known.keys() - self.events.keys())
        ]
        unlisted = [
            f"event {name} was sent but is not on the platform's list"
            for name in sorted(self.events.keys() - known.keys())
        ]
        return silent + unlisted
