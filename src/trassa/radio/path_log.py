"""One evaluation of P.1812, row by row as the published validation logs print it.

The rows L_bulla, L_bulls and L_dsph are those of the a_β pass: they add up to L_dβ, not to L_d50. L_bd is eq (43)
itself, before eq (61) is applied to it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.p1812 import Climate, Terminals, TransmissionLoss, Wave
from trassa.radio.path_profile import PathProfile

__all__ = ["LogRow", "log_rows"]


class LogRow(NamedTuple):
    """One quantity: its label with unit and its reference as the logs write them, and its value."""

    label: str
    reference: str
    value: float

    @property
    def key(self) -> str:
        """``htc@37a`` for ``htc (m)`` by ``Eq (37a)``: no unit, no ``Eq``; without a reference the label alone."""
        label = " ".join(re.sub(r"\s*\([^)]*\)", "", self.label).split())
        reference = re.sub(r"^Eqs? \((.*)\)$", r"\1", self.reference)
        return f"{label}@{reference}" if reference else label


def log_rows(
    profile: PathProfile, terminals: Terminals, wave: Wave, climate: Climate, found: TransmissionLoss
) -> list[LogRow]:
    """Every quantity of the logs in their order, for 1 kW of effective radiated power."""
    rows = _given(profile, terminals, wave, climate) + _path(profile, climate, found) + _losses(found)
    return [LogRow(label, reference, float(value)) for label, reference, value in rows]


_Rows = list[tuple[str, str, float]]


def _given(profile: PathProfile, terminals: Terminals, wave: Wave, climate: Climate) -> _Rows:
    clutter_m: npt.NDArray[np.float64] = profile.clutter_m
    return [
        ("Ptx (kW)", "", 1.0),
        ("Gtx (dBi)", "", 0.0),
        ("Grx (dBi)", "", 0.0),
        ("f (GHz)", "", wave.frequency_ghz),
        ("p (%)", "", wave.time_percent),
        ("pL (%)", "", wave.location_percent),
        ("sigmaL (dB)", "", wave.sigma_location_db),
        ("phi_t (deg)", "", profile.transmitter_deg[0]),
        ("phi_r (deg)", "", profile.receiver_deg[0]),
        ("lam_t (deg)", "", profile.transmitter_deg[1]),
        ("lam_r (deg)", "", profile.receiver_deg[1]),
        ("htg (m)", "", terminals.htg_m),
        ("hrg (m)", "", terminals.hrg_m),
        ("pol", "", 2.0 if wave.vertical else 1.0),
        ("DN", "", climate.dn_per_km),
        ("N0", "", climate.n0),
        ("dct (km)", "", terminals.coast_t_km),
        ("dcr (km)", "", terminals.coast_r_km),
        ("R2 (m)", "", clutter_m[1]),
        ("Rn-1 (m)", "", clutter_m[-2]),
    ]


def _path(profile: PathProfile, climate: Climate, found: TransmissionLoss) -> _Rows:
    seen, surface, ducting, zones = found.seen, found.surface, found.ducting, found.zones
    return [
        ("d (km)", "", profile.distance_km[-1]),
        ("dlt (km)", "Eq (78)", seen.dlt_km),
        ("dlr (km)", "Eq (81a)", seen.dlr_km),
        ("th_t (mrad)", "Eqs (76-78)", seen.theta_t_mrad),
        ("th_r (mrad)", "Eqs (79-81)", seen.theta_r_mrad),
        ("th (mrad)", "Eq (82)", seen.theta_mrad),
        ("hts (m)", "", found.hts_m),
        ("hrs (m)", "", found.hrs_m),
        ("htc (m)", "Table 5", found.hts_m),
        ("hrc (m)", "Table 5", found.hrs_m),
        ("w", "Table 5", zones.sea_share),
        ("dtm (km)", "Sec 3.6", zones.dtm_km),
        ("dlm (km)", "Sec 3.6", zones.dlm_km),
        ("phi (deg)", "Eq (4)", climate.latitude_deg),
        ("b0 (%)", "Eq (5)", found.beta0_percent),
        ("ae (km)", "Eq (7a)", found.median_radius_km),
        ("hst (m)", "Eq (85)", surface.hst_m),
        ("hsr (m)", "Eq (86)", surface.hsr_m),
        ("hst (m)", "Eq (90a)", ducting.hst_m),
        ("hsr (m)", "Eq (90b)", ducting.hsr_m),
        ("hstd (m)", "Eq (89)", surface.hstd_m),
        ("hsrd (m)", "Eq (89)", surface.hsrd_m),
        ("htc (m)", "Eq (37a)", surface.htc_m),
        ("hrc (m)", "Eq (37b)", surface.hrc_m),
        ("hte (m)", "Eq (92a)", ducting.hte_m),
        ("hre (m)", "Eq (92b)", ducting.hre_m),
        ("hm (m)", "Eq (93)", ducting.hm_m),
    ]


def _losses(found: TransmissionLoss) -> _Rows:
    return [
        ("Fi", "Eq (40)", found.fi),
        ("Fj", "Eq (57)", found.fj),
        ("Fk", "Eq (58)", found.fk),
        ("Lbfs", "Eq (8)", found.lbfs_db),
        ("Lb0p", "Eq (10)", found.lb0p_db),
        ("Lb0b", "Eq (11)", found.lb0b_db),
        ("Lbulla (dB)", "Eq (21)", found.beta.bullington_actual_db),
        ("Lbulls (dB)", "Eq (21)", found.beta.bullington_smooth_db),
        ("Ldsph (dB)", "Eq (27)", found.beta.spherical_earth_db),
        ("Ld50 (dB)", "Eq (39)", found.median.loss_db),
        ("Ldb (dB)", "Eq (39)", found.beta.loss_db),
        ("Ldp (dB)", "Eq (41)", found.ldp_db),
        ("Lbd50 (dB)", "Eq (42)", found.lbd50_db),
        ("Lbd (dB)", "Eq (43)", found.lbd_db),
        ("Lminb0p (dB)", "Eq (59)", found.lminb0p_db),
        ("Lba (dB)", "Eq (46)", found.lba_db),
        ("Lminbap (dB)", "Eq (60)", found.lminbap_db),
        ("Lbda (dB)", "Eq (61)", found.lbda_db),
        ("Lbam (dB)", "Eq (62)", found.lbam_db),
        ("Lbs (dB)", "Eq (44)", found.lbs_db),
        ("Lbc (dB)", "Eq (63)", found.lbc_db),
        ("Lb (dB)", "Eq (69)", found.lb_db),
        ("Ep (dBuV/m)", "Eq (70)", found.field_dbuv_per_m),
        ("Ep (dBuV/m) w.r.t. Ptx, Gtx, Grx", "", found.field_dbuv_per_m),
    ]
