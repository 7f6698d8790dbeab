"""Path profile files: trailing commas, line ends, a profile that starts at the receiver, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.radio.path_profile import PathProfile, parse_path_profile, read_path_profile

PROFILE = """A hïll
Tx LAT:,50.0,,,
Tx LON:,9.0
Rx LAT:,50.5
Rx LON:,9.5
First Point TX or RX:,T,
Tx site name:,
#
{Begin of Meteorology},,
Average annual values dN (N-units/km):,40,
Average annual sea-level surface refractivity No (N-units):,330
{End of meteorology}
Distance,Height
{Begin of Profile},
Number of Points:,5,
0,100,2,0,4
0.5,120,2,10,4
1.5,140,2,,4
2,110,1,0,1
4,0,1,0,1,,,,,,,,,,,,,,,
{End of Profile},
#
Frequency,Height
{Begin of Measurements}
800,30,,1.5,2,,,,,,,,30,,50,,60.5,130.25,,
{End of Measurements},,,
"""


def parsed(text: str) -> PathProfile:
    return parse_path_profile(text.encode("latin-1"), "hill.csv")


def test_profile_from_the_transmitter(tmp_path: Path) -> None:
    (tmp_path / "hill.csv").write_bytes(PROFILE.encode("latin-1"))
    found = read_path_profile(tmp_path / "hill.csv")
    assert found.name == "hill.csv"
    assert (found.dn_per_km, found.n0) == (40.0, 330.0)
    assert (found.transmitter_deg, found.receiver_deg) == ((50.0, 9.0), (50.5, 9.5))
    assert found.distance_km.tolist() == [0.0, 0.5, 1.5, 2.0, 4.0]
    assert found.ground_m.tolist() == [100.0, 120.0, 140.0, 110.0, 0.0]
    assert found.clutter_m.tolist() == [0.0, 10.0, 0.0, 0.0, 0.0]
    assert found.zone.tolist() == [4, 4, 4, 1, 1]


@pytest.mark.parametrize("said", ["R", "RX", "rx", "Rx"])
def test_profile_from_the_receiver_is_turned_round(said: str) -> None:
    found = parsed(PROFILE.replace("RX:,T", f"RX:,{said}"))
    assert found.distance_km.tolist() == [0.0, 2.0, 2.5, 3.5, 4.0]
    assert found.ground_m.tolist() == [0.0, 110.0, 140.0, 120.0, 100.0]
    assert found.clutter_m.tolist() == [0.0, 0.0, 0.0, 10.0, 0.0]
    assert found.zone.tolist() == [1, 1, 4, 4, 4]
    assert found.transmitter_deg == (50.0, 9.0)


@pytest.mark.parametrize(
    "same",
    [
        PROFILE.replace("\n", "\r\n"),
        PROFILE.replace("\n", ",,,,,,\n"),
        PROFILE.replace("\n", "\n\n"),
        PROFILE.replace("{End of meteorology}", "{END OF METEOROLOGY} ,"),
        PROFILE.rstrip("\n"),
        PROFILE[: PROFILE.index("#\nFrequency")],
        PROFILE.replace("First Point TX or RX:,T,", "First Point TX or RX:,"),
    ],
)
def test_the_same_profile_written_otherwise(same: str) -> None:
    found, expected = parsed(same), parsed(PROFILE)
    assert found.distance_km.tolist() == expected.distance_km.tolist()
    assert found.zone.tolist() == expected.zone.tolist()
    assert (found.dn_per_km, found.n0, found.receiver_deg) == (40.0, 330.0, (50.5, 9.5))


def test_meteorology_may_be_missing() -> None:
    start, end = PROFILE.index("{Begin of Met"), PROFILE.index("Distance,")
    absent = parsed(PROFILE[:start] + PROFILE[end:])
    left_open = parsed(PROFILE.replace("km):,40,", "km):,,").replace("units):,330", "units):"))
    for found in (absent, left_open):
        assert (found.dn_per_km, found.n0) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{End of Profile},", "", "line 14: this mark has no {End of Profile}"),
        ("{Begin of Profile},", "", "line 21: this mark has no {Begin of Profile}"),
        ("{End of Measurements},,,", "", "line 24: this mark has no {End of Measurements}"),
        ("{End of meteorology}", "", "line 9: this mark has no {End of Meteorology}"),
        ("1.5,140,2,,4\n", "", "line 15: 5 points declared, 4 found"),
        ("Points:,5,", "Points:,six,", "line 15: the number of points is 'six'"),
        ("Number of Points:,5,", "", "line 16: the profile does not begin with 'Number of Points:'"),
        ("0.5,120", "0.5,high", "line 17: ground height in m is 'high'"),
        ("0.5,120", "0.5,nan", "line 17: ground height in m is 'nan'"),
        ("0.5,120", "0.5,1e9", "line 17: ground height in m is '1e9'"),
        ("0.5,120", "0.5,1_2", "line 17: ground height in m is '1_2'"),
        ("0.5,120", "inf,120", "line 17: distance in km is 'inf'"),
        ("120,2,10,4", "120,2,-1,4", "line 17: cover height in m is '-1'"),
        ("120,2,10,4", "120,2,10,2", "line 17: radio-climatic zone 2"),
        ("120,2,10,4", "120,2,10,5", "line 17: radio-climatic zone is '5'"),
        ("120,2,10,4", "120,2,10", "line 17: 4 columns"),
        ("1.5,140", "0.5,140", "line 18: distance 0.5 km does not rise"),
        ("0,100,2", "0.1,100,2", "line 16: the first distance is 0.1 km"),
        ("TX or RX:,T", "TX or RX:,Q", "line 6: the first point is 'Q'"),
        ("Tx LAT:,50.0,,,", "#", "no Tx LAT"),
        ("Tx LAT:,50.0,,,", "Tx LAT:,95", "line 2: Tx LAT is '95'"),
        ("Rx LON:,9.5", "Rx LON:", "line 5: Rx LON is nothing"),
        ("km):,40,", "km):,400,", "line 10: refractivity lapse rate dN is '400'"),
        ("units):,330", "units):,-1", "line 11: sea-level surface refractivity No is '-1'"),
    ],
)
def test_files_that_are_no_profiles(old: str, new: str, told: str) -> None:
    assert old in PROFILE
    with pytest.raises(InputError) as refused:
        parsed(PROFILE.replace(old, new))
    assert refused.value.message.startswith("radio: hill.csv: line ")
    assert told in refused.value.message
    assert refused.value.cure


def test_four_points_are_too_few() -> None:
    with pytest.raises(InputError, match="'4'"):
        parsed(PROFILE.replace("1.5,140,2,,4\n", "").replace("Points:,5", "Points:,4"))


@given(st.integers(0, len(PROFILE)))
def test_a_file_cut_short_is_refused_or_has_its_whole_profile(length: int) -> None:
    cut, whole = PROFILE[:length], length >= PROFILE.index("{End of Profile}") + len("{End of Profile}")
    begun = "{Begin of Measurements}" in cut and "{End of Measurements}" not in cut
    if whole and not begun:
        assert parsed(cut).distance_km.tolist() == [0.0, 0.5, 1.5, 2.0, 4.0]
    else:
        with pytest.raises(InputError, match=r"hill\.csv"):
            parsed(cut)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_profile_or_an_error(content: bytes) -> None:
    with pytest.raises(InputError):
        parse_path_profile(content, "bytes")
