"""The bill of the sites against their costs: nothing is left out, and the way to the cable is paid once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from mains_map import planned_street
from trassa.optical.prices import OpticalPrices
from trassa.plan.bom import BomLine, total_of
from trassa.plan.project import open_project
from trassa.plan.stages import kept_stages
from trassa.radio.prices import RadioPrices
from trassa.radio.site_cost import place_minor

VILLAGE = [(3000.0, 700.0), (3600.0, 700.0), (3600.0, 1200.0), (3000.0, 1200.0), (3000.0, 700.0)]
SECTORS = """
[radio.antenna]
kind = "sector"
"""


@pytest.mark.parametrize("radio", ["", SECTORS])
def test_the_bill_is_the_cost_of_the_sites(radio: str, tmp_path: Path) -> None:
    mast = {"man_made": "mast", "tower:type": "communication", "height": "50"}
    things = ((VILLAGE, {"landuse": "residential"}), ([(600.0, 130.0)], mast))
    planned = kept_stages(open_project(planned_street(tmp_path / "plan", *things, radio=radio)))
    sites, prices = planned.layers()["sites"], RadioPrices()
    lines = planned.results["radio"].bom
    drops_minor = prices.fibre_drop_km.amount_minor * sum(sites["fibre_drop_m"]) / 1000.0
    assert total_of(lines, "EUR").amount_minor == sum(sites["cost_minor"].tolist()) - drops_minor
    assert quantity(lines, "power line to new masts") == sum(sites["power_m"]) / 1000.0
    assert not [line for line in lines if "drop" in line.item], "the optical bill has it"
    drop_m = sum(line.quantity for line in planned.results["optical"].bom if line.item.startswith("drop of "))
    crossing_m = 40.0 * (sites["carriageway"] == "decreasing").sum()
    from_trench_m = abs(sites["offset_m"]) - 12.0
    assert (from_trench_m > 0.0).all(), "no mast stands between road and trench"
    assert drop_m == pytest.approx(sum(from_trench_m) + crossing_m)
    weighed_m = sum(sites["fibre_drop_m"]) - 12.0 * len(sites)
    assert weighed_m - 10.0 * len(sites) <= drop_m - crossing_m <= weighed_m, "weighed from the road, in tens of metres"


def quantity(lines: tuple[BomLine, ...], item: str) -> float:
    return next(line.quantity for line in lines if line.item == item)


def test_the_siting_weighs_the_drop_as_the_bill_pays_it() -> None:
    weighed, paid = RadioPrices().fibre_drop_km, OpticalPrices().drop
    assert (weighed.amount_minor, weighed.low_minor, weighed.high_minor) == (
        1000 * paid.amount_minor, 1000 * paid.low_minor, 1000 * paid.high_minor,
    )  # fmt: skip


@pytest.mark.parametrize("price_minor", [4_000_000, 1_234_567, 7, 0])
@pytest.mark.parametrize("way_m", [0.0, 10.0, 730.0, 2990.0])
def test_each_way_is_rounded_once(price_minor: int, way_m: float) -> None:
    given = {"amount_minor": price_minor, "low_minor": 0, "high_minor": price_minor}
    price = RadioPrices().power_line_km.model_copy(update=given)
    prices = RadioPrices(power_line_km=price, fibre_drop_km=price)
    alone = place_minor("existing", 30.0, 0.0, 0.0, prices)
    exact = Fraction(price_minor) * Fraction(int(way_m), 1000)
    half_up = int(exact + Fraction(1, 2))
    assert place_minor("existing", 30.0, way_m, 0.0, prices) - alone == half_up
    assert place_minor("existing", 30.0, way_m, way_m, prices) - alone == 2 * half_up
