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
from trassa.plan.verify.verdict import Row

__all__ = ["check_statements"]


def check_statements(evidence: Evidence) -> Row:
    """Every promise is the sentence that trassa.toml stands for, every method states the settings it was made with."""
    sentences, wrong = _sentences(evidence.settings), []
    for claim in evidence.proof.claims:
        due = sentences.get(claim.id)
        if due is not None and claim.promise != due:
            wrong.append(f"{claim.id} promises «{claim.promise}», trassa.toml «{due}»")
        if claim.id.startswith("radio.served"):
            wrong += _method_off(claim, _radio_method(evidence.settings, claim.id))
    said = "; ".join(wrong[:3]) or f"{len(evidence.proof.claims)} claims speak of the promises of trassa.toml"
    return Row("statements", "", None, "", not wrong, None, said)


def _sentences(settings: Settings) -> dict[str, str]:
    radio, optical = settings.radio, settings.optical
    level = f"RSRP ≥ {radio.need_rsrp_dbm:g} dBm at {radio.frequency_mhz:g} MHz on every 10 m of each carriageway"
    likely = f"with probability {radio.reliability:g} per bin"
    presence = "a point of presence"
    sentences = {
        "radio.served": f"{level}, {likely}",
        "radio.served.any-site-down": f"{level} with any one site down, {likely}",
        "optical.links": "every radio site reaches its huts within the power budget, at end of life",
        "optical.spans": "every backbone span stays within the span loss limit, at end of life",
        "optical.any-cut": f"every radio site still reaches {presence} when the cable is cut anywhere along the road",
    }
    if optical.latency_promise_us is not None:
        limit = f"{optical.latency_promise_us:g} µs"
        sentences["optical.latency"] = f"one-way delay in fibre to {presence} ≤ {limit}, also after a cut anywhere"
    return sentences


def _radio_method(settings: Settings, claim_id: str) -> Mapping[str, Any]:
    radio = settings.radio
    return {
        "time_percent": 50.0,
        "location_percent": 50.0,
        "frequency_mhz": radio.frequency_mhz,
        "refractivity_lapse_per_km": radio.dn_per_km,
        "reach_m": radio.reach_m,
        "shadowing_sigma_db": radio.sigma_db,
        "shadowing_source": radio.sigma_source,
        "reliability": radio.reliability,
        "servers": 2 if claim_id.endswith("any-site-down") else 1,
    }


def _method_off(claim: Claim, due: Mapping[str, Any]) -> list[str]:
    return [
        f"{claim.id} states {name} {claim.method.get(name)}, trassa.toml {value}"
        for name, value in due.items()
        if claim.method.get(name) != value
    ]
