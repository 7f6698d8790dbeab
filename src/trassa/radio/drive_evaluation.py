"""How well a drive test is predicted where it was not used, band by band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.drive_comparison import AlongRoad, Comparison, along_road
from trassa.radio.drive_samples import Samples, samples_of
from trassa.radio.drive_test import Cells, Measurements, served
from trassa.radio.folds import blocks, run_folds, stretch_folds
from trassa.radio.prediction import DistanceLaw, out_of_fold
from trassa.radio.residuals import Calibration, Residuals, calibration_of

__all__ = ["BandEvaluation", "evaluated", "laws"]

FloatArray = npt.NDArray[np.float64]

_FEWEST = 30
_NEAREST_M = 50.0


@dataclass(frozen=True)
class BandLaw:
    """The distance law over all readings of a band from 50 m on, repetitions among them."""

    readings: int
    law: DistanceLaw
    median_distance_m: float


@dataclass(frozen=True)
class BandEvaluation:
    """What a drive test says of one operator on one carrier.

    ``stretches`` leaves out 2 km at a time in all runs (prediction), ``runs`` a run at a time (repetition only).
    ``calibration`` is that of trassa's prediction of the stretches left out: its sigma holds for this prediction
    without terrain, and for no other. ``along`` has the same prediction.
    """

    name: str
    law: BandLaw
    stretches: Comparison
    runs: Comparison
    calibration: Calibration
    along: AlongRoad


def evaluated(
    measurements: Measurements, cells: Cells, measure_m: FloatArray | None = None
) -> tuple[list[BandEvaluation], list[str]]:
    """Every band with 30 new readings or more on two stretches, and sentences about what was left out.

    ``measure_m`` places the readings along a road, as in :func:`~trassa.radio.drive_samples.samples_of`. Raises
    :class:`~trassa.errors.InputError` where no band is left.
    """
    by_band, bands, notes = laws(measurements, cells), [], _left_out(measurements, cells)
    for samples in samples_of(measurements, cells, measure_m):
        predicted = out_of_fold(samples, stretch_folds(samples.measure_m))
        if np.isfinite(predicted[1]).sum() < _FEWEST:
            notes.append(f"{samples.name}: {len(samples)} new readings, too few to judge a prediction by")
            continue
        law = by_band[samples.operator, float(np.nan_to_num(samples.frequency_mhz))]
        bands.append(_evaluated(samples, law, *predicted))
    if not bands:
        said = f" ({'; '.join(notes)})" if notes else ""
        cure = "30 new readings on two stretches of 2 km"
        raise InputError(f"drive test: no band has enough readings{said}", cure=cure)
    return bands, notes


def _left_out(measurements: Measurements, cells: Cells) -> list[str]:
    """Sentences about the readings that no prediction can be compared with."""
    has = np.isfinite(measurements.rsrp_dbm)
    total, nowhere = int(has.sum()), int((has & np.isnan(measurements.latitude_deg)).sum())
    strange = total - nowhere - len(served(measurements, cells))
    counts = ((nowhere, "have no position"), (strange, "are of no cell in the list"))
    return [f"{count} of {total} readings {what}" for count, what in counts if count]


def laws(measurements: Measurements, cells: Cells) -> dict[tuple[str, float], BandLaw]:
    """The distance law by operator and carrier in MHz, 0 for an unknown one, of three readings from 50 m on or more."""
    found = served(measurements, cells)
    carriers = np.nan_to_num(found.frequency_mhz)
    operator = np.array(measurements.operators, dtype=object)[measurements.run[found.reading]]
    by_band = {}
    for name in sorted(set(operator.tolist())):
        for carrier in np.unique(carriers[operator == name]).tolist():
            rows = (operator == name) & (carriers == carrier) & (found.distance_m >= _NEAREST_M)
            if np.count_nonzero(rows) >= 3:
                distance, level = found.distance_m[rows], measurements.rsrp_dbm[found.reading[rows]]
                law = DistanceLaw.fit(distance, level)
                by_band[name, carrier] = BandLaw(len(level), law, float(np.median(distance)))
    return by_band


def _evaluated(samples: Samples, law: BandLaw, law_dbm: FloatArray, trassa_dbm: FloatArray) -> BandEvaluation:
    measured, stretch = samples.rsrp_dbm, blocks(samples.measure_m)
    by_stretch = Comparison.of(measured, law_dbm, trassa_dbm, stretch)
    by_run = Comparison.of(measured, *out_of_fold(samples, run_folds(samples.run)), samples.run)
    known = np.flatnonzero(np.isfinite(trassa_dbm))
    residuals = Residuals(measured - trassa_dbm, samples.measure_m, samples.site, samples.run).take(known)
    source = f"{len(np.unique(samples.run))} drives, law and shadow field without terrain, 2 km left out at a time"
    calibration = calibration_of(residuals, samples.name, source)
    along = along_road(samples.measure_m, measured, trassa_dbm)
    return BandEvaluation(samples.name, law, by_stretch, by_run, calibration, along)
