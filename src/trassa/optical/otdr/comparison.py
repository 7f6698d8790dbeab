"""What has changed on a fibre since its last trace: new events, grown losses, an end that came nearer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr.alignment import Pairing, paired
from trassa.optical.otdr.events import SAME_INDEX, EventTable, FibreEvent

__all__ = ["Change", "changes"]

ChangeKind = Literal["event new", "event gone", "loss changed", "end moved", "end new", "end gone"]
_SIGNIFICANCE = 4.0
_REPEAT_DB = 0.02
_REPEAT_M = 3.0
"""How well one instrument repeats itself on one fibre, beyond the noise of a trace."""


@dataclass(frozen=True)
class Change:
    """One change at ``fibre_m`` of the later trace, in dB and metres with standard deviations.

    ``amount_db`` is the loss that came (negative: went), ``moved_m`` how far an end moved towards the far hut.
    ``beside`` is the nearest event of the earlier trace: what stood there before.
    """

    kind: ChangeKind
    fibre_m: float
    amount_db: float
    amount_sd_db: float
    moved_m: float
    moved_sd_m: float
    beside: FibreEvent | None


def changes(earlier: EventTable, later: EventTable) -> tuple[Change, ...]:
    """What differs beyond noise between two traces of one fibre from the same end, in order.

    Raises :class:`InputError` for tables at different indices: the same event would lie elsewhere.
    """
    if abs(earlier.index - later.index) > SAME_INDEX:
        raise InputError(
            f"event tables at index {earlier.index:.5f} and {later.index:.5f}",
            cure=f"event_table(trace, index={earlier.index:.5f}) for both",
        )
    before, after = earlier.passed, later.passed
    pairs = _paired(earlier, later)
    found: list[Change] = []
    for old, new in pairs:
        grown_db = after[new].loss_db - before[old].loss_db
        sd_db = float(np.hypot(np.hypot(after[new].loss_sd_db, before[old].loss_sd_db), _REPEAT_DB))
        if abs(grown_db) > _SIGNIFICANCE * sd_db:
            found.append(_change("loss changed", after[new].fibre_m, grown_db, sd_db, earlier))
    known_old, known_new = {old for old, _ in pairs}, {new for _, new in pairs}
    for kind, events, known, other in (
        ("event new", after, known_new, earlier),
        ("event gone", before, known_old, later),
    ):
        for number, event in enumerate(events):
            sd_db = float(np.hypot(event.loss_sd_db, _REPEAT_DB))
            visible = other.first_m <= event.fibre_m <= other.last_m - 2.0 * other.pulse_m
            clear = event.kind == "reflection" or abs(event.loss_db) > _SIGNIFICANCE * sd_db
            if number not in known and visible and clear:
                sign = 1.0 if kind == "event new" else -1.0
                found.append(_change(_kind(kind), event.fibre_m, sign * event.loss_db, sd_db, earlier))
    return tuple(sorted((*found, *_ends(earlier, later)), key=lambda change: change.fibre_m))


def _kind(kind: str) -> ChangeKind:
    return "event new" if kind == "event new" else "event gone"


def _paired(earlier: EventTable, later: EventTable) -> list[tuple[int, int]]:
    """Pairs (earlier, later) of one event: on one fibre it stays where it was, within a pulse."""
    old = np.array([event.fibre_m for event in earlier.passed])
    new = np.array([event.fibre_m for event in later.passed])
    sd_m = float(np.hypot(_REPEAT_M, earlier.pulse_m / 4.0))
    rules = Pairing(sd_m, 1e-4, 4.0 * sd_m, 2e-4, missing_cost=6.0, extra_cost=6.0)
    return [(place, event) for event, place in paired(new, old, rules)] if old.size and new.size else []


def _ends(earlier: EventTable, later: EventTable) -> list[Change]:
    old, new = earlier.end, later.end
    if new is None:
        return [] if old is None else [_change("end gone", later.last_m, -old.loss_db, old.loss_sd_db, earlier)]
    if old is None:
        return [_change("end new", new.fibre_m, new.loss_db, new.loss_sd_db, earlier)]
    moved_m = new.fibre_m - old.fibre_m
    sd_m = float(np.hypot(np.hypot(old.fibre_sd_m, new.fibre_sd_m), _REPEAT_M))
    if abs(moved_m) <= _SIGNIFICANCE * sd_m:
        return []
    change = _change("end moved", new.fibre_m, new.loss_db, new.loss_sd_db, earlier)
    return [replace(change, moved_m=moved_m, moved_sd_m=sd_m)]


def _change(kind: ChangeKind, fibre_m: float, amount_db: float, sd_db: float, earlier: EventTable) -> Change:
    beside = min(earlier.events, key=lambda event: abs(event.fibre_m - fibre_m), default=None)
    return Change(kind, fibre_m, amount_db, sd_db, 0.0, 0.0, beside)
