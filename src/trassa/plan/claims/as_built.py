"""The claim that everything that is listed as built stands in the plan where the list says."""

from __future__ import annotations

from collections.abc import Mapping

from trassa.linear import Layer
from trassa.optical.plant.built import ONE_PLACE_M
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["as_built_claims"]


def as_built_claims(road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...]) -> list[Claim]:
    """The claim ``optical.as-built``; none where nothing is listed.

    What lies in one chamber stands where the chamber does, so an item may stand as far off as one place is wide.
    """
    rows = layers["as_built"]
    if not len(rows):
        return []
    stands: dict[str, list[float]] = {}
    for kind in ("chamber", "closure", "hut"):
        layer = layers[f"{kind}s"]
        for name, at_m in zip(layer[kind].tolist(), layer["measure_m"].tolist(), strict=True):
            stands.setdefault(name, []).append(at_m)
    listed = list(zip(rows["name"].tolist(), rows["measure_m"].tolist(), strict=True))
    away = [(max(abs(at_m - m) for at_m in stands[name]), name, m) for name, m in listed if name in stands]
    failures = [f"{name}, listed at {road.text(m)}, is not in the plan" for name, m in listed if name not in stands]
    failures += [
        f"{name}, listed at {road.text(m)}, is {off_m:.1f} m off" for off_m, name, m in away if off_m > ONE_PLACE_M
    ]
    reasons = estimate_reasons(road)
    worst = Worst("nothing stands", None, ONE_PLACE_M, None, "m")
    if away:
        off_m, name, m = max(away)
        off_m = round(off_m, 1)
        worst = Worst(f"{name} at {road.text(m)}", off_m, ONE_PLACE_M, round(ONE_PLACE_M - off_m, 1), "m")
    sections = len(set(zip(rows["section"].tolist(), rows["cable"].tolist(), strict=True)))
    return [
        Claim(
            id="optical.as-built",
            promise=f"everything that is listed as built stands where the list says, within {ONE_PLACE_M:g} m",
            scope=Scope(f"{len(rows)} items of {sections} sections", road.length_m, tuple(hole_exemptions(road))),
            method={"model": "measure in the list against measure in the plan", "estimate_because": reasons},
            assumptions=assumptions,
            worst=worst,
            holds=verdict(bool(failures), reasons),
            evidence=tuple(
                Evidence(name, layers[name].digest()) for name in ("as_built", "chambers", "closures", "huts")
            ),
            failures=tuple(dict.fromkeys(failures)),
        )
    ]
