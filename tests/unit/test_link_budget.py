"""Link budgets as properties: monotone, invertible, and limits that are met just inside and missed just outside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.radio.carrier import Carrier
from trassa.radio.link_budget import LinkBudget, Needs, SiteRadio, VehicleRadio, uplink_allocations
from trassa.radio.rate import CQI_64QAM, CQI_256QAM, LinkAdaptation, SharedChannel

LTE = LinkBudget(Carrier("lte", 806.0, 10.0, band="b20"), SiteRadio(30.0, 15.0), VehicleRadio())
NR = LinkBudget(
    Carrier("nr", 3500.0, 100.0, 30, "tdd", "n78"), SiteRadio(41.0, 24.0, 3.0), VehicleRadio(power_dbm=26.0)
)
BUDGETS = pytest.mark.parametrize("budget", [LTE, NR], ids=["lte", "nr"])
LOSSES = np.linspace(60.0, 190.0, 2601)
ADAPTATIONS = st.builds(LinkAdaptation, st.sampled_from([CQI_64QAM, CQI_256QAM]), st.floats(0.2, 1.0))
A_HAIR_DB = 1e-6


@given(ADAPTATIONS, st.floats(-30.0, 60.0), st.floats(0.0, 20.0))
def test_more_sinr_never_carries_less(adaptation: LinkAdaptation, sinr_db: float, more_db: float) -> None:
    less, more = adaptation.efficiency([sinr_db, sinr_db + more_db])
    assert 0.0 <= less <= more <= adaptation.top_efficiency


@given(ADAPTATIONS, st.floats(0.1524, 5.55))
def test_efficiency_and_sinr_are_inverse(adaptation: LinkAdaptation, efficiency: float) -> None:
    assert float(adaptation.efficiency(adaptation.sinr_db(efficiency) + A_HAIR_DB)) == pytest.approx(
        efficiency, abs=1e-6
    )


@given(ADAPTATIONS, st.floats(0.0, 1.0), st.floats(0.0, 0.5))
def test_rate_and_sinr_are_inverse(adaptation: LinkAdaptation, share: float, overhead_share: float) -> None:
    channel = SharedChannel(8.4e6, overhead_share, adaptation)
    rate_mbps = share * channel.top_mbps
    sinr_db = float(channel.sinr_db_for_rate(rate_mbps))
    if not math.isfinite(sinr_db):
        assert rate_mbps == 0.0 or rate_mbps == pytest.approx(channel.top_mbps)
        return
    assert float(channel.rate_mbps(sinr_db + A_HAIR_DB)) >= rate_mbps * (1.0 - 1e-12)
    assert float(channel.rate_mbps(sinr_db - A_HAIR_DB)) < max(rate_mbps, 1e-9)


def test_edges_of_the_table() -> None:
    adaptation = LinkAdaptation(CQI_64QAM, 0.6)
    lowest_db = float(adaptation.thresholds_db[0])
    assert float(adaptation.efficiency(lowest_db - A_HAIR_DB)) == 0.0
    assert float(adaptation.efficiency(lowest_db + A_HAIR_DB)) == pytest.approx(adaptation.lowest_efficiency)
    assert float(adaptation.efficiency(99.0)) == adaptation.top_efficiency
    assert float(adaptation.sinr_db(0.01)) == lowest_db
    assert float(adaptation.sinr_db(6.0)) == math.inf
    assert float(adaptation.sinr_db(0.0)) == -math.inf
    assert float(adaptation.efficiency(-math.inf)) == 0.0
    assert (np.diff(adaptation.thresholds_db) > 0.0).all()


@BUDGETS
def test_more_loss_never_carries_more(budget: LinkBudget) -> None:
    for rates in (budget.downlink_rate_mbps(LOSSES), budget.uplink_rate_mbps(LOSSES)):
        assert (np.diff(rates) <= 1e-9).all()
        assert rates[0] > 10.0
        assert rates[-1] == 0.0
    assert (np.diff(budget.uplink_blocks(LOSSES)) <= 0).all()


@BUDGETS
@pytest.mark.parametrize("loss_db", [100.0, 130.0, 140.0, 150.0])
def test_more_power_never_carries_less(budget: LinkBudget, loss_db: float) -> None:
    def with_more(more_db: float) -> tuple[float, float]:
        site = SiteRadio(budget.site.eirp_per_re_dbm + more_db, budget.site.gain_dbi, budget.site.noise_figure_db)
        stronger = LinkBudget(budget.carrier, site, VehicleRadio(power_dbm=budget.vehicle.power_dbm + more_db))
        return float(stronger.downlink_rate_mbps(loss_db)), float(stronger.uplink_rate_mbps(loss_db))

    down, up = zip(*(with_more(more_db) for more_db in np.arange(0.0, 12.0, 0.5)), strict=True)
    assert list(down) == sorted(down)
    assert (np.diff(up) >= -1e-9).all()


@BUDGETS
def test_the_best_number_of_blocks_is_that_of_trying_all(budget: LinkBudget) -> None:
    losses_db = np.linspace(90.0, 175.0, 341)[:, None]
    tried = uplink_allocations(budget.carrier.resource_blocks)
    rates_mbps = tried * budget.uplink_block.rate_mbps(budget.uplink_snr_db(losses_db, tried))
    np.testing.assert_allclose(budget.uplink_rate_mbps(losses_db[:, 0]), rates_mbps.max(axis=1), rtol=1e-12)
    blocks = budget.uplink_blocks(losses_db[:, 0])
    heard = rates_mbps.max(axis=1) > 0.0
    assert (blocks[~heard] == 0).all()
    assert {int(blocks.max())} == {int(tried[-1])}
    assert np.unique(blocks[heard]).size > 10


def test_allocations() -> None:
    assert uplink_allocations(16).tolist() == [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16]
    assert uplink_allocations(273)[-1] == 270
    brute = [2**a * 3**b * 5**c for a in range(9) for b in range(6) for c in range(4)]
    assert uplink_allocations(273).tolist() == sorted(number for number in brute if number <= 273)


@BUDGETS
@pytest.mark.parametrize(("down_mbps", "up_mbps"), [(0.1, 0.05), (1.0, 1.0), (5.0, 3.0), (25.0, 20.0)])
def test_limits_are_met_inside_and_missed_outside(budget: LinkBudget, down_mbps: float, up_mbps: float) -> None:
    limits = budget.limits(Needs(-112.0, sinr_db=2.0, downlink_mbps=down_mbps, uplink_mbps=up_mbps))
    measures = {
        "rsrp": (budget.rsrp_dbm, -112.0),
        "sinr": (budget.downlink_snr_db, 2.0),
        "downlink rate": (budget.downlink_rate_mbps, down_mbps),
        "uplink rate": (budget.uplink_rate_mbps, up_mbps),
    }
    assert set(limits.by_name) == set(measures)
    for name, (measure, need) in measures.items():
        inside, outside = measure(limits.by_name[name] + np.array([-A_HAIR_DB, A_HAIR_DB]))
        assert inside >= need > outside, name
    assert limits.maximum_coupling_loss_db == min(limits.by_name.values())
    assert limits.by_name[limits.limiting] == limits.maximum_coupling_loss_db


def test_the_limiting_direction_is_named() -> None:
    assert LTE.limits(Needs(-130.0, downlink_mbps=1.0, uplink_mbps=1.0)).limiting == "uplink rate"
    assert LTE.limits(Needs(-90.0, downlink_mbps=1.0, uplink_mbps=0.1)).limiting == "rsrp"
    assert LTE.limits(Needs(-130.0, downlink_mbps=25.0, uplink_mbps=0.01)).limiting == "downlink rate"
    assert set(LTE.limits(Needs(-110.0)).by_name) == {"rsrp"}


def test_a_rate_above_the_top_has_no_limit() -> None:
    limits = LTE.limits(Needs(-110.0, downlink_mbps=LTE.downlink.top_mbps + 0.1, uplink_mbps=1e4))
    assert (limits.by_name["downlink rate"], limits.by_name["uplink rate"]) == (-math.inf, -math.inf)
    assert math.isfinite(LTE.limits(Needs(-110.0, downlink_mbps=LTE.downlink.top_mbps - 0.1)).maximum_coupling_loss_db)


def test_what_stands_between_takes_from_both_directions() -> None:
    """A handset behind a window 12 dB deep bears 12 dB less than a roof antenna, 3 dB of gain give 3 dB back."""
    needs = Needs(-110.0, 0.0, 2.0, 0.5)
    inside = LinkBudget(LTE.carrier, LTE.site, VehicleRadio(gain_dbi=3.0, penetration_loss_db=12.0))
    for name, loss_db in LTE.limits(needs).by_name.items():
        assert inside.limits(needs).by_name[name] == pytest.approx(loss_db - 9.0)


def test_an_uplink_above_the_downlink_loses_more() -> None:
    """Band 20 has its uplink 41 MHz above: 0.43 dB in free space."""
    unpaired = LinkBudget(Carrier("lte", 806.0, 10.0), LTE.site, LTE.vehicle)
    excess_db = float(unpaired.uplink_snr_db(120.0, 1) - LTE.uplink_snr_db(120.0, 1))
    assert excess_db == pytest.approx(20.0 * math.log10(847.0 / 806.0))


def test_overheads_can_be_given() -> None:
    free = LinkBudget(NR.carrier, NR.site, NR.vehicle, downlink_overhead_share=0.0, uplink_overhead_share=0.0)
    assert NR.downlink.top_mbps == pytest.approx(0.86 * free.downlink.top_mbps)
    assert NR.uplink_block.top_mbps == pytest.approx(0.92 * free.uplink_block.top_mbps)


def test_what_cannot_be_meant() -> None:
    with pytest.raises(InputError, match="none is below 0"):
        LTE.limits(Needs(-110.0, downlink_mbps=-1.0))
    with pytest.raises(InputError, match="α 0 lies outside"):
        LinkAdaptation(CQI_64QAM, 0.0)
    with pytest.raises(InputError, match="overhead 1 lies outside"):
        SharedChannel(1e6, 1.0, LinkAdaptation(CQI_64QAM, 0.6))
