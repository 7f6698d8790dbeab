"""What must become of every read, by the journeys it was made of.

1. Of a passage that is part of a charged trip, the first read is charged and the others are duplicates.
2. The reads of a passage that is part of held trips only are held.
3. The reads of an exempt vehicle are exempt; those that name no toll point are rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from trassa.twin.gantries import Reads
from trassa.twin.journey import Due, Journey
from trassa.twin.prices import PriceList

__all__ = ["fates_due"]


def fates_due(
    lists: Sequence[PriceList], journeys: Iterable[Journey], dues: Sequence[Due], reads: Reads
) -> dict[str, int]:
    """How many reads must meet which fate; ``journeys`` as they were driven, crossings by own fixes included."""
    points_of = {prices.system: {(point.node, point.id) for point in prices.points} for prices in lists}
    charged: set[tuple[str, str]] = set()
    for due in dues:
        if due.amount_minor is not None:
            ends = {point for node, point in points_of[due.system] if node in (due.start, due.end)}
            charged |= {(due.contract_id, point) for point in ends}
    by_identity = {journey.account.identity: journey for journey in journeys}
    distinct = {(body["device"], body["sequence"]): body for body in reads.bodies}
    seen = Counter((str(body["identity"]), str(body["toll_point"])) for body in distinct.values())
    for journey in by_identity.values():
        seen.update((journey.account.identity, stop.point) for stop in journey.stops if stop.own and stop.seen)
    found: Counter[str] = Counter()
    for (identity, point), count in seen.items():
        owner = by_identity.get(identity)
        if owner is None:
            found["rejected"] += count  # RULE 3
        elif owner.account.exempt:
            found["exempt"] += count  # RULE 3
        elif (owner.account.contract_id, point) in charged:
            found["charged"] += 1  # RULE 1
            found["duplicate"] += count - 1
        else:
            found["held"] += count  # RULE 2
    return {name: found[name] for name in ("charged", "duplicate", "exempt", "held", "rejected")}
