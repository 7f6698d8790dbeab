"""The connection of every bin: the rates of the layer ``ahead`` beside the margins of the layer ``bins``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from command_line import drawn_lane, set_in, trassa
from trassa.plan.radio.questions import planned_radio
from trassa.radio.budget import coupling_limits, link_budget_of

SERVICE = """
technology = "nr"
rate_up_mbps = 20.0
rate_down_mbps = 1.0
need_rsrp_dbm = -140.0
any_site_down = false
new_mast_spacing_m = 1500.0
"""


@pytest.mark.parametrize("offset_db", [-12.0, 0.0, 12.0])
def test_uplink_rate_and_margin_say_the_same_with_a_calibration(tmp_path: Path, offset_db: float) -> None:
    """Where the uplink limits, the rate ahead reaches the promise exactly on the bins whose margin is not negative."""
    project = tmp_path / "lane"
    assert trassa("init", project, "--ref", "Б-1", "--centreline", drawn_lane(tmp_path / "drawn.csv")).code == 0
    set_in(project, "radio", f"{SERVICE}calibration_offset_db = {offset_db}")
    assert trassa("run", project).code in (0, 1)
    planned = planned_radio(project)
    limits = coupling_limits(planned.settings)
    assert min(limits, key=lambda name: limits[name]) == "uplink rate"
    bins, ahead = planned.layers["bins"], planned.layers["ahead"]
    margin_db, rate_mbps = bins["margin_db"], ahead["rate_up_mbps"]
    assert len(margin_db) == len(rate_mbps)
    assert np.ptp(margin_db) > 3.0
    spare = link_budget_of(planned.settings).uplink_rate_mbps(limits["uplink rate"] - margin_db)
    np.testing.assert_allclose(rate_mbps, spare, rtol=1e-9)
    assert ((rate_mbps >= planned.settings.rate_up_mbps) == (margin_db >= 0.0)).all()
