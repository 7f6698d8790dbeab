"""The sites themselves: where they stand, on what ground, out of which candidates, at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.paths import Surroundings
from trassa.plan.verify.verdict import Row

__all__ = ["check_sites", "cost_minor"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")
_SHARED = (
    *("name", "kind", "measure_m", "carriageway", "offset_m", "latitude_deg", "longitude_deg", "height_m"),
    *("sectors", "ahead_deg", "back_deg", "tilt_deg", "back_off_db", "power_m", "fibre_drop_m"),
)
_GROUND_TOLERANCE_M = 0.1
_PLACE_TOLERANCE_M = 15.0


def cost_minor(evidence: Evidence, site: Mapping[str, object]) -> int:
    """What a row of sites or candidates costs by the prices of trassa.toml, in integers, its ways as the row has them.

    :func:`trassa.plan.verify.radio.supply.check_supply` measures those ways.
    """
    prices, sectors = evidence.settings.radio.prices, str(site["sectors"])
    hung = (
        prices.equipment.amount_minor + {"both": 2, "ahead": 1, "back": 1}.get(sectors, 0) * prices.sector.amount_minor
    )
    for price, way in ((prices.power_line_km, "power_m"), (prices.fibre_drop_km, "fibre_drop_m")):
        way_m = Decimal(f"{float(str(site[way])):.0f}")
        hung += int((price.amount_minor * way_m / 1000).to_integral_value(ROUND_HALF_UP))
    if site["kind"] == "existing":
        return prices.existing_mast.amount_minor + hung
    height_m = float(str(site["height_m"]))
    steel_minor = prices.new_mast_metre.cost(height_m, evidence.settings.project.currency).amount_minor
    return prices.new_mast.amount_minor + steel_minor + hung


def check_sites(evidence: Evidence, due: DueBins, ground: Surroundings | None) -> list[Row]:
    """Sites against candidates and against the ground; candidates against each other, prices and the road."""
    return [_same_as_candidates(evidence), _on_their_ground(evidence, ground), _beside_the_road(evidence, due)]


def _same_as_candidates(evidence: Evidence) -> Row:
    sites, candidates = evidence.layers["sites"], evidence.layers["candidates"]
    wrong = []
    row_of = {int(number): row for row, number in enumerate(candidates["candidate"])}
    for site in range(len(sites)):
        own = row_of.get(int(sites["candidate"][site]))
        if own is None:
            wrong.append(f"{sites['site'][site]} is none of the candidates")
            continue
        differing = [name for name in _SHARED if not _same(sites[name][site], candidates[name][own])]
        if differing:
            wrong.append(f"{sites['site'][site]} differs from its candidate in {', '.join(differing)}")
    built = {int(number) for number in sites["candidate"]}
    for row in np.flatnonzero(candidates["chosen"]).tolist():
        if int(candidates["candidate"][row]) not in built:
            place = evidence.place(float(candidates["measure_m"][row]))
            wrong.append(f"chosen candidate {candidates['name'][row]} at {place} is not among the sites")
    chosen = set(candidates["candidate"][candidates["chosen"]].tolist())
    wrong += [f"site of candidate {number} is not marked as chosen" for number in sorted(built - chosen)]
    places = candidates["place"][[row_of[number] for number in built if number in row_of]]
    if len(np.unique(places)) < len(places):
        wrong.append("two sites stand at one place")
    return _row("radio.sites", wrong, f"{len(sites)} sites, each as its candidate")


def _same(first: object, second: object) -> bool:
    return bool(first == second) or (first != first and second != second)  # NaN has no position on a schematic axis


def _on_their_ground(evidence: Evidence, ground: Surroundings | None) -> Row:
    rows = evidence.layers["candidates"]
    if ground is None:
        off = np.flatnonzero(rows["ground_m"] != 0.0)
        wrong = [f"{rows['name'][i]} stands at {rows['ground_m'][i]:.1f} m on smooth earth" for i in off[:3]]
        return _row("radio.ground", wrong, "smooth earth, every mast at sea level")
    found = ground.mast_ground_m(rows["latitude_deg"], rows["longitude_deg"])
    off = np.flatnonzero(~(np.abs(found - rows["ground_m"]) <= _GROUND_TOLERANCE_M))
    wrong = [f"{rows['name'][i]} stands at {rows['ground_m'][i]:.1f} m, by the tiles {found[i]:.1f} m" for i in off[:3]]
    return _row(
        "radio.ground",
        wrong,
        f"{len(rows)} candidates on the ground of the tiles, within {_GROUND_TOLERANCE_M} m",
        len(off),
    )


def _beside_the_road(evidence: Evidence, due: DueBins) -> Row:
    """Where a candidate is said to project on the road, it is also that far away."""
    rows = evidence.layers["candidates"]
    if evidence.schematic or not len(rows):
        return _row("radio.places", [], "schematic axis: places by measure only")
    line = evidence.layers["alignment"].where(carriageway=str(evidence.proof.road.get("reference", "increasing")))
    latitude = np.interp(rows["measure_m"], line["measure_m"], line["latitude_deg"])
    longitude = np.interp(rows["measure_m"], line["measure_m"], line["longitude_deg"])
    distance = np.asarray(_WGS84.inv(longitude, latitude, rows["longitude_deg"], rows["latitude_deg"])[2])
    off = np.flatnonzero(~(np.abs(distance - np.abs(rows["offset_m"])) <= _PLACE_TOLERANCE_M))
    wrong = [
        f"{rows['name'][i]} lies {distance[i]:.0f} m from {evidence.place(float(rows['measure_m'][i]))}, "
        f"stated {abs(rows['offset_m'][i]):.0f} m"
        for i in off[:3]
    ]
    return _row("radio.places", wrong, f"{len(rows)} candidates where their measure and offset say", len(off))


def _row(claim: str, wrong: list[str], fine: str, count: int = 0) -> Row:
    more = f"; {count - len(wrong)} more" if count > len(wrong) else ""
    return Row(claim, "", None, "", not wrong, None, ("; ".join(wrong) + more) if wrong else fine)
