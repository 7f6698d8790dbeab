"""Shadowing: how far a level strays from its median, along the road and from site to site.

In decibels it is normal with standard deviation σ. Between two places of one link it is correlated by
exp(−d / d_cor) (Gudmundson 1991, Electronics Letters 27(23)), between two sites at one place by ρ, in the form of a
component common to all sites: X_s = √ρ·C + √(1 − ρ)·U_s (TR 36.839 and TR 36.814 take ρ = 0.5). Cells of one site
share their path, hence their shadowing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.compiled import compiled

__all__ = ["Shadowing", "joint_normals", "shadowing_along", "total_sigma_db"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shadowing:
    """Standard deviation in dB, correlation between two sites (0 to 1) and decorrelation distance in metres.

    Raises :class:`InputError` where one of them cannot be meant.
    """

    sigma_db: float
    site_correlation: float
    decorrelation_m: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.sigma_db <= 40.0:
            raise InputError(f"shadowing: sigma {self.sigma_db:g} dB lies outside 0..40 dB", cure="give σ in dB")
        if not 0.0 <= self.site_correlation <= 1.0:
            told = f"shadowing: site-to-site correlation {self.site_correlation:g} lies outside 0..1"
            raise InputError(told, cure="0.5, as TR 36.839 takes it")
        if not 0.0 < self.decorrelation_m < math.inf:
            told = f"shadowing: decorrelation distance {self.decorrelation_m:g} m is not positive"
            raise InputError(told, cure="37 m in line of sight, 120 m without")

    @property
    def common_share(self) -> float:
        """√ρ: what one standard deviation of the common component adds."""
        return math.sqrt(self.site_correlation)

    @property
    def own_share(self) -> float:
        """√(1 − ρ): what one standard deviation of a site's own component adds."""
        return math.sqrt(1.0 - self.site_correlation)


def total_sigma_db(location_sigma_db: float, model_sigma_db: float) -> float:
    """σ = √(σ_L² + σ_model²), for use without drive tests; a residual fitted on drive tests contains both already."""
    return math.hypot(location_sigma_db, model_sigma_db)


def joint_normals(rng: np.random.Generator, sites: int, draws: int, shadowing: Shadowing) -> FloatArray:
    """Standard normal shadowing of several sites at one place, drawn jointly; shape (sites, draws)."""
    common, own = rng.standard_normal(draws), rng.standard_normal((sites, draws))
    return shadowing.common_share * common + shadowing.own_share * own


def shadowing_along(
    rng: np.random.Generator, node_start: IntArray, site: IntArray, place_m: FloatArray, shadowing: Shadowing
) -> SingleArray:
    """Shadowing in dB of every signal along a drive, shape (signals,).

    Node i lies ``place_m[i]`` metres along the drive, not decreasing, and hears the signals ``node_start[i]`` to
    ``node_start[i + 1]``, of the sites ``site``. Every component is a first-order autoregression over the true
    distance since it was drawn last, so a site that fades out and returns is drawn rightly as well.
    """
    sites = int(site.max(initial=-1)) + 1
    normals = rng.standard_normal(len(place_m) + len(site), dtype=np.float32)
    drawn = np.empty(len(site), np.float32)
    shares = (shadowing.sigma_db * shadowing.common_share, shadowing.sigma_db * shadowing.own_share)
    _walk(node_start, site, place_m, sites, shadowing.decorrelation_m, shares, normals, drawn)
    return drawn


@compiled
def _walk(
    node_start: IntArray,
    site: IntArray,
    place_m: FloatArray,
    sites: int,
    decorrelation_m: float,
    shares_db: tuple[float, float],
    normals: SingleArray,
    drawn: SingleArray,
) -> None:
    """Draw the common component at every node and each site's own where the site is heard."""
    own, last = np.zeros(sites), np.full(sites, -1)
    common, used = 0.0, 0
    for node in range(len(place_m)):
        kept = math.exp(-(place_m[node] - place_m[node - 1]) / decorrelation_m) if node else 0.0
        common = kept * common + math.sqrt(1.0 - kept * kept) * normals[used]
        used += 1
        for row in range(node_start[node], node_start[node + 1]):
            s = site[row]
            if last[s] != node:
                rho = kept if node and last[s] == node - 1 else 0.0
                if last[s] >= 0 and last[s] < node - 1:
                    rho = math.exp(-(place_m[node] - place_m[last[s]]) / decorrelation_m)
                own[s] = rho * own[s] + math.sqrt(1.0 - rho * rho) * normals[used]
                last[s] = node
                used += 1
            drawn[row] = shares_db[0] * common + shares_db[1] * own[s]
