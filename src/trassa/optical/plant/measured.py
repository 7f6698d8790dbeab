"""Losses that acceptance measured on built plant, as what a way loses beyond the planned values.

::

    at splices   Σ (two-way mean of the closure − planned splice)            closures passed, and those a drop leaves
    in fibre     Σ fibre of the reel · (its attenuation − the planned one)   in each window

What was not measured adds nothing, so a way over planned plant loses what is planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from trassa.optical.plant.built import BuiltPlace, BuiltSection
from trassa.optical.plant.route import CableRoute
from trassa.optical.settings import OpticalSettings

__all__ = ["NOTHING_BEYOND", "NOTHING_MEASURED", "Beyond", "MeasuredLoss"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Beyond:
    """What ways lose more than planned (less: negative), dB: at splices, and in fibre at 1310 and 1550 nm.

    All three of one shape.
    """

    splices_db: FloatArray
    fibre_1310_db: FloatArray
    fibre_1550_db: FloatArray

    def loss_db(self, band: Literal["1310", "1550"], longer_ratio: float = 1.0) -> FloatArray:
        """Both together in one window, with so much more fibre."""
        fibre_db = self.fibre_1310_db if band == "1310" else self.fibre_1550_db
        return np.asarray(self.splices_db + longer_ratio * fibre_db, dtype=np.float64)

    def at_taps(self, more_db: FloatArray) -> Beyond:
        """The same with what the splices at the ends of the ways lose more."""
        return Beyond(self.splices_db + more_db, self.fibre_1310_db, self.fibre_1550_db)


_NONE_DB = np.zeros(())
NOTHING_BEYOND = Beyond(_NONE_DB, _NONE_DB, _NONE_DB)
"""A way that loses what is planned."""


@dataclass(frozen=True)
class MeasuredLoss:
    """What was measured on one cable between two huts, less what is planned.

    ``closures`` are (measure, dB beyond the planned splice, whether reels meet there), in order of measure; ``reels``
    (start, end, dB/km beyond the planned attenuation at 1310 nm, at 1550 nm), start and end in metres of fibre.
    """

    closures: tuple[tuple[float, float, bool], ...] = ()
    reels: tuple[tuple[float, float, float, float], ...] = ()

    @classmethod
    def of(cls, cable: CableRoute, built: Sequence[BuiltSection], rules: OpticalSettings) -> MeasuredLoss:
        """What the sections that were laid say of one cable from hut to hut."""
        sections = [[p for p in s.places if cable.start_m <= p.measure_m <= cable.end_m] for s in built if s.laid]
        return cls(
            tuple(
                (place.measure_m, place.splice_loss_db - rules.splice_loss_db, place.joint)
                for places in sections
                for place in places
                if place.splice_loss_db == place.splice_loss_db
            ),
            tuple(reel for places in sections for reel in _reels(cable, places, rules)),
        )

    def between(self, cable: CableRoute, first_m: npt.ArrayLike, second_m: npt.ArrayLike) -> Beyond:
        """What ways between two measures of that cable lose more, splices at their ends left out. Any shape."""
        first, second = np.asarray(first_m, dtype=np.float64), np.asarray(second_m, dtype=np.float64)
        splices, in_1310, in_1550 = (np.zeros(np.broadcast(first, second).shape) for _ in range(3))
        for measure_m, more_db, joint in self.closures:
            splices += more_db * (joint & (first < measure_m) & (measure_m < second))
        if self.reels:
            from_m, to_m = cable.fibre_m(first), cable.fibre_m(second)
            for start_m, end_m, more_1310, more_1550 in self.reels:
                km = (np.clip(to_m, start_m, end_m) - np.clip(from_m, start_m, end_m)) / 1000.0
                in_1310 += km * more_1310
                in_1550 += km * more_1550
        return Beyond(splices, in_1310, in_1550)

    def at_db(self, measures_m: Sequence[float]) -> FloatArray:
        """What one splice in the closure at each place loses more than planned, shape (places,)."""
        known = {measure_m: more_db for measure_m, more_db, _ in self.closures}
        return np.array([known.get(measure_m, 0.0) for measure_m in measures_m], dtype=np.float64)


NOTHING_MEASURED = MeasuredLoss()
"""Planned plant."""


def _reels(
    cable: CableRoute, places: Sequence[BuiltPlace], rules: OpticalSettings
) -> list[tuple[float, float, float, float]]:
    planned = rules.attenuation_1310_db_per_km, rules.attenuation_1550_db_per_km
    found = []
    for begin, end in pairwise([place for place in places if place.ends_reel]):
        in_1310, in_1550 = (
            0.0 if read != read else read - due for read, due in zip(begin.attenuation_db_per_km, planned, strict=True)
        )
        if in_1310 or in_1550:
            start_m, end_m = cable.fibre_m([begin.measure_m, end.measure_m]).tolist()
            found.append((start_m, end_m, in_1310, in_1550))
    return found
