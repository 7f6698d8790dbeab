"""Bends told from splices by two wavelengths, on sampled fibres whose bends and splices are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from command_line import trassa
from otdr_truth import TrueTrace, sampled
from trassa.optical.otdr import bends, event_table, sor_bytes

JOINTS_M = np.array([4_000.0, 8_000.0, 12_000.0, 16_000.0])
END_M = 20_000.0
STRETCH = 1.0 - 4e-4
"""1.4675 over 1.4681: one fibre looks shorter at 1310 nm."""


def _pair(bend_m: float, long_db: float, short_db: float, seed: int) -> tuple[TrueTrace, TrueTrace]:
    """One fibre with a bend at 1550 and at 1310 nm; splices lose the same to a hundredth."""
    rng = np.random.default_rng(seed)
    splices_db, change_db = np.abs(rng.normal(0.07, 0.03, 4)), rng.normal(0.0, 0.04, 4)
    order = int(np.searchsorted(JOINTS_M, bend_m))
    found = []
    for bend_db, stretch in ((long_db, 1.0), (short_db, STRETCH)):
        losses = np.insert(splices_db + rng.normal(0.0, 0.01, 4), order, bend_db)
        joints = np.insert(JOINTS_M, order, bend_m) * stretch
        found.append(TrueTrace(joints, losses, np.insert(change_db, order, 0.0), END_M * stretch))
    return found[0], found[1]


def _tables(pair: tuple[TrueTrace, TrueTrace], seed: int) -> list[object]:
    rng = np.random.default_rng(1000 + seed)
    return [event_table(sampled(one, rng)) for one in pair]


def test_bends_are_found_and_splices_are_none() -> None:
    found, false, none = 0, 0, 0
    for seed in range(60):
        bend_m = float(np.random.default_rng(seed).uniform(1500.0, 19_000.0))
        if np.abs(JOINTS_M - bend_m).min() < 700.0:
            continue
        longer, shorter = _tables(_pair(bend_m, 0.5, 0.06, seed), seed)
        told = bends(shorter, longer)
        found += any(abs(one.event.fibre_m - bend_m) < 30.0 for one in told)
        false += sum(abs(one.event.fibre_m - bend_m) >= 30.0 for one in told)
        longer, shorter = _tables(_pair(bend_m, 0.5, 0.49, seed), seed)
        none += len(bends(shorter, longer))
    assert found >= 30
    assert false == 0
    assert none == 0


def test_a_bend_that_lets_nothing_through_is_no_break() -> None:
    """At 1550 nm the line ends, at 1310 nm it goes on to the far hut."""
    longer = TrueTrace(JOINTS_M[:2], np.array([0.07, 0.05]), np.zeros(2), 9_500.0, None)
    shorter = _pair(9_500.0, 9.0, 0.8, 1)[1]
    (one,) = bends(
        event_table(sampled(shorter, np.random.default_rng(2))), event_table(sampled(longer, np.random.default_rng(3)))
    )
    assert one.event.kind == "end"
    assert one.event.fibre_m == pytest.approx(9_500.0, abs=20.0)
    assert one.shorter_db == pytest.approx(0.8, abs=0.05)
    cut = replace(
        shorter,
        joints_m=shorter.joints_m[:3],
        losses_db=shorter.losses_db[:3],
        scatter_db=shorter.scatter_db[:3],
        end_m=9_500.0 * STRETCH,
        end_reflectance_db=None,
    )
    cut = replace(cut, joints_m=cut.joints_m[:2], losses_db=cut.losses_db[:2], scatter_db=cut.scatter_db[:2])
    tables = [event_table(sampled(truth, np.random.default_rng(4))) for truth in (cut, longer)]
    assert bends(*tables) == ()  # a break is one at every wavelength


def test_the_events_command_names_bends(tmp_path: Path) -> None:
    longer, shorter = _pair(6_000.0, 0.6, 0.07, 5)
    for name, truth, nm in (("long.sor", longer, 1550.0), ("short.sor", shorter, 1310.0)):
        trace = replace(sampled(truth, np.random.default_rng(7)), wavelength_nm=nm)
        (tmp_path / name).write_bytes(sor_bytes(trace))
    body = trassa("optical", "events", "long.sor", "--beside", "short.sor", "--index", "1.4681", "--json", cwd=tmp_path)
    (bend,) = [row for row in body.json["events"] if row["kind"] == "bend"]
    assert bend["distance_m"] == pytest.approx(6_000.0, abs=20.0)
    assert bend["distance_own_m"] == pytest.approx(bend["distance_m"] * 1.47 / 1.4681, abs=0.1)
    assert bend["loss_db"] - bend["shorter_db"] == pytest.approx(0.53, abs=0.03)
    wrong = trassa("optical", "events", "short.sor", "--beside", "long.sor", cwd=tmp_path).refused()
    assert "a bend shows at the longer one" in wrong
