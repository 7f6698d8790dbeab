"""One drive, step by step: handover, radio link monitoring, loss and return.

Time runs in steps of `STEP_MS`. What happens in a step, in this order: the levels at the place reached are looked up;
every measurement period they are filtered and event A3 is judged; the link is monitored; timers run; the step counts
as served or as an outage.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled
from trassa.radio.handover_air import NO_SIGNAL_DB, Course, Measured, level_at, measure, pair_of, reported, strongest

__all__ = ["FAILED_HANDOVER", "HANDOVER", "LINK_FAILURE", "STEP_MS", "Log", "Tally", "Timing", "drive", "fresh_log"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STEP_MS = 10
"""One radio frame: the shortest interval between two indications of radio link monitoring (TS 38.133, 8.1)."""

HANDOVER, FAILED_HANDOVER, LINK_FAILURE = 0, 1, 2
"""Kinds of events in a log."""

_CONNECTED, _PREPARING, _EXECUTING, _LOST, _CABLE = 0, 1, 2, 3, 4


class Timing(NamedTuple):
    """The rules in the units of the loop: dB, steps and metres per step."""

    advantage_db: float
    filter_share: float
    qout_db: float
    qin_db: float
    outage_below_db: float
    measurement: int
    trigger: int
    preparation: int
    execution: int
    n310: int
    t310: int
    n311: int
    reestablishment: int
    ping_pong: int
    step_m: float


class Tally(NamedTuple):
    """Counts of one drive; times in steps. ``longest_from`` is the step at which the longest outage began."""

    steps: int
    handovers: int
    failed_handovers: int
    link_failures: int
    ping_pongs: int
    outage: int
    longest_outage: int
    longest_from: int


class Log(NamedTuple):
    """Events of one drive, as many as the arrays hold; ``noted`` (1,) is how many there were.

    ``step`` is when the interruption began, ``interruption`` how many steps it took, ``to_cell`` where it ended.
    """

    noted: IntArray
    kind: IntArray
    step: IntArray
    from_cell: IntArray
    to_cell: IntArray
    interruption: IntArray


class _Link(NamedTuple):
    """What the vehicle keeps: whole numbers by the names below, the sum of the target's SINR, measurements, counts."""

    now: IntArray
    sum_db: FloatArray
    measured: Measured
    tally: IntArray


_PHASE, _SERVING, _TARGET, _LEFT, _OUT, _IN, _T310, _BEFORE, _SINCE, _BEGAN, _CAUSE, _RUN = range(12)
_HANDOVERS, _FAILED, _FAILURES, _PING_PONGS, _OUTAGE, _LONGEST, _LONGEST_FROM = range(7)


def fresh_log(events: int) -> Log:
    """An empty log that holds up to so many events."""
    return Log(np.zeros(1, np.int64), *(np.full(events, -1, np.int64) for _ in range(5)))


@compiled
def _sinr_db(course: Course, node: int, share: float, cell: int) -> float:
    pair = pair_of(course, node, cell)
    if pair < 0:
        return NO_SIGNAL_DB
    return level_at(course.sinr_db, course.pair_from[pair], course.pair_to[pair], share)


@compiled
def _connect(link: _Link, cell: int) -> None:
    """Be served by a cell from now on, with every timer at rest."""
    link.now[_PHASE], link.now[_SERVING] = _CONNECTED, cell
    link.now[_OUT], link.now[_IN], link.now[_T310] = 0, 0, -1
    link.measured.entered[:] = -1


@compiled
def _lose(link: _Link, timing: Timing, began: int, cause: int) -> None:
    """The link is gone since a step: look for another one."""
    link.now[_PHASE], link.now[_LEFT], link.now[_BEGAN] = _LOST, timing.reestablishment, began
    link.now[_CAUSE] = cause
    link.tally[_FAILED if cause == FAILED_HANDOVER else _FAILURES] += 1


@compiled
def _note(log: Log, link: _Link, kind: int, step: int, to_cell: int) -> None:
    """Write an event that began earlier and ends at this step."""
    at = log.noted[0]
    if at < len(log.kind):
        log.kind[at], log.step[at] = kind, link.now[_BEGAN]
        log.from_cell[at], log.to_cell[at] = link.now[_SERVING], to_cell
        log.interruption[at] = step - link.now[_BEGAN]
    log.noted[0] = at + 1


@compiled
def _fails(timing: Timing, now: IntArray, sinr_db: float) -> bool:
    """Radio link monitoring (TS 38.331, 5.3.10): whether T310 has run out."""
    if sinr_db < timing.qout_db:
        now[_OUT], now[_IN] = now[_OUT] + 1, 0
    elif sinr_db >= timing.qin_db:
        now[_OUT], now[_IN] = 0, now[_IN] + 1
    if now[_T310] >= 0:
        now[_T310] -= 1
        if now[_IN] >= timing.n311:
            now[_T310] = -1
        elif now[_T310] <= 0:
            return True
    elif now[_OUT] >= timing.n310:
        now[_T310], now[_IN] = timing.t310, 0
    return False


@compiled
def _complete(timing: Timing, link: _Link, log: Log, step: int) -> None:
    """The end of an execution: the target has survived it when its mean SINR is not below Qout (TR 36.839, 5.2.1.3)."""
    now, target = link.now, link.now[_TARGET]
    if link.sum_db[0] < timing.qout_db * max(timing.execution, 1):
        _lose(link, timing, now[_BEGAN], FAILED_HANDOVER)
        return
    _note(log, link, HANDOVER, step, target)
    link.tally[_HANDOVERS] += 1
    if target == now[_BEFORE] and now[_BEGAN] - now[_SINCE] < timing.ping_pong:
        link.tally[_PING_PONGS] += 1
    now[_BEFORE], now[_SINCE] = now[_SERVING], step
    _connect(link, target)


@compiled
def _prepare(course: Course, timing: Timing, link: _Link, log: Log, node: int, share: float, step: int) -> None:
    """Preparation, then the command, then execution; the link has to last until the command."""
    now = link.now
    if now[_PHASE] == _PREPARING:
        if now[_LEFT] > 0:
            now[_LEFT] -= 1
            return
        if now[_T310] >= 0:
            _lose(link, timing, step, FAILED_HANDOVER)
            return
        now[_PHASE], now[_LEFT], now[_BEGAN] = _EXECUTING, timing.execution, step
        link.sum_db[0] = 0.0
    if now[_LEFT] > 0 or timing.execution == 0:
        link.sum_db[0] += _sinr_db(course, node, share, now[_TARGET])
    if now[_LEFT] == 0:
        _complete(timing, link, log, step)
    else:
        now[_LEFT] -= 1


@compiled
def _advance(course: Course, timing: Timing, link: _Link, log: Log, node: int, share: float, step: int) -> bool:
    """One step outside the cable; whether it is an outage."""
    now = link.now
    if step % timing.measurement == 0:
        measure(course, link.measured, node, share, step, timing.measurement, timing.filter_share)
        if now[_PHASE] == _CONNECTED:
            limits = (timing.advantage_db, timing.trigger)
            target = reported(course, link.measured, node, step, now[_SERVING], *limits)
            if target >= 0:
                now[_PHASE], now[_TARGET], now[_LEFT] = _PREPARING, target, timing.preparation
    if now[_PHASE] == _LOST:
        now[_LEFT] -= 1
        found = strongest(course, node, share, timing.qin_db) if now[_LEFT] <= 0 else -1
        if found < 0:
            return True
        _note(log, link, now[_CAUSE], step, found)
        now[_BEFORE] = -1
        _connect(link, found)
    if now[_PHASE] != _EXECUTING and _fails(timing, now, _sinr_db(course, node, share, now[_SERVING])):
        _lose(link, timing, step, LINK_FAILURE if now[_PHASE] == _CONNECTED else FAILED_HANDOVER)
    if now[_PHASE] == _PREPARING or now[_PHASE] == _EXECUTING:
        _prepare(course, timing, link, log, node, share, step)
    if now[_PHASE] == _EXECUTING or now[_PHASE] == _LOST:
        return True
    return _sinr_db(course, node, share, now[_SERVING]) < timing.outage_below_db


@compiled
def _cable(link: _Link, log: Log, step: int) -> None:
    """The radiating cable serves; what was lost is found."""
    now = link.now
    if now[_PHASE] == _LOST:
        _note(log, link, now[_CAUSE], step, -1)
    now[_PHASE], now[_SERVING], now[_BEFORE], now[_RUN] = _CABLE, -1, -1, 0


@compiled
def _leave_cable(course: Course, timing: Timing, link: _Link, node: int, share: float, step: int) -> None:
    """The masts serve again, at once where one can."""
    first = strongest(course, node, share, timing.qin_db)
    _connect(link, first)
    if first < 0:
        _lose(link, timing, step, LINK_FAILURE)


@compiled
def _tally(link: _Link, step: int, out: bool) -> None:
    """Count the step as served or as an outage."""
    if not out:
        link.now[_RUN] = 0
        return
    link.now[_RUN] += 1
    link.tally[_OUTAGE] += 1
    if link.now[_RUN] > link.tally[_LONGEST]:
        link.tally[_LONGEST], link.tally[_LONGEST_FROM] = link.now[_RUN], step - link.now[_RUN] + 1


@compiled
def drive(course: Course, timing: Timing, log: Log) -> Tally:
    """Drive from the first node to the last and count what happens; events go into the log as long as it has room.

    The drive begins, and every stretch of cable ends, on the strongest cell whose SINR is not below Qin.
    """
    unknown = np.full(course.cells, -1, np.int64)
    measured = Measured(np.zeros(course.cells), unknown, unknown.copy())
    link = _Link(np.full(12, -1, np.int64), np.zeros(1), measured, np.zeros(7, np.int64))
    now, along_m, exempt, sinr_db = link.now, course.along_m, course.exempt, course.sinr_db
    now[_PHASE], now[_RUN] = _CABLE, 0
    calm_db = max(timing.qin_db, timing.outage_below_db)
    steps = math.floor(along_m[-1] / timing.step_m) + 1
    node, known_node, serving, start, end, per_m, due = 0, -1, -1, -1, -1, 0.0, 0
    for step in range(steps):
        place_m = step * timing.step_m
        while node < len(along_m) - 2 and along_m[node + 1] <= place_m:
            node += 1
        if node != known_node or now[_SERVING] != serving:
            known_node, serving, per_m = node, now[_SERVING], 1.0 / (along_m[node + 1] - along_m[node])
            pair = pair_of(course, node, serving)
            start, end = (course.pair_from[pair], course.pair_to[pair]) if pair >= 0 else (-1, -1)
        share = (place_m - along_m[node]) * per_m
        is_due = step == due
        due += timing.measurement if is_due else 0
        if exempt[node if share < 0.5 else node + 1]:
            _cable(link, log, step)
            continue
        at_rest = not is_due and now[_PHASE] == _CONNECTED and now[_T310] < 0
        if at_rest and level_at(sinr_db, start, end, share) >= calm_db:
            now[_OUT], now[_RUN] = 0, 0  # nothing can happen in such a step, and most are such
            continue
        if now[_PHASE] == _CABLE:
            _leave_cable(course, timing, link, node, share, step)
        _tally(link, step, _advance(course, timing, link, log, node, share, step))
    t = link.tally
    return Tally(steps, t[0], t[1], t[2], t[3], t[4], t[5], t[6])
