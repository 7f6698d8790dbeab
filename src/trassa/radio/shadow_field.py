"""What a distance law leaves over, as a Gaussian process over the links of a drive test.

A residual is the sum of four parts: shadowing that is shared along the road towards one site, a pattern of the site in
azimuth (its sectors, the land around it), the surroundings of the road, and what changes from drive to drive::

    cov = σ_road² · [same site] · exp(−|Δmeasure|/ℓ)  +  σ_pattern² · [same site] · exp(−(1 − cos Δbearing)/w²)
        + σ_surroundings² · z z'  +  σ_level²  +  σ_drive²/drives · [same place]

Its six parameters are the most likely ones a posteriori, on what it is fitted to alone; the priors are wide
(a factor 2 to 2.7 either way) around what is usual for shadowing on roads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky
from scipy.linalg.lapack import dtrtri
from scipy.optimize import minimize

from trassa.radio.drive_samples import Samples

__all__ = ["ShadowField"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PLACE_M = 100.0
_MOST_PLACES = 200
# BLAS threads wait for each other longer than they work on blocks up to this size
_SMALL = 100
_LEVEL_DB = 5.0
_STEPS = 60
# σ_drive, σ_road, ℓ, σ_pattern, w, σ_surroundings: middle and width of the prior of their logarithms
_MIDDLE = np.log([5.0, 6.0, 250.0, 4.0, 0.7, 3.0])
_WIDTH = np.array([0.7, 1.0, 0.7, 1.0, 0.7, 1.0])


@dataclass(frozen=True)
class _Links:
    """Links by place: shape (n,) each; ``surroundings`` is about −2 in a standing queue and +1.5 on a free motorway."""

    site: IntArray
    measure_m: FloatArray
    bearing_rad: FloatArray
    surroundings: FloatArray

    @classmethod
    def of(cls, samples: Samples) -> _Links:
        speed = np.nan_to_num(samples.typical_speed_mps, nan=20.0)
        surroundings = np.clip((speed - 20.0) / 10.0, -2.0, 2.0)
        return cls(samples.site, samples.measure_m, np.radians(samples.bearing_deg), surroundings)

    def take(self, rows: IntArray) -> _Links:
        return _Links(self.site[rows], self.measure_m[rows], self.bearing_rad[rows], self.surroundings[rows])


@dataclass(frozen=True)
class ShadowField:
    """A fitted field; ``sigma_db`` and ``length_m`` are those of the shadowing along the road."""

    sigma_db: float
    length_m: float
    _known: _Links
    _weights: FloatArray
    _parameters: FloatArray

    @classmethod
    def fit(cls, samples: Samples, residual_db: FloatArray) -> ShadowField:
        """The field of residuals (measured less law, dB), shape (n,): means over the drives by cell and place."""
        known, mean_db, drives = _by_place(samples, residual_db)
        likelihood = _Likelihood.of(known, mean_db, drives)
        # BFGS in Python: compiled optimisers keep BLAS threads spinning between steps on six numbers
        found = minimize(likelihood.cost, _MIDDLE, jac=True, method="BFGS", options={"maxiter": _STEPS, "gtol": 1e-3})
        parameters = _within_reason(found.x)
        weights = likelihood.weights(parameters)
        return cls(float(np.exp(parameters[1])), float(np.exp(parameters[2])), known, weights, parameters)

    def residual_db(self, samples: Samples) -> FloatArray:
        """The expected residual of samples, shape (n,), in dB."""
        asked, known = _Links.of(samples), self._known
        shared = np.exp(2.0 * self._parameters[5]) * float(known.surroundings @ self._weights)
        expected = shared * asked.surroundings + _LEVEL_DB**2 * float(self._weights.sum())
        for site in np.intersect1d(asked.site, known.site):
            rows, at = np.flatnonzero(asked.site == site), np.flatnonzero(known.site == site)
            here, there = asked.take(rows), known.take(at)
            along, around = _by_site(self._parameters, _apart_m(here, there), _turned(here, there))
            expected[rows] += (along + around) @ self._weights[at]
        return np.asarray(expected)


def _within_reason(parameters: FloatArray) -> FloatArray:
    """Within a factor of 55 of the prior's middle: a step of the search may go anywhere, an exponential may not."""
    return np.clip(parameters, _MIDDLE - 4.0, _MIDDLE + 4.0)


def _apart_m(a: _Links, b: _Links) -> FloatArray:
    return np.abs(a.measure_m[:, None] - b.measure_m)


def _turned(a: _Links, b: _Links) -> FloatArray:
    return np.asarray(1.0 - np.cos(a.bearing_rad[:, None] - b.bearing_rad))


def _by_site(parameters: FloatArray, apart_m: FloatArray, turned: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Covariance along the road and in azimuth of links of one site, dB²."""
    _, road, length, pattern, width, _ = np.exp(parameters)
    return road**2 * np.exp(-apart_m / length), pattern**2 * np.exp(-turned / width**2)


def _by_place(samples: Samples, residual_db: FloatArray) -> tuple[_Links, FloatArray, FloatArray]:
    """Mean links, mean residuals and numbers of drives by cell and place; places longer where a site has too many."""
    place_m = _PLACE_M
    while True:
        keys = np.column_stack([samples.cell, np.floor(samples.measure_m / place_m).astype(np.int64)])
        _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        if np.unique(samples.site[first], return_counts=True)[1].max() <= _MOST_PLACES or place_m > 1e5:
            break
        place_m *= 2.0
    group, count = inverse.ravel(), np.bincount(inverse.ravel()).astype(np.float64)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(group, values) / count)

    links = _Links.of(samples)
    bearing = np.arctan2(mean(np.sin(links.bearing_rad)), mean(np.cos(links.bearing_rad)))
    by_place = _Links(links.site[first], mean(links.measure_m), bearing, mean(links.surroundings))
    pairs = np.unique(np.column_stack([group, samples.run]), axis=0)
    return by_place, mean(residual_db), np.bincount(pairs[:, 0]).astype(np.float64)


@dataclass(frozen=True)
class _Likelihood:
    """The posterior density of the parameters. Sites are independent but for two shared columns: level, surroundings.

    So the covariance is one block a site plus a matrix of rank two, and is inverted as such (Woodbury): hundreds of
    kilometres cost what their sites cost.
    """

    blocks: tuple[tuple[IntArray, FloatArray, FloatArray], ...]
    surroundings: FloatArray
    mean_db: FloatArray
    drives: FloatArray

    @classmethod
    def of(cls, known: _Links, mean_db: FloatArray, drives: FloatArray) -> _Likelihood:
        """For links by place, their mean residuals in dB and the numbers of drives behind each mean."""
        blocks = []
        for site in np.unique(known.site):
            rows = np.flatnonzero(known.site == site)
            links = known.take(rows)
            blocks.append((rows, _apart_m(links, links), _turned(links, links)))
        return cls(tuple(blocks), known.surroundings, mean_db, drives)

    def weights(self, parameters: FloatArray) -> FloatArray:
        """The inverse covariance times the residuals, shape (n,)."""
        return self._solved(parameters)[0]

    def _shared(self, parameters: FloatArray) -> FloatArray:
        level = np.full(len(self.mean_db), _LEVEL_DB)
        return np.column_stack([np.exp(parameters[5]) * self.surroundings, level])

    def _solved(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, list[FloatArray], float]:
        """Weights, shared columns solved by the blocks, the small inverse, the blocks' inverses, log determinant."""
        shared = self._shared(parameters)
        columns = np.column_stack([shared, self.mean_db])
        solved: FloatArray = np.empty(columns.shape)
        inverses, log_determinant = [], 0.0
        noise = np.exp(2.0 * parameters[0]) / self.drives
        for rows, apart_m, turned in self.blocks:
            along, around = _by_site(parameters, apart_m, turned)
            factor = cholesky(along + around + np.diag(noise[rows]), lower=True, check_finite=False)
            half, _ = dtrtri(factor, lower=1)
            inverse = np.einsum("ki,kj->ij", half, half) if len(rows) <= _SMALL else half.T @ half
            solved[rows] = inverse @ columns[rows]
            inverses.append(inverse)
            log_determinant += 2.0 * float(np.log(np.diag(factor)).sum())
        small = np.eye(2) + shared.T @ solved[:, :2]
        small_inverse = np.asarray(np.linalg.inv(small), dtype=np.float64)
        weights = solved[:, 2] - solved[:, :2] @ (small_inverse @ (shared.T @ solved[:, 2]))
        return weights, solved[:, :2], small_inverse, inverses, log_determinant + float(np.linalg.slogdet(small)[1])

    def cost(self, tried: FloatArray) -> tuple[float, FloatArray]:
        """Minus the logarithm of the posterior density, and its gradient by the six logarithms."""
        parameters = _within_reason(tried)
        weights, solved, small_inverse, inverses, log_determinant = self._solved(parameters)
        noise, gradient = np.exp(2.0 * parameters[0]) / self.drives, np.zeros(6)
        length, width = np.exp(parameters[2]), np.exp(parameters[4])
        for (rows, apart_m, turned), inverse in zip(self.blocks, inverses, strict=True):
            along, around = _by_site(parameters, apart_m, turned)
            slope = inverse - solved[rows] @ small_inverse @ solved[rows].T - np.outer(weights[rows], weights[rows])
            by_road, by_azimuth = slope * along, slope * around
            gradient[0] += np.diag(slope) @ noise[rows]
            gradient[1] += by_road.sum()
            gradient[2] += 0.5 * (by_road * apart_m).sum() / length
            gradient[3] += by_azimuth.sum()
            gradient[4] += (by_azimuth * turned).sum() / width**2
        column = self._shared(parameters)[:, 0]
        inner = column @ solved[:, 0]
        reached = solved.T @ column
        gradient[5] = inner - reached @ small_inverse @ reached - float(column @ weights) ** 2
        gradient[parameters != tried] = 0.0
        away = (tried - _MIDDLE) / _WIDTH
        value = 0.5 * float(self.mean_db @ weights) + 0.5 * log_determinant + 0.5 * float(away @ away)
        return value, gradient + away / _WIDTH
