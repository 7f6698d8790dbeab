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
    """Events by id in the order of their first message. Messages are counted once a tile; empty ones say nothing."""

    events: dict[str, SeenEvent] = field(default_factory=dict)
    messages: int = 0
    unreadable: int = 0

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
        is_new = event_id not in self.events
        event = self.events.setdefault(event_id, SeenEvent(event_id, warning.cause_code, time_ms))
        event.messages += 1
        event.versions.add(warning.version_ms)
        event.tiles.add(tile_of(topic))
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
