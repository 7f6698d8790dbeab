"""Passive trees: the claim about their budgets and rates, and what a cut of a branch alone strands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim, Evidence, Exemption, Scope
from trassa.plan.claims.budget import worst_budget
from trassa.plan.claims.estimate import estimate_reasons, verdict
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["branch_exemptions", "parted_by_cuts", "tree_claims"]

IntArray = npt.NDArray[np.int64]
_BRANCH = "branch of a tree from its splitter to a place: a single access line, not protected"


def _places(layers: Mapping[str, Layer], service: str) -> list[tuple[float, float, str]]:
    """Start and end of the branch of each place on a tree, and its cable; of one service, or of all."""
    if "tree_links" not in layers:
        return []
    of = dict(zip(layers["connections"]["connection"], layers["connections"]["service"], strict=True))
    ends: dict[str, tuple[float, float, str]] = {}
    for row in layers["tree_links"].rows():
        low_m, high_m = sorted((float(row["measure_m"]), float(row["splitter_m"])))
        ends[str(row["connection"])] = (low_m, high_m, str(row["cable"]))
    return [place for name, place in ends.items() if service in ("", of[name])]


def parted_by_cuts(layers: Mapping[str, Layer], service: str = "") -> IntArray:
    """How many places each cut parts from their splitters, shape (cuts,); all of them are stranded."""
    cuts = layers["cuts"]
    count = np.zeros(len(cuts), dtype=np.int64)
    for low_m, high_m, cable in _places(layers, service):
        falls = np.array([cable in str(names).split(",") for names in cuts["cables"]], dtype=bool)
        count += falls & (cuts["start_m"] < high_m) & (cuts["end_m"] > low_m)
    return count


def branch_exemptions(layers: Mapping[str, Layer], service: str = "") -> list[Exemption]:
    """What trees do not protect: the way along the cable from splitter to place; none without trees."""
    places = _places(layers, service)
    return [Exemption(_BRANCH, float(sum(high - low for low, high, _ in places)), ())] if places else []


def tree_claims(
    road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], settings: OpticalSettings
) -> list[Claim]:
    """``optical.trees`` where there are trees."""
    if "tree_links" not in layers:
        return []
    links, splitters, reasons = layers["tree_links"], layers["splitters"], estimate_reasons(road)
    row = int(np.argmin(links["margin_db"]))
    between = f"{links['connection'][row]}–{links['hut'][row]} of {links['tree'][row]}"
    loss_db, budget_db, margin_db = (float(links[name][row]) for name in ("loss_db", "budget_db", "margin_db"))
    least_loss_db = {pon.name: pon.least_loss_db for pon in settings.trees.pons}[str(links["optics"][row])]
    place = f"{between} at {road.text(float(links['measure_m'][row]))}"
    full = splitters.take(splitters["rate_mbps"] > splitters["limit_mbps"])
    failures = tuple(
        f"{one['tree']} carries {one['limit_mbps']:g} Mbit/s, its places ask for {one['rate_mbps']:g}"
        for one in full.rows()
    )
    fails = bool((~(links["margin_db"] >= 0.0)).any()) or bool(failures)
    return [
        Claim(
            id="optical.trees",
            promise="every branch of a passive tree within its class of loss from both huts, at end of life, and all "
            "of a tree's places within its rate",
            scope=Scope(f"{len(links)} ways of {len(splitters)} trees", road.length_m, ()),
            method={"model": "ODN loss over fibre length, splitter included", "estimate_because": reasons},
            assumptions=assumptions,
            worst=worst_budget(place, loss_db, budget_db, margin_db, least_loss_db),
            holds=verdict(fails, reasons),
            evidence=tuple(Evidence(name, layers[name].digest()) for name in ("tree_links", "splitters")),
            failures=failures,
        )
    ]
