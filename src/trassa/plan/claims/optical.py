"""The optical claims: links and spans close, any cut is survived, latency is met, what is built stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim, Evidence, Exemption, Scope, Worst
from trassa.plan.claims.as_built import as_built_claims
from trassa.plan.claims.budget import worst_budget
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.plan.claims.trees import branch_exemptions, parted_by_cuts
from trassa.plan.claims.wavelengths import dark_sentences, wavelength_claims
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["optical_claims"]

_LINKS = "everything with own fibres reaches its huts within the power budget"


def optical_claims(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: OpticalSettings,
) -> list[Claim]:
    """The claims that ``[optical]`` promises, from the layers of the optical stage."""
    least_loss_db = {optics.name: optics.least_loss_db for optics in settings.transceivers}
    own = {service.name for service in settings.services if service.access == "own fibres"}
    lost = layers["connections"].where(access="").rows()
    unlinked = [str(row["connection"]) for row in lost if row["service"] in own]
    claims = [
        _budget(road, layers, assumptions, "links", _LINKS, least_loss_db, unlinked),
        _budget(road, layers, assumptions, "spans", "every backbone span stays within the span loss limit", {}),
        _any_cut(road, layers, figures, assumptions),
    ]
    if settings.latency_promise_us is not None:
        longest = settings.helix_ratio / settings.helix_ratio_low
        claims.append(_latency(road, layers, assumptions, settings.latency_promise_us, longest))
    claims += as_built_claims(road, layers, assumptions)
    return [*claims, *wavelength_claims(road, layers, assumptions, settings)]


def _budget(
    road: Road,
    layers: Mapping[str, Layer],
    assumptions: tuple[Assumption, ...],
    name: str,
    promise: str,
    least_loss_db: Mapping[str, float],
    unconnected: Sequence[str] = (),
) -> Claim:
    """``least_loss_db`` by transceiver class; what ends at a span has none."""
    rows = layers[name]
    reasons = estimate_reasons(road)
    fails = bool((~(rows["margin_db"] >= 0.0)).any()) or bool(unconnected)
    bound = rows["budget_db" if name == "links" else "limit_db"]
    if len(rows):
        row = int(np.argmin(rows["margin_db"]))
        what = str(rows["link" if name == "links" else "span"][row])
        at_m = float(rows["measure_m" if name == "links" else "start_m"][row])
        loss_db, limit_db, margin_db = (float(column[row]) for column in (rows["loss_db"], bound, rows["margin_db"]))
        overload_db = least_loss_db[str(rows["optics"][row])] if name == "links" else 0.0
        worst = worst_budget(f"{what} at {road.text(at_m)}", loss_db, limit_db, margin_db, overload_db)
    else:
        worst = Worst(f"no {name}", None, None, None, "dB")
    return Claim(
        id=f"optical.{name}",
        promise=promise + ", at end of life",
        scope=Scope(f"{len(rows)} {name}", road.length_m, tuple(hole_exemptions(road))),
        method={"model": "end-of-life power budget over fibre length", "estimate_because": reasons},
        assumptions=assumptions,
        worst=worst,
        holds=verdict(fails, reasons),
        evidence=(Evidence(name, rows.digest()),),
        failures=tuple(f"{site} is on no part of the cable" for site in unconnected),
    )


def _any_cut(
    road: Road, layers: Mapping[str, Layer], figures: Mapping[str, Any], assumptions: tuple[Assumption, ...]
) -> Claim:
    cuts = layers["cuts"]
    kept = cuts["stranded"] - parted_by_cuts(layers)
    reasons = estimate_reasons(road)
    off_the_line = [f"{name} is on no part of the cable" for name in figures["unconnected"]]
    stranding = cuts.take(kept > 0)
    sentences = off_the_line + [
        f"{road.span_text(start_m, end_m)}: a cut strands {count} connections"
        for start_m, end_m, count in zip(
            stranding["start_m"].tolist(),
            stranding["end_m"].tolist(),
            kept[kept > 0].tolist(),
            strict=True,
        )
    ]
    sentences += _beyond_budget(road, cuts)
    lost = bool(sentences) or len(cuts) == 0
    sentences += dark_sentences(layers["wavelengths"]) if lost else []
    drops_m = float(np.nansum(layers["connections"]["drop_m"]))
    exempt = Exemption("drop cable from the verge to a connection: a single access line, not protected", drops_m, ())
    return Claim(
        id="optical.any-cut",
        promise="everything connected still reaches a point of presence when the cable is cut anywhere, within power "
        "budget and with light that arrives",
        scope=Scope(
            "every point of every cable along the road",
            road.length_m,
            (exempt, *branch_exemptions(layers), *hole_exemptions(road)),
        ),
        method={
            "model": "each cut interval removed in turn; on the way that is left the power budget holds, the light of "
            "the hut arrives by closed form less 0.1 dB, and a mode closes",
            "cut_intervals": len(cuts),
            "weakest_light_db": _least(cuts["worst_gsnr_margin_db"]),
            "estimate_because": reasons,
        },
        assumptions=assumptions,
        worst=_worst_cut(road, cuts, kept),
        holds=verdict(lost, reasons),
        evidence=tuple(
            Evidence(name, layers[name].digest()) for name in ("cuts", "links", "connections", "huts", "wavelengths")
        ),
        failures=tuple(sentences),
    )


def _beyond_budget(road: Road, cuts: Layer) -> list[str]:
    """Where the way that a cut leaves does not close; a plan has none, a line as built may."""
    short = cuts.take(cuts["worst_margin_db"] < 0.0)
    return [
        f"{road.span_text(float(row['start_m']), float(row['end_m']))}: a way that a cut leaves lacks "
        f"{-float(row['worst_margin_db']):.2f} dB of its power budget"
        for row in short.rows()
    ]


def _least(values: npt.NDArray[np.float64]) -> float | None:
    return round(float(np.nanmin(values)), 3) if np.isfinite(values).any() else None


def _worst_cut(road: Road, cuts: Layer, stranded: npt.NDArray[np.int64]) -> Worst:
    """The cut that strands most sites beside those it parts from their splitters; where none does, the one that leaves
    the smallest budget margin."""
    if not len(cuts):
        return Worst("no cable", None, None, None, "connections stranded")
    spare_db = cuts["worst_margin_db"]
    fails = bool((stranded > 0).any())
    row = int(np.argmax(stranded)) if fails else int(np.argmin(np.where(np.isnan(spare_db), np.inf, spare_db)))
    place = road.span_text(float(cuts["start_m"][row]), float(cuts["end_m"][row]))
    if fails:
        return Worst(place, float(stranded[row]), 0.0, -float(stranded[row]), "connections stranded")
    return Worst(place, 0.0, 0.0, _finite(spare_db[row]), "connections stranded", "dB of budget")


def _latency(
    road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], promise_us: float, longest: float
) -> Claim:
    """``longest`` is the most fibre that the sheath may hold over what it is planned to; a stranded site has no delay.

    The sweep's delays are those of the planned fibre; all of them, switching included, count that much longer here.
    """
    cuts, reasons = layers["cuts"], estimate_reasons(road)
    latency_us = cuts["worst_latency_us"] * longest
    stranded = int((cuts["stranded"] > parted_by_cuts(layers)).sum())
    failures = (f"{stranded} cuts leave connections without any way",) if stranded else ()
    worst = Worst("nothing connected", None, promise_us, None, "µs")
    if np.isfinite(latency_us).any():
        row = int(np.nanargmax(latency_us))
        worst_us, place = float(latency_us[row]), road.span_text(float(cuts["start_m"][row]), float(cuts["end_m"][row]))
        worst = Worst(place, round(worst_us, 2), promise_us, round(promise_us - worst_us, 2), "µs")
    too_late = bool((latency_us > promise_us).any())
    return Claim(
        id="optical.latency",
        promise=f"one-way delay in fibre to a point of presence ≤ {promise_us:g} µs, also after a cut anywhere",
        scope=Scope("every connection, every cut", road.length_m, (*branch_exemptions(layers), *hole_exemptions(road))),
        method={"model": "longest fibre length times group delay, and switching", "estimate_because": reasons},
        assumptions=assumptions,
        worst=worst,
        holds=verdict(too_late or stranded > 0, reasons),
        evidence=(Evidence("cuts", cuts.digest()),),
        failures=failures,
    )


def _finite(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
