"""The link budget in a bore: from the port of a head-end along a cable, or from an antenna, to a vehicle.

::

    margin  = largest loss − loss − z_q·σ − max(z_q − z_95, 0)·σ_local       served where margin ≥ 0
    cable   = feed + splitter + α·d·(1 + slack) + CL_95 + 2.15 + n·lg(lane/2)
    antenna = feed + splitter − gain + free space over √(d² + lane²) + excess·d

The largest loss is that at which the RSRP and the rates of ``[radio]`` are just met, with the head-end's power, noise
figure and no antenna gain in place of a site's. α and CL_95 are the worse of those at a carrier's two frequencies.
Coupling losses are measured with a half-wave dipole, 2.15 dB above an isotropic antenna. CL_95 leaves 5 % of the places
beyond it; above that reliability the spread of the coupling loss is taken too, and z_q·σ beside it, not in square: both
are on the safe side, √(a² + b²) ≤ a + b.

Free space with an excess in the bore is cautious: beyond some 100 m a bore guides the wave, which then loses some dB
per kilometre in place of 6 dB per doubling (Emslie, Lagace, Strong, IEEE Trans. AP 23(2), 1975; the two laws joined:
Zhang, IEEE Trans. AP 51(6), 2003). Bends and vehicles are in the excess.

Every loss grows with the distance, so a bin's worst point on either side of a head-end is one of its edges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.decibels import fade_margin_db
from trassa.radio.budget import coupling_limits, link_budget_of
from trassa.radio.settings import RadioSettings
from trassa.radio.tunnel_cable import CableLoss, cable_loss

__all__ = ["BoreBudget", "bore_budget_of"]

FloatArray = npt.NDArray[np.float64]

_DIPOLE_DBI = 2.15
_COUPLING_AT_M = 2.0
_COUPLING_SHARE = 0.95
_FREE_SPACE_DB = 92.4
"""Free space at 1 GHz and 1 km, the constant of ITU-R P.1812."""


@dataclass(frozen=True)
class BoreBudget:
    """What a head-end of one service can reach. ``cable`` is None for antennas; losses count from the port, dB."""

    power_per_re_dbm: float
    vehicle_db: float
    largest_loss_db: float
    limiting: str
    fade_db: float
    port_db: float
    splitter_db: float
    db_per_m: float
    cable: CableLoss | None = None
    frequency_ghz: float = 0.0
    lane_m: float = 0.0

    def loss_db(self, distance_m: npt.ArrayLike, two_ways: npt.ArrayLike = True) -> FloatArray:
        """Loss from the port to a vehicle so many metres of measure along the bore; shapes broadcast."""
        distance = np.asarray(distance_m, dtype=np.float64)
        fixed = self.port_db + np.where(two_ways, self.splitter_db, 0.0)
        if self.cable is None:
            slant_km = np.hypot(distance, self.lane_m) / 1000.0
            fixed = fixed + _FREE_SPACE_DB + 20.0 * np.log10(self.frequency_ghz * slant_km)
        return np.asarray(fixed + self.db_per_m * distance, dtype=np.float64)

    def margin_db(self, distance_m: npt.ArrayLike, two_ways: npt.ArrayLike = True) -> FloatArray:
        """Margin after all fades, positive where it is enough; shapes broadcast."""
        return self.largest_loss_db - self.fade_db - self.loss_db(distance_m, two_ways)

    def rsrp_dbm(self, margin_db: npt.ArrayLike) -> FloatArray:
        """Level before fades where the margin is so large."""
        above_db = np.asarray(margin_db, dtype=np.float64) + self.fade_db
        return np.asarray(self.power_per_re_dbm + self.vehicle_db - self.largest_loss_db + above_db, dtype=np.float64)


def bore_budget_of(settings: RadioSettings) -> BoreBudget:
    """The budget of the promised service in bores; InputError where the cable's table does not hold its frequency."""
    tunnel, carrier = settings.tunnel, link_budget_of(settings).carrier
    frequencies = (carrier.frequency_mhz, carrier.uplink_mhz)
    power = carrier.eirp_per_re_dbm(tunnel.power_dbm)
    limits = coupling_limits(_as_head(settings, power))
    limiting = min(limits, key=lambda name: limits[name])
    fade = fade_margin_db(tunnel.sigma_db, settings.reliability)
    vehicle = settings.vehicle_gain_dbi - settings.penetration_loss_db
    port, excess, cable = tunnel.feed_loss_db - tunnel.antenna_gain_dbi, tunnel.excess_db_per_100m / 100.0, None
    if tunnel.serve == "radiating-cable":
        ways = [cable_loss(tunnel, mhz) for mhz in frequencies]
        cable = CableLoss(max(w.longitudinal_db_per_100m for w in ways), max(w.coupling_db for w in ways))
        lane = tunnel.distance_law_db * math.log10(tunnel.lane_distance_m / _COUPLING_AT_M)
        port = tunnel.feed_loss_db + cable.coupling_db + _DIPOLE_DBI + lane
        excess = cable.longitudinal_db_per_100m * (1.0 + tunnel.cable_slack) / 100.0
        beyond = fade_margin_db(1.0, settings.reliability) - fade_margin_db(1.0, _COUPLING_SHARE)
        fade += max(beyond, 0.0) * tunnel.local_sigma_db
    return BoreBudget(
        power,
        vehicle,
        limits[limiting],
        limiting,
        fade,
        port,
        tunnel.splitter_loss_db,
        excess,
        cable,
        max(frequencies) / 1000.0,
        tunnel.lane_distance_m,
    )


def _as_head(settings: RadioSettings, power_per_re_dbm: float) -> RadioSettings:
    """The service with a head-end in place of a site: one port without gain, one frequency for both directions.

    Whatever the two frequencies lose apart from one another is in the loss already, at the worse of the two.
    """
    head = {
        "eirp_per_re_dbm": power_per_re_dbm,
        "site_gain_dbi": 0.0,
        "site_noise_figure_db": settings.tunnel.noise_figure_db,
        "site_branches": 1,
        "uplink_mhz": settings.frequency_mhz,
        "band": "",
    }
    return settings.model_copy(update=head)
