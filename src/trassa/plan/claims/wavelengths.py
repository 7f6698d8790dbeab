"""The claim on the backbone's wavelengths: every way that light takes leaves enough signal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["wavelength_claims"]


def wavelength_claims(
    road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], settings: OpticalSettings
) -> list[Claim]:
    """``optical.gsnr``; none where GNPy was not asked, which the plan's notes tell."""
    rows = layers["wavelengths"]
    if not len(rows):
        return []
    reasons, needed_db = estimate_reasons(road), settings.needed_gsnr_db + settings.gsnr_margin_db
    row = int(np.argmin(rows["margin_db"]))
    short = rows.take(rows["margin_db"] < 0.0)
    place = f"{rows['path'][row]} over {_told(str(rows['cables'][row]))} at {rows['worst_channel_thz'][row]:.2f} THz, "
    place += road.span_text(float(rows["start_m"][row]), float(rows["end_m"][row]))
    gsnr_db, margin_db = (round(float(rows[name][row]), 3) for name in ("gsnr_db", "margin_db"))
    return [
        Claim(
            id="optical.gsnr",
            promise=f"every wavelength arrives with a GSNR of at least {needed_db:g} dB in 0.1 nm on every way it "
            "takes, also after a cut anywhere, at end of life",
            scope=Scope(
                f"{len(rows)} ways between huts and points of presence, both senses",
                road.length_m,
                tuple(hole_exemptions(road)),
            ),
            method={
                "model": "GNPy 3, GN model, all channels lit, amplifiers of the layer amplifiers",
                "channels": int(rows["channels"][row]),
                "needed_gsnr_db": settings.needed_gsnr_db,
                "system_margin_db": settings.gsnr_margin_db,
                "estimate_because": reasons,
            },
            assumptions=assumptions,
            worst=Worst(place, gsnr_db, needed_db, margin_db, "dB"),
            holds=verdict(len(short) > 0, reasons),
            evidence=tuple(Evidence(name, layers[name].digest()) for name in ("wavelengths", "amplifiers", "spans")),
            failures=tuple(
                f"{path} over {_told(cables)} arrives with {gsnr:.1f} dB"
                for path, cables, gsnr in zip(short["path"], short["cables"], short["gsnr_db"], strict=True)
            ),
        )
    ]


def _told(cables: str) -> str:
    """Each cable once, in the order of the light."""
    return ", ".join(dict.fromkeys(cables.split(",")))
