"""What an OTDR measured on one fibre: a level over time of travel, and the events the instrument saw in it.

Times are kept and distances worked out, because the index that stands in the file is whatever somebody once set::

    launch        front panel      user offset                       first_sample_ns may be negative:
      │                │                │                            samples begin before the front panel
      └── samples ─────┴─ launch lead ──┴── fibre under test ──►     time 0 is the user offset
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LIGHT_M_PER_NS", "ReportedEvent", "Trace", "fibre_m"]

FloatArray = npt.NDArray[np.float64]
LIGHT_M_PER_NS = 0.299792458
"""Speed of light in vacuum, m/ns."""


def fibre_m(time_ns: npt.ArrayLike, index_ratio: float) -> FloatArray:
    """Length of fibre for a one-way time of travel at a group index (light in vacuum over fibre). Any shape, metres."""
    return np.asarray(time_ns, dtype=np.float64) * (LIGHT_M_PER_NS / index_ratio)


@dataclass(frozen=True)
class ReportedEvent:
    """One row of the instrument's own event table (SR-4731 KeyEvents).

    ``time_ns`` is one-way from the user offset. ``code`` has eight characters: 0 non-reflective, 1 reflective, 2
    saturated; F found, A added, M moved, E end of fibre, O out of range, D modified end; landmark; method of
    measurement. ``reflectance_db`` is negative, or None where the instrument gave none.
    """

    time_ns: float
    loss_db: float
    slope_db_per_km: float
    reflectance_db: float | None
    code: str
    comment: str = ""

    @property
    def reflective(self) -> bool:
        """Whether the instrument saw a reflection."""
        return self.code[:1] in ("1", "2")

    @property
    def ends_fibre(self) -> bool:
        """Whether the instrument took it for the end of the fibre; an event out of range is none."""
        return self.code[1:2] in ("E", "D")


@dataclass(frozen=True)
class Trace:
    """One trace of one fibre at one wavelength and pulse.

    ``level_db`` of shape (n,) falls along the fibre in one-way decibels (5 lg of power). Sample ``i`` lies at
    ``first_sample_ns + i * sample_spacing_ns`` of one-way time from the front panel, ``user_offset_ns`` is where the
    fibre under test begins. ``index`` is the group index set on the instrument; ``backscatter_db`` the backscatter
    coefficient for a pulse of 1 ns. ``events`` are the instrument's, in its order; empty where the file has none.
    ``name`` is that of its file in messages, and no part of what was measured.
    """

    instrument: str
    cable: str
    fibre: str
    location_a: str
    location_b: str
    unix_time_s: int
    wavelength_nm: float
    pulse_ns: float
    index: float
    backscatter_db: float
    sample_spacing_ns: float
    first_sample_ns: float
    user_offset_ns: float
    level_db: FloatArray
    events: tuple[ReportedEvent, ...] = ()
    name: str = ""

    def sample_time_ns(self) -> FloatArray:
        """One-way time of each sample from the user offset, shape (n,)."""
        start_ns = self.first_sample_ns - self.user_offset_ns
        return start_ns + self.sample_spacing_ns * np.arange(self.level_db.size, dtype=np.float64)

    def pulse_m(self, index_ratio: float) -> float:
        """Fibre that the pulse blurs: half its length in the fibre, since light goes there and back."""
        return float(fibre_m(self.pulse_ns, index_ratio)) / 2.0

    @property
    def reported_end(self) -> ReportedEvent | None:
        """The instrument's end of fibre; ghosts may stand behind it, and a trace may have none."""
        return next((event for event in self.events if event.ends_fibre), None)
