"""What the claims say in words and figures, against trassa.toml: a claim of a lower promise proves another plan.

Margins computed again show that the numbers are right. They do not show that the sentence above them is: whoever
writes −130 dBm over a plan for −110 dBm, or 99.9 % over one for 95 %, changes no layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trassa.plan.claim import Claim
from trassa.plan.settings import Settings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.handover_time import handover_s
from trassa.plan.verify.verdict import Row
from trassa.radio.settings import RadioSettings

__all__ = ["check_statements"]

_MODELS = {
    "p1812": (
        "ITU-R P.1812-7/-8, all of Annex 1",
        "P.1812 at 250 m on the same bearing with the slope of TR 38.901 RMa LOS, not below free space",
    ),
    "tr38901-rma": ("3GPP TR 38.901 RMa, line of sight by the profile", "the same"),
    "free-space": ("free space", "the same"),
}
"""What a claim says of each model, and of paths that are too short for P.1812."""


def check_statements(evidence: Evidence) -> Row:
    """Every promise is the sentence that trassa.toml stands for, every method states the settings it was made with."""
    sentences, wrong = _sentences(evidence.settings), []
    for claim in evidence.proof.claims:
        due = sentences.get(claim.id)
        if due is not None and claim.promise != due:
            wrong.append(f"{claim.id} promises «{claim.promise}», trassa.toml «{due}»")
        if claim.id.startswith("radio.") and claim.id not in ("radio.least-cost", "radio.tunnels"):
            wrong += _method_off(claim, _radio_method(evidence.settings, claim.id))
    said = "; ".join(wrong[:3]) or f"{len(evidence.proof.claims)} claims speak of the promises of trassa.toml"
    return Row("statements", "", None, "", not wrong, None, said)


def _sentences(settings: Settings) -> dict[str, str]:
    optical, presence = settings.optical, "a point of presence"
    sentences = {
        **_radio_sentences(settings.radio),
        "optical.links": "everything with own fibres reaches its huts within the power budget, at end of life",
        "optical.spans": "every backbone span stays within the span loss limit, at end of life",
        "optical.any-cut": f"everything connected still reaches {presence} when the cable is cut anywhere, within "
        "power budget and with light that arrives",
    }
    for service in optical.services:
        late = f", within {service.latency_us:g} µs one way" if service.latency_us is not None else ""
        late = " but between its splitter and its place" * (service.access == "tree") + late
        kept = f"every {service.name} still reaches {presence} when the cable is cut anywhere{late}"
        sentences[f"optical.service.{service.name.replace(' ', '-')}"] = kept
    sentences["optical.gsnr"] = (
        f"every wavelength arrives with a GSNR of at least {optical.needed_gsnr_db + optical.gsnr_margin_db:g} dB in "
        "0.1 nm and a mode that closes on every way it takes, also after a cut anywhere or with any hut lost, at "
        "end of life"
    )
    sentences["optical.rings"] = "every segment of an access ring within the power budget, at end of life"
    sentences["optical.as-built"] = "everything that is listed as built stands where the list says, within 5 m"
    sentences["optical.trees"] = (
        "every branch of a passive tree within its class of loss from both huts, at end of life, and all of a tree's "
        "places within its rate"
    )
    sentences["optical.capacity"] = (
        "the backbone's wavelengths carry everything that is connected, also after one cut or with one hut lost, at "
        f"{optical.channel_rate_gbps:g} Gbit/s each"
    )
    if optical.edge_round_trip_us is not None:
        sentences["optical.edge"] = (
            f"fibre and equipment take ≤ {optical.edge_round_trip_us:g} µs of the round trip from every radio site to "
            "a server in a hut, also after a cut anywhere"
        )
    if optical.latency_promise_us is not None:
        limit = f"{optical.latency_promise_us:g} µs"
        sentences["optical.latency"] = f"one-way delay in fibre to {presence} ≤ {limit}, also after a cut anywhere"
    return sentences


def _radio_sentences(radio: RadioSettings) -> dict[str, str]:
    asked = f"RSRP ≥ {radio.need_rsrp_dbm:g} dBm"
    asked += f", {radio.rate_down_mbps:g} Mbit/s down" if radio.rate_down_mbps else ""
    asked += f", {radio.rate_up_mbps:g} Mbit/s up" if radio.rate_up_mbps else ""
    where = "every 10 m" if radio.length_share == 1.0 else f"{100.0 * radio.length_share:g} % of the length"
    level = f"{asked} at {radio.frequency_mhz:g} MHz on {where} of each carriageway"
    also = ", also with any one site down" if radio.any_site_down else ""
    likely = f"with probability {radio.reliability:g} per bin"
    beside = f"while every other cell sends on {100.0 * radio.neighbour_load:g} % of its resource elements"
    speed = f"at {radio.design_speed_kmh:g} km/h"
    return {
        "radio.served": f"{level}, {likely}",
        "radio.served.any-site-down": f"{level} with any one site down, {likely}",
        "radio.handover.overlap": f"{speed} one server holds for the {handover_s(radio):g} s of a handover, wherever "
        f"it begins{also}",
        "radio.rate.with-interference": f"{radio.rate_down_mbps:g} Mbit/s down {beside}, on every 10 m of each "
        f"carriageway{also}, {likely}",
        "radio.tunnels": f"{asked} at {radio.frequency_mhz:g} MHz on every 10 m of each bore and "
        f"{_portal_m(radio):g} m beyond its portals"
        f"{', also with any one head-end down' if radio.any_site_down else ''}, {likely}",
        "radio.capacity": f"{radio.vehicles_per_km:g} vehicles on each kilometre of each carriageway, "
        f"{radio.rate_per_vehicle_mbps:g} Mbit/s down for each, load no cell beyond "
        f"{100.0 * radio.neighbour_load:g} % of its resource elements{also}",
        "radio.trips": f"{speed} at most {100.0 * radio.outage_probability:g} % of the trips have an outage longer "
        f"than {radio.longest_outage_s:g} s",
    }


def _portal_m(radio: RadioSettings) -> float:
    """How far a tunnel's radio serves outside: as asked for, and at least the way of a handover."""
    return round(max(radio.tunnel.portal_overlap_m, radio.design_speed_kmh / 3.6 * handover_s(radio)), 3)


def _radio_method(settings: Settings, claim_id: str) -> Mapping[str, Any]:
    radio, (model, near) = settings.radio, _MODELS[settings.radio.propagation]
    served = {"servers": 2 if claim_id.endswith("any-site-down") else 1} if "served" in claim_id else {}
    return {
        "model": model,
        "paths_below_250_m": near,
        "time_percent": 50.0,
        "location_percent": 50.0,
        "frequency_mhz": radio.frequency_mhz,
        "polarisation": radio.polarisation,
        "refractivity_lapse_per_km": radio.dn_per_km,
        "surface_refractivity_n_units": radio.n0,
        "radio_climatic_zone": "inland",
        "antennas": radio.antenna.kind,
        "reach_m": radio.reach_m,
        "shadowing_sigma_db": radio.sigma_db,
        "shadowing_source": radio.sigma_source,
        "reliability": radio.reliability,
        **served,
    }


def _method_off(claim: Claim, due: Mapping[str, Any]) -> list[str]:
    return [
        f"{claim.id} states {name} {claim.method.get(name)}, trassa.toml {value}"
        for name, value in due.items()
        if claim.method.get(name) != value
    ]
