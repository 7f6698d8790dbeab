"""Repairs of a cable as people enter them and take them back, beside what the traces say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from trassa.clock import UtcClock
from trassa.errors import InputError
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.fibre import TracedFibre, cable_place, measure_of, traced_fibre
from trassa.plan.optical.traces.learning import Learned, kept_knowledge
from trassa.plan.optical.traces.store import RecordedRepair, TraceStore
from trassa.plan.project import open_project
from trassa.road.model import Road

__all__ = ["Knowledge", "RepairReport", "record_repair", "relearned", "remove_repairs", "require_past"]

_LONGEST_INSERT_M = 500.0
_SAME_REPAIR_M = 30.0
_SAME_LENGTH_M = 10.0


@dataclass(frozen=True)
class Knowledge:
    """What the kept traces of a span teach, seen from the hut of the first of them."""

    ours: TracedFibre
    learned: Learned


@dataclass(frozen=True)
class RepairReport:
    """Repairs that were entered, or removed, and sentences about what the traces say now."""

    repairs: tuple[RecordedRepair, ...]
    removed: bool
    road: Road
    said: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON: the one repair entered, or the list of those removed."""
        rows = [
            {"id": one.id, **one.model_dump(mode="json"), "label": self.road.calibration.text(one.measure_m)}
            for one in self.repairs
        ]
        return {**({"removed": rows} if self.removed else rows[0]), "notes": list(self.said)}

    def sentences(self) -> list[str]:
        """The same in words."""
        done = "removed: " if self.removed else ""
        told = [f"{done}{_repair_said(self.road, one)} (id {one.id})" for one in self.repairs]
        return [*told, *(f"known: {sentence}" for sentence in self.said)]


def record_repair(folder: Path, text: str, *, inserted_m: float, day: date, cable: int = 1) -> RepairReport:
    """Enter a repair of a cable at a position: metres of sheath put in, negative taken out.

    Raises :class:`InputError` where no such cable lies, for more than 500 m, for a day to come, and for a repair that
    is entered already.
    """
    plan = planned_line(folder)
    measure_m = measure_of(folder, plan, text)
    if not 0.0 < abs(inserted_m) <= _LONGEST_INSERT_M:
        bound = f"{_LONGEST_INSERT_M:.0f}"
        raise InputError(
            f"repair: {inserted_m:g} m of cable lies outside -{bound}..{bound} m, 0 left out: positive is put in, "
            "negative taken out",
            cure="the sheath that the repair put in less what it took out; more is a new reel, and a new plan",
        )
    require_past(day, "repair: it")
    name, huts = _span_at(plan, measure_m, cable)
    repair = RecordedRepair(cable=name, measure_m=measure_m, inserted_m=inserted_m, date=day)
    with TraceStore.changing(open_project(folder).root) as store:
        near = [one for one in store.repairs if one.cable == name and abs(one.measure_m - measure_m) < _SAME_REPAIR_M]
        for one in near:
            if one.date == day:
                raise InputError(
                    f"repair: one of {one.inserted_m:g} m at {plan.road.text(one.measure_m)} on {day} is entered",
                    cure=f"another place or day, or first `trassa optical repair {folder} --remove {one.id}`",
                )
        twins = [one for one in near if abs(one.inserted_m - inserted_m) < _SAME_LENGTH_M]
        after, state = relearned(plan, store.with_repair(repair), name, huts)
        said = [*state.learned.said(), *_doubts(folder, repair, state)] if state else []
        said += [
            f"{_repair_said(plan.road, one)} is entered too: both count; if they are one, "
            f"`trassa optical repair {folder} --remove {one.id}`"
            for one in twins
        ]
        after.write()
    return RepairReport((repair,), False, plan.road, tuple(said))


def remove_repairs(folder: Path, ids: Sequence[str]) -> RepairReport:
    """Take entered repairs back by their ids, all or none. Raises :class:`InputError` for an id that names none."""
    plan = planned_line(folder)
    with TraceStore.changing(open_project(folder).root) as store:
        after = store.without(ids, "repair")
        gone = tuple(one for one in store.repairs if one not in after.repairs)
        said: list[str] = []
        spans = dict.fromkeys(span for one in gone for span in _spans_of(plan, one))
        for cable, huts in spans:
            after, state = relearned(plan, after, cable, huts)
            said += state.learned.said() if state else []
        after.write()
    return RepairReport(gone, True, plan.road, tuple(said))


def relearned(
    plan: PlannedLine, store: TraceStore, cable: str, huts: tuple[str, str]
) -> tuple[TraceStore, Knowledge | None]:
    """The store with the epochs of one span as they are now, and what the span's traces teach; None without traces."""
    state = _knowledge(plan, store, cable, huts)
    if state is None:
        return store, None
    epochs = {one.sha256: state.learned.epoch(one.date) for one in store.of_span(cable, huts)}
    return store.with_epochs(epochs), state


def require_past(day: date, thing: str) -> None:
    """Raise :class:`InputError` for a day after tomorrow, UTC: somewhere on Earth tomorrow is today."""
    today = datetime.fromtimestamp(UtcClock().now_ms() / 1000.0, UTC).date()
    if day > today + timedelta(days=1):
        raise InputError(
            f"{thing} is dated {day}, after today, {today}",
            cure="--date YYYY-MM-DD, and the right day in the instrument or in this computer",
        )


def _knowledge(plan: PlannedLine, store: TraceStore, cable: str, huts: tuple[str, str]) -> Knowledge | None:
    """Of a fibre that goes through, where there is one."""
    stored = store.of_span(cable, huts)
    line = next((line for line in plan.lines if cable in line.cables and set(huts) <= set(line.hut_names)), None)
    if not stored or line is None:
        return None
    number, hut, far = line.cables.index(cable) + 1, stored[0].hut, stored[0].far
    fibres = (traced_fibre(plan, hut, one, far, cable=number) for one in range(1, plan.rules.fibres + 1))
    through = next((one for one in fibres if one.is_through), None)
    ours = through or traced_fibre(plan, hut, stored[0].fibre, far, cable=number)
    return Knowledge(ours, kept_knowledge(plan, ours, store))


def _spans_of(plan: PlannedLine, repair: RecordedRepair) -> list[tuple[str, tuple[str, str]]]:
    """The span in which a repair lies, by the plan as it is now; none where the plan has no such cable there."""
    numbers = [line.cables.index(repair.cable) + 1 for line in plan.lines if repair.cable in line.cables]
    try:
        return [_span_at(plan, repair.measure_m, number) for number in numbers]
    except InputError:
        return []


def _span_at(plan: PlannedLine, measure_m: float, cable: int) -> tuple[str, tuple[str, str]]:
    """A cable at a measure by its number, and the huts on either side."""
    for line in plan.lines:
        huts = [place.measure_m for place in line.chain.huts]
        if huts[0] <= measure_m <= huts[-1]:
            name = line.cables[cable_place(line, cable)]
            behind = min(max(1, int(np.searchsorted(huts, measure_m))), len(huts) - 1)
            return name, (line.hut_names[behind - 1], line.hut_names[behind])
    ends_m = plan.lines[0].chain.huts[0].measure_m, plan.lines[-1].chain.huts[-1].measure_m
    told = f"repair: no cable lies at {plan.road.text(measure_m)}"
    raise InputError(told, cure=f"a position between two huts, within {plan.road.span_text(*ends_m)}")


def _doubts(folder: Path, entered: RecordedRepair, state: Knowledge) -> list[str]:
    """Where the traces do not agree with a repair as it was entered: at its place they show another length or day."""
    route_m = state.ours.route_m(entered.measure_m)
    said = []
    for one, day in zip(state.learned.repairs, state.learned.days, strict=True):
        learned = one.inserted_sd_m > 0.0 and route_m is not None and one.low_m <= route_m <= one.high_m
        sheath_m = one.inserted_m * state.ours.path.helix_ratio
        if learned:
            said.append(
                f"traces of {day} show {sheath_m:+.0f} m of cable of their own between {one.after} and {one.before}, "
                f"beside the {entered.inserted_m:+g} m entered for {entered.date}: both count. If they are one repair, "
                f"`trassa optical repair {folder} --remove {entered.id}` and enter its right day and length"
            )
    return said


def _repair_said(road: Road, one: RecordedRepair) -> str:
    return f"{one.cable}: {one.inserted_m:g} m of cable put in at {road.text(one.measure_m)} on {one.date}"
