"""A drill: the trace that an instrument might record on a planned fibre, whole, broken, bent or repaired.

One seed lays one cable: its fibres, both directions, wavelengths and days of one drill fit together.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zlib import crc32

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr import (
    FibrePlace,
    Instrument,
    LaidCable,
    SimulatedEvent,
    laid_cable,
    simulated_trace,
    sor_bytes,
)
from trassa.plan.folder import writable
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.fibre import TracedFibre, measure_of, traced_fibre

__all__ = ["Drill", "simulate_trace"]

_END_LOSS_DB = 25.0
_READING_SD_M = 8.0
"""One closure in different fibres of a cable: 8 to 14 m were measured."""
_SPLICE_SD_DB = 0.03
_BACKSCATTER_SD_DB = 0.04
_END_REFLECTANCE_DB = -14.7
"""A cleaved end in air."""
_INDEX_TOLERANCE_RATIO = 0.0012
_INDEX_RATIO_PER_NM = 1.7e-6
"""From 1.4675 at 1310 nm to 1.4681 at 1550."""
_NOON_H = 12


@dataclass(frozen=True)
class Drill:
    """What is wrong with the fibre, and how it is measured; positions as a person writes them, empty for none."""

    break_at: str = ""
    bend_at: str = ""
    bend_db: float = 1.0
    repaired_at: str = ""
    inserted_m: float = 100.0
    wavelength_nm: float = 1550.0
    pulse_ns: float = 500.0
    index: float = 1.4681
    day: date = date(2026, 1, 1)
    seed: int = 0

    def on(self, day: date) -> Drill:
        """The same drill on another day."""
        return replace(self, day=day)


def simulate_trace(
    folder: Path,
    into: Path,
    drill: Drill,
    *,
    hut: str,
    fibre: int,
    towards: str = "",
    cable: int = 1,
    anew: bool = False,
) -> list[str]:
    """Write the trace of a planned fibre as a ``.sor`` file, and say in sentences what is in it.

    Raises :class:`InputError` for a place where the fibre is not, and for a file that is there already.
    """
    if into.exists() and not anew:
        raise InputError(f"{into}: is there already", cure="another name, or --replace")
    plan = planned_line(folder)
    ours = traced_fibre(plan, hut, fibre, towards, cable=cable)
    places = {
        what: _route_m(folder, plan, ours, text)
        for what, text in (("break", drill.break_at), ("bend", drill.bend_at), ("repair", drill.repaired_at))
        if text
    }
    laid = _laid(plan, ours, drill, places.get("repair"))
    events, end = _events(plan, ours, laid, drill, places)
    names = {"cable": ours.cable, "fibre": str(ours.number), "location_a": ours.hut, "location_b": ours.far}
    noon = datetime(drill.day.year, drill.day.month, drill.day.day, tzinfo=UTC) + timedelta(hours=_NOON_H)
    rng = _rng(drill, "noise", ours.hut, ours.number, drill.wavelength_nm, drill.day, sorted(places.items()))
    trace = simulated_trace(names, events, end, _instrument(plan, drill), int(noon.timestamp()), rng)
    _write(into, sor_bytes(trace))
    told = [f"{into}: fibre {ours.name}, {trace.wavelength_nm:g} nm, {trace.pulse_ns:g} ns, {end.fibre_m:.0f} m"]
    return told + [f"{what} at {plan.road.text(ours.measure_m(m))}" for what, m in sorted(places.items())]


def _route_m(folder: Path, plan: PlannedLine, ours: TracedFibre, text: str) -> float:
    measure_m = measure_of(folder, plan, text)
    route_m = ours.route_m(measure_m)
    if route_m is None:
        ends_m = sorted((ours.hut_m, ours.end_m))
        raise InputError(
            f"simulate: fibre {ours.name} is not at {plan.road.text(measure_m)}",
            cure=f"a position within {plan.road.span_text(*ends_m)}",
        )
    return route_m


def _rng(drill: Drill, *names: object) -> np.random.Generator:
    return np.random.default_rng([drill.seed, crc32(repr(names).encode())])


def _laid(plan: PlannedLine, ours: TracedFibre, drill: Drill, repaired_m: float | None) -> LaidCable:
    """The span's cable as this seed lays it, always from the hut of less measure, then seen from ours."""
    forward = ours.far_hut_m > ours.hut_m
    rules = plan.rules
    length_m = ours.cable_path.places[-1].route_m
    places = list(ours.cable_path.places)
    if not forward:
        places = [_seen_back(place, length_m) for place in places[::-1]]
    cable = laid_cable(
        places,
        rules.slack_ratio,
        (rules.helix_ratio_low, rules.helix_ratio_high),
        _rng(drill, "cable", ours.cable, sorted((ours.hut, ours.far))),
        slack_tolerance_ratio=rules.otdr.slack_tolerance_ratio,
    )
    cable = cable if forward else cable.turned()
    inserted_m = drill.inserted_m / rules.helix_ratio
    return cable if repaired_m is None else cable.lengthened(repaired_m, inserted_m)


def _seen_back(place: FibrePlace, length_m: float) -> FibrePlace:
    route_m = max(0.0, length_m - place.route_m)
    return FibrePlace(place.name, place.kind, route_m, place.after_m, place.before_m)


def _events(
    plan: PlannedLine, ours: TracedFibre, cable: LaidCable, drill: Drill, places: dict[str, float]
) -> tuple[Sequence[SimulatedEvent], SimulatedEvent]:
    """What the light meets, and the end: the far hut's plug, a drop's, or the break."""
    joints = zip(cable.joint_route_m, cable.joint_fibre_m, strict=True)
    events = [_joint(plan, ours, drill, float(route_m), float(at_m)) for route_m, at_m in joints]
    end_m = cable.length_m
    if not ours.is_through:
        tap_m = ours.path.places[-2].route_m
        end_m = cable.fibre_at(tap_m) + _drop_m(ours)
        events = [event for event in events if event.fibre_m < cable.fibre_at(tap_m) - 1.0]
        events.append(_joint(plan, ours, drill, tap_m, cable.fibre_at(tap_m)))
    if "bend" in places:
        events.append(SimulatedEvent.bend(cable.fibre_at(places["bend"]), drill.bend_db, _instrument(plan, drill)))
    if "break" not in places:
        return events, SimulatedEvent(end_m, _END_LOSS_DB, _END_REFLECTANCE_DB)
    cleaved = bool(_rng(drill, "break").random() < 0.5)
    return events, SimulatedEvent(
        cable.fibre_at(places["break"]), _END_LOSS_DB, _END_REFLECTANCE_DB if cleaved else None
    )


def _joint(plan: PlannedLine, ours: TracedFibre, drill: Drill, route_m: float, at_m: float) -> SimulatedEvent:
    """One joint of one fibre: from the other hut it has the same loss, and its change of backscatter turned round."""
    sense = 1.0 if ours.far_hut_m > ours.hut_m else -1.0
    from_low_m = route_m if sense > 0.0 else ours.cable_path.places[-1].route_m - route_m
    rng = _rng(drill, "joint", ours.cable, sorted((ours.hut, ours.far)), ours.number, round(from_low_m))
    loss_db = abs(float(rng.normal(plan.rules.splice_loss_db, _SPLICE_SD_DB)))
    change_db, away_m = float(rng.normal(0.0, _BACKSCATTER_SD_DB)), float(rng.normal(0.0, _READING_SD_M))
    return SimulatedEvent(max(1.0, at_m + sense * away_m), loss_db + sense * change_db)


def _drop_m(ours: TracedFibre) -> float:
    tap, end = ours.path.places[-2:]
    laid_m = (end.route_m - tap.route_m) * (1.0 + ours.path.slack_ratio)
    return (laid_m + tap.after_m) / ours.path.helix_ratio


def _instrument(plan: PlannedLine, drill: Drill) -> Instrument:
    away = float(_rng(drill, "index").uniform(-_INDEX_TOLERANCE_RATIO, _INDEX_TOLERANCE_RATIO))
    dispersion = _INDEX_RATIO_PER_NM * (drill.wavelength_nm - 1550.0)
    rules = plan.rules
    nm, db = (1310.0, 1550.0), (rules.attenuation_1310_db_per_km, rules.attenuation_1550_db_per_km)
    attenuation = float(np.interp(drill.wavelength_nm, nm, db))
    true_index = drill.index * (1.0 + away + dispersion)
    return Instrument(drill.wavelength_nm, drill.pulse_ns, drill.index, true_index, attenuation)


def _write(into: Path, data: bytes) -> None:
    rough = into.with_name(f".{into.name}.new")
    try:
        with writable(into):
            rough.write_bytes(data)
            os.replace(rough, into)
    finally:
        rough.unlink(missing_ok=True)
