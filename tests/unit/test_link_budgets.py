"""Least, typical and greatest loss of links and ring segments as a transmission engineer adds them up by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import trassa
from drawn_road import drawn_road
from forging import caught, row_of, sql
from trassa.optical.plan import plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify import verify
from valley import valley


def test_losses_are_those_of_a_hand_calculation() -> None:
    """Every reel spliced once, a pigtail at each end, two connectors: G.652 at the planning values."""
    rules = OpticalSettings(check_transmission=False)
    road = drawn_road(60_000.0, places=[(30_000.0, "P", True)])
    sites = [Connection(f"S-{n}", m, "increasing", 25.0) for n, m in enumerate((4_000.0, 21_000.0, 47_000.0))]
    layers = plan_optical(road, sites, rules).layers
    joints = [row["measure_m"] for row in layers["closures"].rows() if "joint" in row["kind"]]
    hut_at = dict(zip(layers["huts"]["hut"], layers["huts"]["measure_m"], strict=True))
    classes = {optics.name: optics for optics in rules.transceivers}
    assert len(layers["links"]) == 6
    for row in layers["links"].rows():
        low, high = sorted((row["measure_m"], hut_at[row["hut"]]))
        spliced = sum(low < joint < high for joint in joints) + 1 + 2
        per_km = {"1310": 0.35, "1550": 0.22}[classes[row["optics"]].band]
        km, attenuator = row["fibre_m"] / 1000.0, row["attenuator_db"]
        typical = km * per_km + 0.05 * spliced + 2 * 0.5
        assert row["typical_loss_db"] == pytest.approx(typical + attenuator, abs=1e-9)
        assert row["first_day_loss_db"] == pytest.approx(0.6 * typical + attenuator, abs=1e-9)
        grown = km * per_km * (0.975 / 0.97 - 1.0)
        assert row["loss_db"] == pytest.approx(typical + grown + 3.0 + attenuator, abs=1e-9)
        assert classes[row["optics"]].least_loss_db <= row["first_day_loss_db"] <= row["typical_loss_db"]
        assert row["typical_loss_db"] < row["loss_db"] <= row["budget_db"]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valley with two sites on links and two cameras on a ring."""
    root = valley(tmp_path_factory.mktemp("budgets") / "valley", '[optical]\nequipment_list = "list.csv"\n')
    (root / "inputs").mkdir(exist_ok=True)
    rows = "name,service,position\nCAM-1,camera,km 1+500\nCAM-2,camera,km 4+100\n"
    (root / "inputs" / "list.csv").write_text(rows, "utf-8")
    assert trassa("run", root).code in (0, 1)
    verification = verify(root)
    assert verification.agrees, verification.text()
    assert "budgets" in row_of(verification, "optical.budgets").detail
    return root


@pytest.mark.parametrize("layer", ["links", "ring_segments"])
@pytest.mark.parametrize("column", ["first_day_loss_db", "typical_loss_db", "attenuator_db", "budget_db"])
def test_every_column_is_computed_again(forged: Path, layer: str, column: str) -> None:
    sql(forged, f"UPDATE {layer} SET {column} = {column} + 1.0")
    caught(forged, "optical.budgets")
