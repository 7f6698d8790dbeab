"""Traces of fibres that nobody has measured: for training, drills, and trying an acceptance before the cable lies.

A cable is laid as cables are: each reel with its own helix and slack, stored cable that is not what the plan says.
Then light is sent through it: backscatter that falls along the fibre, blurred by the pulse and by a receiver that
takes time to recover, reflections, the receiver's noise. Distances are added up here anew from the plan's places;
nothing is taken from what reads traces. A drill with these traces is no proof of the locator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.otdr.fibre_path import FibrePlace
from trassa.optical.otdr.trace import LIGHT_M_PER_NS, ReportedEvent, Trace

__all__ = ["Instrument", "LaidCable", "SimulatedEvent", "laid_cable", "simulated_trace"]

FloatArray = npt.NDArray[np.float64]
_LAUNCH_DB = -20.0
_SATURATED_DB = -4.0
"""Level of the backscatter at the launch, and that above which the receiver shows nothing."""
_RANGE_500_NS_DB = 25.0
_LEAD_M = (0.0, 10.0)
_UNEVEN = (0.8, 1.2)
_STEP_M = 1000.0
_FINE = 4
_FRONT_REFLECTANCE_DB = -45.0
_RECEIVER_PULSES = 0.08
"""The receiver's time constant as a share of the pulse."""
_REPORTED_DB = 0.02
_BEND_DOUBLES_NM = 75.0
"""A bend that loses 1 dB at 1550 nm loses 2 dB at 1625 and a tenth at 1310."""


@dataclass(frozen=True)
class LaidCable:
    """A cable as it lies: fibre from the first hut at points of the route, shape (n,), and at each joint, by route."""

    route_m: FloatArray
    fibre_m: FloatArray
    joint_route_m: FloatArray
    joint_fibre_m: FloatArray

    @property
    def length_m(self) -> float:
        """Fibre from hut to hut."""
        return float(self.fibre_m[-1])

    def fibre_at(self, route_m: float) -> float:
        """Fibre at a point of the route; within a loop its middle."""
        low, high = (float(self.fibre_m[i]) for i in self._around(route_m))
        if low < high and (self.route_m == route_m).any():
            return (low + high) / 2.0
        return float(np.interp(route_m, self.route_m, self.fibre_m))

    def turned(self) -> LaidCable:
        """The same from the other hut."""
        route, fibre = self.route_m[-1] - self.route_m[::-1], self.length_m - self.fibre_m[::-1]
        joints = self.route_m[-1] - self.joint_route_m[::-1], self.length_m - self.joint_fibre_m[::-1]
        return LaidCable(route, fibre, *joints)

    def _around(self, route_m: float) -> tuple[int, int]:
        first = int(np.searchsorted(self.route_m, route_m, side="left"))
        last = int(np.searchsorted(self.route_m, route_m, side="right")) - 1
        return min(first, self.route_m.size - 1), max(last, 0)

    def lengthened(self, route_m: float, inserted_m: float) -> LaidCable:
        """The cable after a repair that put in fibre at one place, with a joint on either side of it."""
        at = int(np.searchsorted(self.route_m, route_m, side="right"))
        here_m = float(np.interp(route_m, self.route_m, self.fibre_m))
        route = np.insert(self.route_m, at, (route_m, route_m))
        fibre = np.concatenate((self.fibre_m[:at], (here_m, here_m + inserted_m), self.fibre_m[at:] + inserted_m))
        joint = int(np.searchsorted(self.joint_route_m, route_m, side="right"))
        moved = self.joint_fibre_m[joint:] + inserted_m
        joints = np.concatenate((self.joint_fibre_m[:joint], (here_m, here_m + inserted_m), moved))
        return LaidCable(route, fibre, np.insert(self.joint_route_m, joint, (route_m, route_m)), joints)


def laid_cable(
    places: Sequence[FibrePlace],
    slack_ratio: float,
    helix_range: tuple[float, float],
    rng: np.random.Generator,
    *,
    slack_tolerance_ratio: float = 0.004,
) -> LaidCable:
    """Lay a cable by its planned places in order, huts at both ends, as no two crews would lay it."""
    route, fibre = [0.0, 0.0], [0.0, float(rng.uniform(*_LEAD_M))]
    joints: list[tuple[float, float]] = []
    helix, slack = float(rng.uniform(*helix_range)), slack_ratio
    for place in places[1:]:
        while route[-1] < place.route_m:
            step_m = min(_STEP_M, place.route_m - route[-1])
            sheath_m = step_m * (1.0 + slack * float(rng.uniform(*_UNEVEN)))
            route.append(route[-1] + step_m if place.route_m - route[-1] > _STEP_M else place.route_m)
            fibre.append(fibre[-1] + sheath_m / helix)
        if place.kind == "closure":
            before_m, after_m = (float(rng.uniform(0.6, 1.2)) * m for m in (place.before_m, place.after_m))
            joint_m = fibre[-1] + before_m / helix
            joints.append((place.route_m, joint_m))
            helix = float(rng.uniform(*helix_range))
            slack = slack_ratio + float(rng.uniform(-slack_tolerance_ratio, slack_tolerance_ratio))
            route.append(place.route_m)
            fibre.append(joint_m + after_m / helix)
    route.append(route[-1])
    fibre.append(fibre[-1] + float(rng.uniform(*_LEAD_M)))
    at = np.array(joints, dtype=np.float64).reshape(-1, 2).T
    return LaidCable(np.array(route), np.array(fibre), at[0], at[1])


@dataclass(frozen=True)
class SimulatedEvent:
    """What light meets at ``fibre_m``: a loss as this end sees it, and a reflection or none."""

    fibre_m: float
    loss_db: float
    reflectance_db: float | None = None

    @classmethod
    def bend(cls, fibre_m: float, loss_db: float, instrument: Instrument) -> SimulatedEvent:
        """A macro-bend by its loss at 1550 nm, as an instrument sees it."""
        return cls(fibre_m, loss_db * 2.0 ** ((instrument.wavelength_nm - 1550.0) / _BEND_DOUBLES_NM))


@dataclass(frozen=True)
class Instrument:
    """How the trace is taken: ``index`` is set on the instrument, ``true_index`` is the fibre's."""

    wavelength_nm: float
    pulse_ns: float
    index: float
    true_index: float
    attenuation_db_per_km: float
    backscatter_db: float = -81.0
    spacing_ns: float = 25.0

    @property
    def noise(self) -> float:
        """Noise power beside the backscatter at the launch: more light and a slower receiver with a longer pulse."""
        range_db = _RANGE_500_NS_DB + 7.5 * float(np.log10(self.pulse_ns / 500.0))
        return float(10.0 ** (-range_db / 5.0))


def simulated_trace(
    names: dict[str, str],
    events: Sequence[SimulatedEvent],
    end: SimulatedEvent,
    instrument: Instrument,
    unix_time_s: int,
    rng: np.random.Generator,
) -> Trace:
    """The trace of a fibre that ends at ``end``; events behind it are not seen.

    ``names`` are cable, fibre, location_a and location_b as they stand in the file. The event table is that of a
    patient person who knows where to look.
    """
    seen = sorted((event for event in events if event.fibre_m < end.fibre_m), key=lambda event: event.fibre_m)
    ns_per_m = instrument.true_index / LIGHT_M_PER_NS
    power = _returned(seen, end, instrument, ns_per_m)
    power = power + rng.normal(0.0, instrument.noise, power.size)
    level_db = np.clip(5.0 * np.log10(np.maximum(power, 1e-13)) + _LAUNCH_DB, -65.535, _SATURATED_DB)
    reported = [
        _reported(event, ns_per_m, "F") for event in seen if abs(event.loss_db) >= _REPORTED_DB or event.reflectance_db
    ]
    return Trace(
        instrument="trassa simulation",
        **names,
        unix_time_s=unix_time_s,
        wavelength_nm=instrument.wavelength_nm,
        pulse_ns=instrument.pulse_ns,
        index=instrument.index,
        backscatter_db=instrument.backscatter_db,
        sample_spacing_ns=instrument.spacing_ns,
        first_sample_ns=0.0,
        user_offset_ns=0.0,
        level_db=np.round(level_db, 3),
        events=(*reported, _reported(end, ns_per_m, "E")),
    )


def _returned(
    events: Sequence[SimulatedEvent], end: SimulatedEvent, instrument: Instrument, ns_per_m: float
) -> FloatArray:
    """Power that comes back over one-way time, backscatter at the launch as 1; shape (samples,)."""
    fine_ns = instrument.spacing_ns / _FINE
    t = np.arange(0.0, (end.fibre_m * 1.3 + 3000.0) * ns_per_m, fine_ns)
    z = t / ns_per_m
    lost_db = np.concatenate(([0.0], np.cumsum([event.loss_db for event in events])))
    passed = np.searchsorted([event.fibre_m for event in events], z, side="right")
    scattered = 10.0 ** ((-instrument.attenuation_db_per_km * z / 1000.0 - lost_db[passed]) / 5.0)
    scattered[z >= end.fibre_m] = 0.0
    width = max(1, round(instrument.pulse_ns / 2.0 / fine_ns))
    running = np.cumsum(scattered)
    back = running.copy()
    back[width:] -= running[:-width]
    back /= width
    front = SimulatedEvent(0.0, 0.0, _FRONT_REFLECTANCE_DB)
    for event in (front, *events, end):
        if event.reflectance_db is not None:
            first = int(np.searchsorted(z, event.fibre_m))
            height = 10.0 ** ((event.reflectance_db - instrument.backscatter_db) / 10.0) / instrument.pulse_ns
            back[first : first + width] += scattered[max(first - 1, 0)] * height
    constant_ns = _RECEIVER_PULSES * instrument.pulse_ns / 2.0
    answer = np.exp(-np.arange(0.0, 6.0 * constant_ns + fine_ns, fine_ns) / constant_ns)
    return np.asarray(np.convolve(back, answer / answer.sum())[: back.size : _FINE], dtype=np.float64)


def _reported(event: SimulatedEvent, ns_per_m: float, kind: str) -> ReportedEvent:
    code = f"{0 if event.reflectance_db is None else 1}{kind}9999LS"
    loss_db = min(event.loss_db, 30.0)
    return ReportedEvent(event.fibre_m * ns_per_m, loss_db, 0.0, event.reflectance_db, code)
