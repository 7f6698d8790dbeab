"""The modes against GNPy's copy of the OpenROADM table, and which of them closes on the reference line."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from drawn_light import drawn_light
from trassa.optical.wdm.modes import MODES, Channels, Mode, best_mode, fit_of
from trassa.optical.wdm.topology import topology_of
from trassa.optical.wdm.transmission import Propagator

# where GNPy must be there and is not, these tests fail; only a Python it has no release for excuses them
needs_gnpy = pytest.mark.skipif(sys.version_info >= (3, 13), reason="GNPy has no release for this Python")


def _arriving(gsnr_db: float, dispersion: float = 0.0, pmd_ps: float = 0.0) -> Channels:
    one = [np.array([value]) for value in (193.2, gsnr_db, gsnr_db, dispersion, pmd_ps, 0.0)]
    return Channels(*one)


@needs_gnpy
def test_table_is_openroadms() -> None:
    """The trap: that file gives 100 Gbit/s to the mode it calls 200 Gbit/s, 31.57 Gbaud, DP-16QAM."""
    spec = find_spec("gnpy")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "example-data" / "eqpt_config_openroadm_ver5.json"
    rows = [mode for kind in json.loads(file.read_text("utf-8"))["Transceiver"] for mode in kind["mode"]]
    assert len(rows) == len(MODES)
    for mode, row in zip(MODES, rows, strict=True):
        assert (mode.baud_gbd * 1e9, mode.spacing_ghz * 1e9) == (row["baud_rate"], row["min_spacing"])
        assert (mode.osnr_db, mode.tx_osnr_db) == (row["OSNR"], row["tx_osnr"])
        assert f"{mode.rate_gbps} Gbit/s" in row["format"]
        for name, knee, limit in (
            ("chromatic_dispersion", mode.dispersion_knee_ps_per_nm, mode.dispersion_limit_ps_per_nm),
            ("pmd", mode.pmd_knee_ps, mode.pmd_limit_ps),
        ):
            steps = [(step[name], step["penalty_value"]) for step in row["penalties"] if name in step]
            assert steps[-2:] == [(knee, 0), (limit, 0.5)]
    sixteen = next(row for row in rows if row["format"].startswith("200 Gbit/s, 31.57"))
    assert sixteen["bit_rate"] == 100e9


@pytest.mark.parametrize(
    ("gsnr_db", "margin_db", "name"),
    [
        (21.64, 2.0, "200G DP-QPSK"),  # measured over 700 km at 0.22 dB/km: 300G does not close with the margin
        (21.64, 0.0, "300G DP-8QAM"),
        (26.1, 2.0, "400G DP-16QAM"),
        (14.1, 2.0, "100G DP-QPSK"),
        (13.9, 2.0, None),
    ],
)
def test_fastest_mode_that_closes(gsnr_db: float, margin_db: float, name: str | None) -> None:
    fit = best_mode(lambda _: _arriving(gsnr_db), margin_db)
    assert (fit.mode.name if fit else None) == name


def test_dispersion_costs_half_a_decibel_at_its_limit_and_everything_beyond() -> None:
    mode = next(mode for mode in MODES if mode.rate_gbps == 400)
    assert fit_of(mode, _arriving(26.0, 4000.0), 2.0).margin_db == pytest.approx(0.0)
    assert fit_of(mode, _arriving(26.0, 8000.0), 2.0).margin_db == pytest.approx(-0.25)
    assert fit_of(mode, _arriving(26.0, 12_000.0), 2.0).margin_db == pytest.approx(-0.5)
    assert fit_of(mode, _arriving(40.0, 12_001.0), 2.0).margin_db == -np.inf
    assert fit_of(mode, _arriving(26.0, 0.0, 15.0), 2.0).margin_db == pytest.approx(-0.25)
    assert not fit_of(mode, _arriving(40.0, 0.0, 20.1), 2.0).closes


@needs_gnpy
def test_each_mode_is_judged_by_its_own_comb() -> None:
    """64 GBd with as much power in a channel suffers less from the fibre than 32 GBd in a denser comb."""
    line = drawn_light([80.0] * 8 + [60.0], 0.22)
    propagator, path = Propagator(line, topology_of(line)), line.path(0, 9)

    def received(mode: Mode) -> Channels:
        return propagator.along(path, mode.comb(line.library.comb))

    narrow, wide = (received(mode) for mode in MODES if mode.name in ("200G DP-16QAM", "400G DP-16QAM"))
    assert (len(narrow.gsnr_db), len(wide.gsnr_db)) == (76, 43)
    assert np.diff(wide.frequency_thz) == pytest.approx(0.0875)
    assert wide.gsnr_db.min() > narrow.gsnr_db.min() + 0.5
    best = best_mode(received, 2.0)
    assert best is not None
    assert best.mode.name == "200G DP-QPSK"
