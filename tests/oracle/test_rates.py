"""Rates against the CQI tables and formulas of 3GPP, a published link budget and the published SINR thresholds."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from trassa.radio.carrier import Carrier
from trassa.radio.link_budget import LinkBudget, Needs, SiteRadio, VehicleRadio
from trassa.radio.rate import (
    CQI_64QAM,
    CQI_256QAM,
    DOWNLINK_ALPHA,
    DOWNLINK_OVERHEAD,
    UPLINK_ALPHA,
    UPLINK_OVERHEAD,
    CqiTable,
    LinkAdaptation,
    SharedChannel,
)

NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
PRINTED_64QAM = (
    0.1523, 0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766, 1.9141, 2.4063, 2.7305, 3.3223, 3.9023, 4.5234, 5.1152,
    5.5547,
)  # fmt: skip
"""TS 38.214 Table 5.2.2.1-2 and TS 36.213 Table 7.2.3-1, column efficiency."""
PRINTED_256QAM = (
    0.1523, 0.3770, 0.8770, 1.4766, 1.9141, 2.4063, 2.7305, 3.3223, 3.9023, 4.5234, 5.1152, 5.5547, 6.2266, 6.9141,
    7.4063,
)  # fmt: skip
"""TS 38.214 Table 5.2.2.1-3, column efficiency."""
FOUR_DIGITS = 5.1e-5


def sheet(book: Path, number: int) -> dict[str, str]:
    """Cells of a sheet by name, as text."""
    with zipfile.ZipFile(book) as archive:
        shared = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        texts = ["".join(item.itertext()) for item in shared.findall("m:si", NAMES)]
        tree = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    cells = {}
    for cell in tree.iterfind(".//m:c", NAMES):
        value = cell.findtext("m:v", "", NAMES)
        cells[str(cell.get("r"))] = texts[int(value)] if cell.get("t") == "s" else value
    return cells


@pytest.fixture(scope="module")
def book(shared: Path) -> Path:
    """Hand checks of another project: a link budget, and CQI tables with SINR thresholds."""
    return shared / "radio" / "pysim5g" / "link_budget_validation.xlsx"


@pytest.mark.parametrize(("table", "printed"), [(CQI_64QAM, PRINTED_64QAM), (CQI_256QAM, PRINTED_256QAM)])
def test_efficiencies_are_as_printed(table: CqiTable, printed: tuple[float, ...]) -> None:
    np.testing.assert_allclose(table.efficiency, printed, rtol=0.0, atol=FOUR_DIGITS)


def test_tables_equal_those_of_the_hand_checks(book: Path) -> None:
    cells = sheet(book, 2)
    for table, modulation, rate, efficiency in ((CQI_64QAM, "B", "C", "D"), (CQI_256QAM, "E", "F", "G")):
        for cqi in range(1, 16):
            row, bits = cqi + 2, table.modulation_bits[cqi - 1]
            assert cells[f"{modulation}{row}"] == ("QPSK" if bits == 2 else f"{2**bits}QAM")
            assert float(cells[f"{efficiency}{row}"]) == pytest.approx(table.efficiency[cqi - 1], abs=FOUR_DIGITS)
            given = float(cells[f"{rate}{row}"])  # the first three of LTE are given as a ratio
            assert (given * 1024.0 if given < 1.0 else given) == pytest.approx(table.code_rate_1024[cqi - 1], abs=0.05)


def test_thresholds_beside_the_published_ones_for_lte(book: Path) -> None:
    """Never more than half a decibel below them; from CQI 5 on never below."""
    cells = sheet(book, 2)
    published_db = np.array([float(cells[f"H{cqi + 2}"]) for cqi in range(1, 16)])
    excess_db = LinkAdaptation(CQI_64QAM, DOWNLINK_ALPHA).thresholds_db - published_db
    assert excess_db.min() > -0.5
    assert excess_db[4:].min() > 0.0
    assert (excess_db[0], excess_db[-1]) == (pytest.approx(-0.46, abs=0.01), pytest.approx(5.16, abs=0.01))


def test_the_published_thresholds_are_not_those_of_the_256qam_table(book: Path) -> None:
    """Why the second table has no such oracle: ten rows would lie above the Shannon bound."""
    cells = sheet(book, 2)
    shannon = [math.log2(1.0 + 10.0 ** (float(cells[f"H{cqi + 2}"]) / 10.0)) for cqi in range(1, 16)]
    assert [cqi for cqi in range(1, 16) if PRINTED_256QAM[cqi - 1] > shannon[cqi - 1]] == list(range(3, 13))
    assert all(PRINTED_64QAM[cqi - 1] < shannon[cqi - 1] for cqi in range(1, 16))


def test_the_hand_checked_link_budget(book: Path) -> None:
    """Received power and noise as printed; the sheet's own SINR is formed with 10^x and is not looked at."""
    cells = {name: float(value) for name, value in sheet(book, 1).items() if name[1:] in ("3", "20") and value}
    carrier = Carrier("lte", 800.0, 10.0)
    eirp_dbm = cells["B3"] + cells["C3"] - cells["D3"]
    spread_db = 10.0 * math.log10(carrier.resource_elements)
    site = SiteRadio(carrier.eirp_per_re_dbm(eirp_dbm), cells["C3"])
    vehicle = VehicleRadio(cells["G3"] - cells["H3"], cells["F3"], noise_figure_db=cells["D20"])
    budget = LinkBudget(carrier, site, vehicle)
    assert float(budget.rsrp_dbm(cells["E3"])) + spread_db == pytest.approx(cells["A3"], abs=1e-9)
    # the sheet spreads the noise over the whole channel, a carrier over its subcarriers: 10 and 9 MHz; k is 1.38e-23
    noise_dbm = budget.noise_dbm + spread_db + 10.0 * math.log10(10.0 / 9.0)
    assert noise_dbm == pytest.approx(cells["A20"], abs=0.003)


@pytest.mark.parametrize(
    ("power_dbm", "blocks", "sinr_db", "path_loss_db"),
    [(23, 8, 0.5, 123.9), (22, 27, -2.0, 120.1), (22, 25, 0.9, 117.6)],
)
def test_a_published_uplink_budget(power_dbm: float, blocks: int, sinr_db: float, path_loss_db: float) -> None:
    """C. Johnson, *Long Term Evolution IN BULLETS*, Table 343: PUSCH of 0.5, 1 and 2 Mbit/s in 20 MHz.

    Its interference margin of 2 dB, fade margin of 9 dB and handover gain of 2.5 dB are counted beside our budget.
    """
    vehicle = VehicleRadio(penetration_loss_db=18.0, power_dbm=power_dbm)
    budget = LinkBudget(Carrier("lte", 1800.0, 20.0), SiteRadio(0.0, 18.0, noise_figure_db=2.5), vehicle)
    snr_db = float(budget.uplink_snr_db(path_loss_db, blocks)) - 2.0 - 9.0 + 2.5
    assert snr_db == pytest.approx(sinr_db, abs=0.15)  # four rounded terms


@pytest.mark.parametrize(("bandwidth_mhz", "sensitivity_dbm"), [(5, -100.0), (10, -97.0), (15, -95.2), (20, -94.0)])
def test_reference_sensitivity(bandwidth_mhz: float, sensitivity_dbm: float) -> None:
    """TS 36.101 Table 7.3.1-1, band 1: noise with 9 dB, −1 dB of SINR, 2.5 dB of margin and 3 dB by two antennas."""
    budget = LinkBudget(Carrier("lte", 2140.0, bandwidth_mhz), SiteRadio(0.0, 0.0), VehicleRadio())
    noise_dbm = budget.noise_dbm + 10.0 * math.log10(budget.carrier.resource_elements)
    assert noise_dbm - 1.0 + 2.5 - 3.0 == pytest.approx(sensitivity_dbm, abs=0.1)


@pytest.mark.parametrize(("table", "bits"), [(CQI_64QAM, 6), (CQI_256QAM, 8)])
def test_the_top_rate_is_that_of_the_standard(table: CqiTable, bits: int) -> None:
    """TS 38.306 clause 4.1.2 for one layer of 100 MHz: 584 Mbit/s with 256QAM, a quarter of the 2.34 Gbit/s of four."""
    standard_mbps = 1e-6 * bits * 948 / 1024 * 273 * 12 / (1e-3 / (14 * 2)) * (1.0 - 0.14)
    carrier = Carrier("nr", 3500.0, 100.0, 30, "tdd", downlink_share=0.9)
    adaptation = LinkAdaptation(table, DOWNLINK_ALPHA)
    channel = SharedChannel(carrier.downlink_elements_per_s / 0.9, DOWNLINK_OVERHEAD["nr"], adaptation)
    assert channel.top_mbps == pytest.approx(standard_mbps, rel=1e-12)
    assert float(channel.rate_mbps(60.0)) == pytest.approx(standard_mbps, rel=1e-12)
    assert bits == 6 or 4.0 * standard_mbps == pytest.approx(2337.0, abs=0.5)


def test_overhead_of_lte() -> None:
    """TS 36.101 Table A.3.9.1-1, R.31-4: with one control symbol and two ports 20 MHz carry 86,400 bits a subframe."""
    control, reference, elements = 12, 12, 168
    assert 100 * (elements - control - reference) * 6 == 86_400
    assert DOWNLINK_OVERHEAD["lte"] == (3 * control + reference) / elements
    assert (DOWNLINK_OVERHEAD["nr"], UPLINK_OVERHEAD["nr"]) == (0.14, 0.08)


@pytest.mark.parametrize(("alpha", "sinr_db", "throughput"), [(DOWNLINK_ALPHA, 22.05, 4.4), (UPLINK_ALPHA, 14.91, 2.0)])
def test_truncation_of_the_report(alpha: float, sinr_db: float, throughput: float) -> None:
    """TR 36.942 annex A cuts its curve at 4.4 and 2.0 bit/s/Hz, where SNIR_max follows from α; ours runs on through."""
    adaptation = LinkAdaptation(CQI_64QAM, alpha)
    assert float(adaptation.sinr_db(throughput)) == pytest.approx(sinr_db, abs=0.01)
    assert float(adaptation.efficiency(sinr_db)) == pytest.approx(throughput, abs=0.002)


def test_needs_of_an_obligation() -> None:
    """100 Mbit/s do not fit into 10 MHz with one layer: 52 blocks carry 55.6 Mbit/s; 90 MHz of tdd carry them."""
    narrow = LinkBudget(Carrier("nr", 783.0, 10.0, band="n28"), SiteRadio(34.0, 15.0), VehicleRadio())
    assert narrow.limits(Needs(-120.0, downlink_mbps=100.0)).by_name["downlink rate"] == -math.inf
    wide = LinkBudget(Carrier("nr", 3550.0, 90.0, 30, "tdd", "n78"), SiteRadio(41.0, 24.0), VehicleRadio())
    assert wide.limits(Needs(-120.0, downlink_mbps=100.0)).by_name["downlink rate"] > 150.0
