"""Bins told as extents of the road."""

from __future__ import annotations

from trassa.linear import ARROWS, Extent, Layer, merged
from trassa.plan.claim import Exemption
from trassa.road.model import Road

__all__ = ["exemptions_of", "extents_of"]


def exemptions_of(road: Road, bins: Layer) -> list[Exemption]:
    """The parts of the road that a rule takes out of the promise, rule by rule."""
    found = []
    for rule in sorted(set(bins["exempt"].tolist()) - {""}):
        rows = bins.where(exempt=rule)
        places = [
            f"{road.span_text(extent.start_m, extent.end_m)} {ARROWS[carriageway]}"
            for carriageway in road.carriageways
            for extent in extents_of(rows.where(carriageway=carriageway))
        ]
        found.append(Exemption(rule, float((rows["end_m"] - rows["start_m"]).sum()), tuple(places)))
    return found


def extents_of(rows: Layer) -> list[Extent]:
    """The rows of a layer as extents, neighbours joined."""
    return merged(Extent(s, e) for s, e in zip(rows["start_m"].tolist(), rows["end_m"].tolist(), strict=True))
