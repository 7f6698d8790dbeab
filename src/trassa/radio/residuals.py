"""From residuals of a drive test to the offset, the sigma and the correlation distance that a proof should use.

A residual is measured less predicted, in dB. Its spread holds everything that the prediction does not know: shadowing,
location variability within a bin, the phone, the day. **Sigma from a drive test already contains location variability
and is used alone**; adding the σ_L of ITU-R P.1812 in square would count that twice.

Readings close together err together. Every estimate therefore weighs places of 50 m alike however long the car stood
there, and every interval comes from leaving out stretches of 2 km (delete-one jackknife, t quantiles).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from trassa.errors import InputError
from trassa.radio.folds import BLOCK_M, blocks
from trassa.radio.variogram import correlation_of

__all__ = ["Calibration", "Residuals", "calibration_of", "calibrations", "residuals_against"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PLACE_M = 50.0
_CONFIDENCE = 0.95
_FEWEST = 30


@dataclass(frozen=True)
class Residuals:
    """Residuals in dB with where they are: shape (n,) each.

    ``link`` numbers what shares its shadowing along the road (the site, or the cell), ``run`` the drive.
    ``clutter`` names the class of the receiver's surroundings, or is None where no classes are known.
    """

    residual_db: FloatArray
    measure_m: FloatArray
    link: IntArray
    run: IntArray
    clutter: npt.NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.residual_db)

    def take(self, index: npt.ArrayLike) -> Residuals:
        """The residuals at an index array or mask."""
        at = np.asarray(index)
        clutter = None if self.clutter is None else self.clutter[at]
        return Residuals(self.residual_db[at], self.measure_m[at], self.link[at], self.run[at], clutter)


@dataclass(frozen=True)
class Calibration:
    """What a drive test says of a prediction on one band; limits are those of the 95 % confidence interval.

    ``offset_db`` is the mean of measured less predicted: it is added to every predicted level. ``sigma_db`` is the
    total standard deviation about the prediction after that. ``correlation_m`` is the distance along the road at which
    what is correlated falls to 1/e; NaN where the drive is too short to tell. ``effective_samples`` is how many
    independent readings would tell the mean as well. Limits are NaN on fewer than two stretches of 2 km.
    """

    band: str
    clutter: str
    offset_db: float
    offset_low_db: float
    offset_high_db: float
    sigma_db: float
    sigma_low_db: float
    sigma_high_db: float
    correlation_m: float
    samples: int
    stretches: int
    effective_samples: float
    source: str

    def settings(self) -> dict[str, float | str]:
        """Keys and values of trassa.toml; the correlation distance only where it is known."""
        values: dict[str, float | str] = {
            "radio.sigma_db": round(self.sigma_db, 2),
            "radio.sigma_source": self.sigma_source,
            "radio.calibration_offset_db": round(self.offset_db, 2),
        }
        if math.isfinite(self.correlation_m):
            values["radio.shadowing_distance_m"] = round(self.correlation_m, 1)
        return values

    def settings_lines(self) -> list[str]:
        """The settings as lines of trassa.toml with dotted keys; strings quoted as TOML quotes them."""
        return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in self.settings().items()]

    @property
    def sigma_source(self) -> str:
        """What sigma is, in one sentence for the proof."""
        beside = f", {self.clutter}" if self.clutter else ""
        interval = f"{self.sigma_low_db:.1f}–{self.sigma_high_db:.1f} dB" if self.stretches > 1 else "no interval"
        return (
            f"drive test: {self.source}; {self.band}{beside}; {self.samples} readings worth "
            f"{self.effective_samples:.0f}, 95 % {interval}; contains location variability, used alone"
        )

    def as_dict(self) -> dict[str, float | int | str | None]:
        """As it stands in JSON; what is not known is null."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        numbers = {key: value for key, value in values.items() if isinstance(value, float)}
        said = {key: round(value, 3) if math.isfinite(value) else None for key, value in numbers.items()}
        return {**values, **said}


def residuals_against(
    predicted_dbm: FloatArray,
    measured_dbm: FloatArray,
    measure_m: FloatArray,
    link: IntArray,
    run: IntArray,
    *,
    band: str,
    source: str,
    clutter: npt.NDArray[np.object_] | None = None,
) -> list[Calibration]:
    """The calibration of a prediction by what was measured at the same places, for the whole and by clutter class.

    Arrays of shape (n,): levels in dBm, measure along the road, the site predicted to serve, the drive. Where either
    level or the measure is NaN the row is left out. Repeated readings have to be gone
    (:func:`~trassa.radio.drive_test.repeats`).
    """
    known = np.isfinite(predicted_dbm) & np.isfinite(measured_dbm) & np.isfinite(measure_m)
    both = Residuals(measured_dbm - predicted_dbm, measure_m, link, run, clutter)
    return calibrations(both.take(known), band, source)


def calibrations(residuals: Residuals, band: str, source: str) -> list[Calibration]:
    """The calibration of all residuals of a band, then one for every clutter class of 30 readings or more."""
    whole = [calibration_of(residuals, band, source)]
    if residuals.clutter is None:
        return whole
    classes: Iterable[str] = sorted({str(name) for name in residuals.clutter.tolist()})
    parts = [(name, residuals.take(residuals.clutter == name)) for name in classes]
    return whole + [calibration_of(part, band, source, name) for name, part in parts if len(part) >= _FEWEST]


def calibration_of(residuals: Residuals, band: str, source: str, clutter: str = "") -> Calibration:
    """Offset, sigma and correlation distance of residuals, with their intervals.

    Raises :class:`~trassa.errors.InputError` below 30 residuals.
    """
    if len(residuals) < _FEWEST:
        said = f"drive test: {band} has {len(residuals)} readings to calibrate by"
        raise InputError(said, cure=f"at least {_FEWEST}, better several drives of 10 km")
    sums, weight = _sums(residuals)
    offset, spread = _moments(sums.sum(axis=0))
    correlation_m, share = correlation_of(
        residuals.residual_db - offset, residuals.measure_m, residuals.link, residuals.run, spread
    )
    effective = _effective(residuals, weight, correlation_m, share)
    # the mean is fitted to the same residuals: their spread about it is too small by one effective reading
    sigma = spread * math.sqrt(effective / max(effective - 1.0, 1.0))
    left_out = [_moments(sums.sum(axis=0) - row) for row in sums] if len(sums) > 1 else []
    offset_half = _half_width([one for one, _ in left_out])
    sigma_half = _half_width([math.log(max(one, 1e-9)) for _, one in left_out])
    return Calibration(
        band,
        clutter,
        offset,
        offset - offset_half,
        offset + offset_half,
        sigma,
        sigma * math.exp(-sigma_half),
        sigma * math.exp(sigma_half),
        correlation_m,
        len(residuals),
        len(sums),
        effective,
        source,
    )


def _sums(residuals: Residuals) -> tuple[FloatArray, FloatArray]:
    """Sums of weight, weighted residual and its square by stretch, shape (stretches, 3); and the weights, (n,)."""
    _, place = np.unique(np.floor(residuals.measure_m / _PLACE_M), return_inverse=True)
    weight = 1.0 / np.bincount(place.ravel())[place.ravel()]
    _, stretch = np.unique(blocks(residuals.measure_m, BLOCK_M), return_inverse=True)
    moments = (weight, weight * residuals.residual_db, weight * residuals.residual_db**2)
    return np.column_stack([np.bincount(stretch.ravel(), moment) for moment in moments]), weight


def _moments(sums: FloatArray) -> tuple[float, float]:
    mean = float(sums[1] / sums[0])
    return mean, math.sqrt(max(float(sums[2] / sums[0]) - mean**2, 0.0))


def _half_width(left_out: list[float]) -> float:
    """Half of the interval of an estimate whose values with one stretch left out are given (jackknife)."""
    count = len(left_out)
    if count < 2:
        return math.nan
    variance = (count - 1.0) * float(np.var(left_out))
    return float(stats.t.ppf(0.5 + _CONFIDENCE / 2.0, count - 1)) * math.sqrt(variance)


def _effective(residuals: Residuals, weight: FloatArray, correlation_m: float, share: float) -> float:
    """(Σw)² over Σ wᵢ wⱼ ρᵢⱼ, with ρ = share · exp(−Δ/correlation) between readings of one link.

    Where no correlation could be found a stretch of 2 km counts as one reading.
    """
    total = float(weight.sum())
    if not math.isfinite(correlation_m):
        return float(len(np.unique(blocks(residuals.measure_m, BLOCK_M))))
    together = (1.0 - share) * float(weight @ weight)
    for link in np.unique(residuals.link):
        rows = residuals.link == link
        places, inverse = np.unique(np.floor(residuals.measure_m[rows] / _PLACE_M), return_inverse=True)
        carried = np.bincount(inverse.ravel(), weight[rows])
        alike = np.exp(-np.abs(places[:, None] - places) * _PLACE_M / correlation_m)
        together += share * float(carried @ alike @ carried)
    return min(total**2 / together, float(len(residuals)))
