"""Predictions of RSRP from a drive test where no terrain is known: a law of distance, and what trassa adds to it.

The law alone is the baseline that any prediction has to beat::

    RSRP = a + b · lg(d / 1 m)                       least squares over the readings

Trassa's prediction steadies the slope by what is usual for propagation over ground, and adds half of what the shadow
field of the residuals expects: the plain mean of two forecasts, with and without the field. The field knows what is
alike close by; half of it is what past experience with averaged forecasts takes where the far is asked for
(J. M. Bates, C. W. J. Granger, The combination of forecasts, 1969).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.drive_samples import Samples
from trassa.radio.folds import blocks
from trassa.radio.shadow_field import ShadowField

__all__ = ["DistanceLaw", "Prediction", "out_of_fold"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# slope over ground: 20 dB a decade in free space, 40 over a flat Earth, 35 by Hata for masts of 30 m
_USUAL_SLOPE_DB = -30.0
_SLOPE_WIDTH_DB = 7.0
_STEADYING_M = 1000.0
_FIELD_SHARE = 0.5


@dataclass(frozen=True)
class DistanceLaw:
    """``a_dbm`` at 1 m, ``b_db`` per decade; ``sigma_db`` is the residual standard deviation, n − 2 degrees."""

    a_dbm: float
    b_db: float
    sigma_db: float

    @classmethod
    def fit(cls, distance_m: FloatArray, rsrp_dbm: FloatArray) -> DistanceLaw:
        """Least squares over all readings; raises :class:`~trassa.errors.InputError` below three readings."""
        if len(distance_m) < 3:
            raise InputError(f"drive test: {len(distance_m)} readings, a law needs 3", cure="a longer drive")
        decades = np.log10(distance_m)
        spread = decades - decades.mean()
        square = float(spread @ spread)
        b = float(spread @ rsrp_dbm / square) if square > 1e-12 else _USUAL_SLOPE_DB
        a = float(rsrp_dbm.mean() - b * decades.mean())
        residual = rsrp_dbm - a - b * decades
        return cls(a, b, float(np.sqrt(residual @ residual / (len(residual) - 2))))

    def rsrp_dbm(self, distance_m: FloatArray) -> FloatArray:
        """Level at distances in metres, shape (n,)."""
        return np.asarray(self.a_dbm + self.b_db * np.log10(distance_m))

    def steadied(self, samples: Samples) -> DistanceLaw:
        """The law with its slope drawn to −30 ± 7 dB a decade as far as the readings leave it open.

        How far that is, is counted over kilometres and not over readings, because those of one kilometre err together.
        """
        decades = np.log10(samples.distance_m)
        spread = decades - decades.mean()
        square = float(spread @ spread)
        if square <= 1e-12:
            return self
        residual = samples.rsrp_dbm - self.rsrp_dbm(samples.distance_m)
        _, kilometre = np.unique(blocks(samples.measure_m, _STEADYING_M), return_inverse=True)
        score = np.bincount(kilometre.ravel(), spread * residual)
        many = len(score) / (len(score) - 1.0) if len(score) > 1 else 1.0
        # a slope through one or two kilometres has no spread between them: never surer than 10 readings in one
        variance = max(float(score @ score) / square**2 * many, 10.0 * float(residual.var()) / square)
        if len(score) < 3:
            variance = max(variance, _SLOPE_WIDTH_DB**2)
        weight, usual = 1.0 / variance if variance > 0.0 else np.inf, 1.0 / _SLOPE_WIDTH_DB**2
        b = self.b_db if np.isinf(weight) else (weight * self.b_db + usual * _USUAL_SLOPE_DB) / (weight + usual)
        a = float(samples.rsrp_dbm.mean() - b * decades.mean())
        left = samples.rsrp_dbm - a - b * decades
        return DistanceLaw(a, float(b), float(np.sqrt(left @ left / (len(left) - 2))))


@dataclass(frozen=True)
class Prediction:
    """Trassa's prediction, fitted to samples of one operator on one carrier."""

    law: DistanceLaw
    field: ShadowField

    @classmethod
    def fit(cls, samples: Samples) -> Prediction:
        """The steadied law of the samples and the shadow field of its residuals."""
        law = DistanceLaw.fit(samples.distance_m, samples.rsrp_dbm).steadied(samples)
        return cls(law, ShadowField.fit(samples, samples.rsrp_dbm - law.rsrp_dbm(samples.distance_m)))

    def rsrp_dbm(self, samples: Samples) -> FloatArray:
        """Predicted RSRP of samples, shape (n,); what they measured is not looked at."""
        return self.law.rsrp_dbm(samples.distance_m) + _FIELD_SHARE * self.field.residual_db(samples)


def out_of_fold(samples: Samples, fold: IntArray) -> tuple[FloatArray, FloatArray]:
    """RSRP by the law alone and by trassa, each fitted to the other folds only; shape (n,) each, in dBm.

    ``fold`` numbers the fold of every sample; a fold whose rest has fewer than 3 readings is NaN.
    """
    law_dbm, trassa_dbm = np.full(len(samples), np.nan), np.full(len(samples), np.nan)
    for one in np.unique(fold):
        inside = fold == one
        if np.count_nonzero(~inside) < 3:
            continue
        rest, asked = samples.take(~inside), samples.take(inside)
        law_dbm[inside] = DistanceLaw.fit(rest.distance_m, rest.rsrp_dbm).rsrp_dbm(asked.distance_m)
        trassa_dbm[inside] = Prediction.fit(rest).rsrp_dbm(asked)
    return law_dbm, trassa_dbm
