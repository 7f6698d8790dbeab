"""Path profile files: trailing commas, a profile that starts at the receiver, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from path_profile import read_path_profile
from trassa.errors import InputError

PROFILE = """A hill
Tx LAT:,50.0,,,
First Point TX or RX:,{first},
{{Begin of Meteorology}},,
Average annual values dN (N-units/km):,45,
{{End of meteorology}}
Distance,Height
{{Begin of Profile}},
Number of Points:,5,
0,100,2,0,4
0.5,120,2,10,4
1.5,140,2,,4
2,110,1,0,1
4,0,1,0,1
{{End of Profile}},
#
Frequency,Height
{{Begin of Measurements}}
800,30,,1.5,2,,,,,,,,30,,50,,60.5,130.25,,
{{End of Measurements}},,,
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "hill.csv"
        path.write_text(text, "latin-1")
        return path

    return write


def test_profile_from_the_transmitter(written) -> None:
    found = read_path_profile(written(PROFILE.format(first="T")))
    assert found.name == "hill"
    assert found.dn_per_km == 45.0
    assert found.distance_km.tolist() == [0.0, 0.5, 1.5, 2.0, 4.0]
    assert found.clutter_m.tolist() == [0.0, 10.0, 0.0, 0.0, 0.0]
    case = found.measurements[0]
    assert (case.frequency_mhz, case.polarisation, case.time_percent, case.loss_db) == (800.0, "vertical", 50.0, 130.25)
    # sea from half a step before its first point: from 1.75 km to 4 km
    assert found.sea_share == pytest.approx(2.25 / 4.0)


def test_profile_from_the_receiver_is_turned_round(written) -> None:
    found = read_path_profile(written(PROFILE.format(first="R")))
    assert found.distance_km.tolist() == [0.0, 2.0, 2.5, 3.5, 4.0]
    assert found.ground_m.tolist() == [0.0, 110.0, 140.0, 120.0, 100.0]
    assert found.sea_share == pytest.approx(2.25 / 4.0)
    assert np.all(np.diff(found.distance_km) > 0.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{End of Profile}", "", "Begin of Profile"),
        ("1.5,140,2,,4\n", "", "4 profile points found"),
        ("{End of Profile}", "{Begin of Profile}\n{End of Profile}", "profile points found"),
        ("0.5,120", "0.5,high", "not a path profile"),
        ("dN (N-units/km)", "dT", "not a path profile"),
        ("800,30,,1.5,2", "800,30,,1.5,7", "not a path profile"),
    ],
)
def test_files_that_are_no_profiles(written, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_path_profile(written(PROFILE.format(first="T").replace(old, new)))
