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

__all__ = ["dark_sentences", "wavelength_claims"]

_JUDGED = (
    "each way between a hut and a point of presence, both senses, on either cable and on the mixture that takes in "
    "each section the cable with less signal, beyond which no cut forces light"
)
_MODELS = {
    "GNPy": "GNPy 3, GN model, all channels lit, amplifiers of the layer amplifiers",
    "closed form": "closed form of amplifiers' noise and of the GN model's middle channel, all channels lit, "
    "amplifiers of the layer amplifiers; 0.1 dB is taken from the margin; GNPy was not asked or is not there",
}


def wavelength_claims(
    road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], settings: OpticalSettings
) -> list[Claim]:
    """``optical.gsnr``, by GNPy or, where it was not asked, by closed form."""
    rows = layers["wavelengths"]
    if not len(rows):
        return []
    reasons, needed_db = estimate_reasons(road), settings.needed_gsnr_db + settings.gsnr_margin_db
    row = int(np.argmin(rows["margin_db"]))
    short = rows.take((rows["margin_db"] < 0.0) | (rows["rate_gbps"] == 0))
    place = f"{rows['path'][row]} over {_told(str(rows['cables'][row]))} at {rows['worst_channel_thz'][row]:.2f} THz, "
    place += road.span_text(float(rows["start_m"][row]), float(rows["end_m"][row]))
    margin_db = float(rows["margin_db"][row])
    return [
        Claim(
            id="optical.gsnr",
            promise=f"every wavelength arrives with a GSNR of at least {needed_db:g} dB in 0.1 nm and a mode that "
            "closes on every way it takes, also after a cut anywhere or with any hut lost, at end of life",
            scope=Scope(
                f"{len(rows)} ways between huts and points of presence, both senses",
                road.length_m,
                tuple(hole_exemptions(road)),
            ),
            method={
                "model": _MODELS[str(rows["model"][row])],
                "judged": _JUDGED,
                "channels": int(rows["channels"][row]),
                "needed_gsnr_db": settings.needed_gsnr_db,
                "system_margin_db": settings.gsnr_margin_db,
                "estimate_because": reasons,
            },
            assumptions=assumptions,
            worst=Worst(place, round(needed_db + margin_db, 3), needed_db, round(margin_db, 3), "dB"),
            holds=verdict(len(short) > 0, reasons),
            evidence=tuple(Evidence(name, layers[name].digest()) for name in ("wavelengths", "amplifiers", "spans")),
            failures=tuple(
                f"{path} over {_told(cables)} arrives with {gsnr:.1f} dB" + ("" if mode else ", no mode closes")
                for path, cables, gsnr, mode in zip(
                    short["path"], short["cables"], short["gsnr_db"], short["mode"], strict=True
                )
            ),
        )
    ]


def dark_sentences(rows: Layer) -> list[str]:
    """Ways that no hut counts on after a cut, by the closed form that the sweep goes by."""
    margin_db = rows["closed_gsnr_db"] - 0.1 - rows["needed_db"]
    dark = dict.fromkeys(rows.take(margin_db < 0.0)["path"].tolist())
    return [f"light does not arrive on {path}: no hut counts on it" for path in dark]


def _told(cables: str) -> str:
    """Each cable once, in the order of the light."""
    return ", ".join(dict.fromkeys(cables.split(",")))
