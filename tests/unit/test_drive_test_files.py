"""Files of drive tests as they come: what is read, and what is refused by name, line, column and bound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trassa.errors import InputError, UsageError
from trassa.radio.drive_answer import drive_test_answer
from trassa.radio.drive_test import fixes_astray, joined, repeats, served
from trassa.radio.drive_test_files import read_cells, read_context, read_measurements, read_sessions
from trassa.radio.mapped_table import column_mapping

MAPPING = {"latitude_deg": "Lat", "longitude_deg": "Lon", "rsrp_dbm": "RSRP (dBm)", "speed_kmh": "v"}
TABLE = "Lat,Lon,RSRP (dBm),v\n50.1,9.1,-98.5,72\n50.2,9.2,,108\n"


def written(folder: Path, text: str | bytes, name: str = "drive.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        TABLE.replace(".", ",").replace(",", ";", 0).replace("Lat,Lon,RSRP (dBm),v", "Lat;Lon;RSRP (dBm);v")
        .replace("50,1,9,1,-98,5,72", "50,1;9,1;-98,5;72").replace("50,2,9,2,,108", "50,2;9,2;;108"),
        TABLE.replace(",", "\t"),
        TABLE.encode("utf-16"),
        TABLE.replace(",,", ",nan,") + "\n\n",
        "v,RSRP (dBm),noted,Lon,Lat\n72,-98.5,x,9.1,50.1\n108,NaN,y,9.2,50.2\n",
        TABLE.replace(",", "|"),
        "sep=;\n" + TABLE.replace(",", ";"),
        TABLE.replace("\n", ",\n").replace(",\n", "\n", 1),
        TABLE.replace("v\n", "v,Höhe\n").replace("72\n", "72,9\n").replace("108\n", "108,9\n").encode("latin-1"),
        "Lat;Lon;RSRP (dBm);v;a, b, c, d, e\n50.1;9.1;-98.5;72;1\n50.2;9.2;;108;\n",
    ],
    ids=[
        "plain", "mark", "crlf", "decimal comma", "tabs", "utf-16", "nan and blank lines", "other order", "bars",
        "separator said", "a separator too many", "latin-1", "commas in a header",
    ],
)  # fmt: skip
def test_one_table_in_the_dialects_of_its_writers(tmp_path: Path, text: str | bytes) -> None:
    found = read_measurements(written(tmp_path, text), MAPPING)
    np.testing.assert_array_equal(found.latitude_deg, [50.1, 50.2])
    np.testing.assert_array_equal(found.longitude_deg, [9.1, 9.2])
    np.testing.assert_array_equal(found.rsrp_dbm, [-98.5, np.nan])
    np.testing.assert_allclose(found.speed_mps, [20.0, 30.0])
    assert np.isnan(found.time_s).all()
    assert found.cell.tolist() == [-1, -1]
    assert found.runs == ("drive",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE.replace("-98.5", "-225"), r"drive.csv, line 2, column 'RSRP \(dBm\)': -225 lies outside -160..-20"),
        (TABLE.replace("-98.5", "0"), r"line 2, column 'RSRP \(dBm\)': 0 lies outside .* leave the field empty"),
        (TABLE.replace("50.2", "502"), r"line 3, column 'Lat': 502 lies outside -90..90"),
        (TABLE.replace("-98.5", "minus"), r"line 2, column 'RSRP \(dBm\)': 'minus' is no number"),
        (TABLE.replace("-98.5", "inf"), r"'inf' is no number"),
        (TABLE.replace("-98.5", "-9_8"), r"'-9_8' is no number"),
        (TABLE.replace("-98.5", '"-98,5"'), r"line 2, column 'RSRP \(dBm\)': '-98,5' has a comma.*semicolons"),
        ("Lat;Lon;RSRP (dBm);v\n50.1;9.1;-1.098,5;72\n", r"'-1.098,5' has more than a decimal comma"),
        (TABLE.replace("RSRP (dBm)", "RSRP"), r"no column with the header 'RSRP \(dBm\)'.*'Lat', 'Lon', 'RSRP', 'v'"),
        (TABLE.replace("Lon", "Lat", 1), r"no column with the header 'Lon'|2 columns with the header 'Lat'"),
        (TABLE + "50.3,9.3\n", r"line 4: 2 fields, the header has 4"),
        ("Lat,Lon,RSRP (dBm),v\n", r"has a header and no row"),
        ("", r"no column with the header 'Lat'"),
        ('Lat,Lon,RSRP (dBm),v\n50.1,9.1,"-98\n', r"drive.csv, line \d"),
        ("Lat,Lon,RSRP (dBm),v\n50.1,9.1,-98,72 \xe9".encode("latin-1"), r"line 2, column 'v': '72 é' is no number"),
        (b"Lat,Lon,RSRP (dBm),v\n\0\xff\0", r"drive.csv: is no text"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_measurements(written(tmp_path, text), MAPPING)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"latitude_deg": "Lat", "longitude_deg": "Lon"}, "no header is given for rsrp_dbm"),
        ({**MAPPING, "rsrp": "RSRP"}, "'rsrp' is no column trassa knows.*rsrp_dbm"),
        ({**MAPPING, "speed_mps": "v"}, "speed_kmh and speed_mps are the same quantity"),
    ],
)
def test_mappings_that_cannot_be_meant_are_named(tmp_path: Path, mapping: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_measurements(written(tmp_path, TABLE), mapping)


def test_half_a_position_is_none(tmp_path: Path) -> None:
    found = read_measurements(written(tmp_path, TABLE.replace("50.1,9.1", "50.1,")), MAPPING)
    np.testing.assert_array_equal(found.latitude_deg, [np.nan, 50.2])
    np.testing.assert_array_equal(found.longitude_deg, [np.nan, 9.2])
    assert found.rsrp_dbm[0] == -98.5


def test_mapping_is_written_in_pairs() -> None:
    assert column_mapping(["rsrp_dbm = RSRP (dBm)", "sinr_db=S=N"]) == {"rsrp_dbm": "RSRP (dBm)", "sinr_db": "S=N"}
    for bad, said in ((["rsrp_dbm"], "'rsrp_dbm' is no NAME=HEADER"), (["a=b", "a=c"], "a is mapped twice")):
        with pytest.raises(InputError, match=said):
            column_mapping(bad)


def test_runs_of_a_table_are_kept_apart_and_in_order(tmp_path: Path) -> None:
    text = "lat,lon,p,run,op,id,t\n" + "".join(
        f"50,9.{row},{-80 - row},{row % 2},{'AB'[row % 2]},{1000 + row},{row}\n" for row in range(6)
    )
    names = {"latitude_deg": "lat", "longitude_deg": "lon", "rsrp_dbm": "p", "run": "run", "operator": "op"}
    found = read_measurements(written(tmp_path, text), {**names, "cell": "id", "time_ms": "t"})
    assert (found.runs, found.operators) == (("0", "1"), ("A", "B"))
    assert found.run.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.cell.tolist() == [1000, 1002, 1004, 1001, 1003, 1005]
    assert found.time_s.tolist() == [0.0, 0.002, 0.004, 0.001, 0.003, 0.005]
    twice = joined([found, found])
    assert twice.run.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    cells = "op,id,la,lo,f\nB,1001,50,9.0,800\nA,1001,51,9.0,900\n"
    names = {"operator": "op", "cell": "id", "latitude_deg": "la", "longitude_deg": "lo", "frequency_mhz": "f"}
    matched = served(found, read_cells(written(tmp_path, cells, "cells.csv"), names))
    assert matched.reading.tolist() == [3], "an identity is one operator's"
    assert matched.frequency_mhz.tolist() == [800.0]
    assert matched.bearing_deg[0] == pytest.approx(90.0, abs=0.1)
    assert matched.distance_m[0] == pytest.approx(0.1 * 71_695.8, rel=1e-3)
    with pytest.raises(InputError, match=r"cells.csv: cell 1001 stands twice"):
        read_cells(written(tmp_path, cells.replace("A,1001", "B,1001"), "cells.csv"), names)


ROW = "{t},{t},0.0,50.0,{lon:.5f},200,{v},0,90,{served},{rsrp},-8,{snr},7,28,14,{cell},{pci}\n"


def session(folder: Path, rows: list[str], name: str = "1544593310_net_context.txt") -> Path:
    return written(folder, "".join(rows), name)


def row(t: int, rsrp: str = "-90", **other: object) -> str:
    values = {"lon": 9.0 + t * 4e-4, "v": 30, "served": 1, "snr": t, "cell": 77, "pci": 5, **other}
    return ROW.format(t=t, rsrp=rsrp, **values)


def test_a_context_file_before_registration_and_with_sentinels(tmp_path: Path) -> None:
    early = "0,0,0.0,50.0,9.00000,200,30,0,90" + ",nan" * 9 + "\n"
    rows = [early, row(1), row(2, "-225"), row(3, "0"), row(4, pci=-1), row(5, served=0), row(6, cell=0)]
    found = read_context(session(tmp_path, rows), "net")
    np.testing.assert_array_equal(np.isfinite(found.rsrp_dbm), [False, True, False, False, True, False, True])
    assert found.pci.tolist() == [-1, 5, 5, 5, -1, 5, 5]
    assert found.cell.tolist() == [-1, 77, 77, 77, 77, 77, -1]
    assert found.runs == ("1544593310_net",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (row(1) + "1,2,3\n", "line 2: 3 columns, not 18"),
        (row(1) + row(2, "-9x"), "line 2, column 11: '-9x' is no number"),
        (row(1) + row(2, "-170"), r"line 2: rsrp_dbm -170 lies outside -160..-20"),
        (row(1) + row(2, lon=190.0), r"line 2: longitude_deg 190 lies outside"),
    ],
)
def test_a_context_file_that_cannot_be_meant_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_context(session(tmp_path, [text]), "net")


def test_a_context_file_with_no_place_no_level_and_blank_lines_at_its_end(tmp_path: Path) -> None:
    nowhere = row(1).replace(",50.0,9.00040,", ",0.0,0.0,")
    found = read_context(session(tmp_path, [nowhere, row(2, "2147483647"), row(3), "\n", "\r\n"]), "net")
    np.testing.assert_array_equal(np.isfinite(found.latitude_deg), [False, True, True])
    np.testing.assert_array_equal(np.isfinite(found.rsrp_dbm), [True, False, True])


def test_sessions_need_their_lists_of_cells(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no <start>_<operator>_context.txt"):
        read_sessions(tmp_path)
    session(tmp_path, [row(1), row(2)])
    with pytest.raises(InputError, match=r"holds no net_cells_results.csv"):
        read_sessions(tmp_path)
    written(tmp_path, "77,50.01,9.0,20,1845,1750\n", "net_cells_results.csv")
    written(tmp_path, "no table", "1544593310_net_cells.txt")
    measurements, cells = read_sessions(tmp_path)
    assert served(measurements, cells).frequency_mhz.tolist() == [1845.0, 1845.0]
    (tmp_path / "deeper").mkdir()
    session(tmp_path / "deeper", [row(1), row(2)])
    assert read_sessions(tmp_path / "deeper")[1].cell.tolist() == [77], "the list lies beside the folder"
    with pytest.raises(InputError, match=r"holds no <start>_other_context.txt"):
        read_sessions(tmp_path, "other")
    with pytest.raises(InputError, match="is no folder"):
        read_sessions(tmp_path / "nowhere")
    with pytest.raises(InputError, match="No such file"):
        read_measurements(tmp_path / "nowhere.csv", MAPPING)


def test_repetitions_and_fixes_astray(tmp_path: Path) -> None:
    rows = [row(t, "-90", snr=t // 2) for t in range(8)]
    rows[5] = row(5, "-90", snr=2, lon=9.02)
    found = read_context(session(tmp_path, rows), "net")
    assert repeats(found).tolist() == [False, True] * 4
    assert np.flatnonzero(fixes_astray(found)).tolist() == [5]


def test_one_drive_in_a_table_is_answered(tmp_path: Path) -> None:
    """One run, no speed, no SINR, carriers known to the list of cells only; a second band with three readings."""
    rng = np.random.default_rng(1)
    rows, noise = ["t;lat;lon;dBm;id"], rng.normal(0.0, 4.0, 500)
    for t in range(500):
        lon = 9.0 + t * 20.0 / 71_695.8
        away_m = abs(lon - (9.03 if t < 250 else 9.11)) * 71_695.8 + 100.0
        level = f"{-20.0 - 30.0 * np.log10(away_m) + noise[t]:.1f}"
        rows.append(f"{t};50,0;{lon:.6f};{level};{1 if t < 250 else 2}".replace(".", ","))
    rows += [f"{500 + t};50,0;9,1{t};-100,{t};3" for t in range(3)]
    drive = written(tmp_path, "\n".join(rows))
    cells = "id,lat,lon,f\n1,50.0009,9.03,800\n2,50.0009,9.11,800\n3,50.01,9.1,2600\n"
    places = {"latitude_deg": "lat", "longitude_deg": "lon", "cell": "id"}
    mapping = {**places, "rsrp_dbm": "dBm", "time_s": "t"}
    listed = written(tmp_path, cells, "cells.csv"), {**places, "frequency_mhz": "f"}
    answer = drive_test_answer(drive, mapping, *listed)
    (band,) = answer.bands
    assert band.name == "all 800 MHz"
    assert band.calibration.sigma_low_db < band.calibration.sigma_db < 8.0
    assert band.runs.samples == 0, "one run repeats nothing"
    json.dumps(answer.as_dict(), allow_nan=False)
    assert answer.notes == ("all 2600 MHz: 3 new readings, too few to judge a prediction by",)
    with pytest.raises(InputError, match=r"drive.csv comes without its cells. Try: --cells"):
        drive_test_answer(drive, mapping, None, {})
    other = written(tmp_path, cells.replace("\n1,", "\n11,").replace("\n2,", "\n12,"), "cells.csv")
    with pytest.raises(InputError, match="no band has enough readings"):
        drive_test_answer(drive, mapping, other, listed[1])


def drive_east(*, longitude_deg: float = 9.0, operator: str = "", lost: range = range(0)) -> tuple[str, str]:
    """A table of 500 readings 20 m apart along 65° N from a longitude on, two cells beside it, and the list of both."""
    rng, per_degree_m = np.random.default_rng(1), 111_320.0 * np.cos(np.radians(65.0))
    rows, cells = ["t,lat,lon,dBm,id"], ["id,lat,lon,f,net"]
    for t in range(500):
        away_m = abs(t - (125 if t < 250 else 375)) * 20.0 + 100.0
        level = -20.0 - 30.0 * np.log10(away_m) + rng.normal(0.0, 4.0)
        lon = (longitude_deg + t * 20.0 / per_degree_m + 180.0) % 360.0 - 180.0
        place = "," if t in lost else f"65.0,{lon:.7f}"
        rows.append(f"{t},{place},{level:.1f},{1 if t < 250 else 2}")
    for cell, t in ((1, 125), (2, 375)):
        lon = (longitude_deg + t * 20.0 / per_degree_m + 180.0) % 360.0 - 180.0
        cells.append(f"{cell},65.0009,{lon:.7f},800,{operator}")
    return "\n".join(rows), "\n".join(cells)


PLACES = {"latitude_deg": "lat", "longitude_deg": "lon", "cell": "id"}


def answered(folder: Path, tables: tuple[str, str], **listed: str) -> Any:
    drive, cells = written(folder, tables[0]), written(folder, tables[1], "cells.csv")
    mapping = {**PLACES, "rsrp_dbm": "dBm", "time_s": "t"}
    return drive_test_answer(drive, mapping, cells, {**PLACES, **listed}).as_dict()


def test_a_list_of_cells_without_carriers_is_one_band(tmp_path: Path) -> None:
    known = answered(tmp_path, drive_east(), frequency_mhz="f")
    unknown = answered(tmp_path, drive_east())
    (band,), (other,) = known["bands"], unknown["bands"]
    assert (band.pop("band"), other.pop("band")) == ("all 800 MHz", "all carrier unknown")
    for one in (band, other):
        del one["calibration"]["band"]
    assert band == other
    json.dumps(unknown, allow_nan=False)


def test_the_antimeridian_is_a_line_like_any_other(tmp_path: Path) -> None:
    (here,), (there,) = (
        answered(tmp_path, drive_east(longitude_deg=start), frequency_mhz="f")["bands"] for start in (9.0, 179.9)
    )
    assert here["law"] == there["law"]
    assert here["along_road"]["start_m"] == there["along_road"]["start_m"]
    assert here["calibration"]["sigma_db"] == pytest.approx(there["calibration"]["sigma_db"], abs=0.02)


def test_readings_without_a_place_are_told(tmp_path: Path) -> None:
    found = answered(tmp_path, drive_east(lost=range(10, 13)), frequency_mhz="f")
    assert found["notes"] == ["3 of 500 readings have no position"]


def test_a_drive_that_names_no_operator_goes_with_a_list_that_does(tmp_path: Path) -> None:
    plain = answered(tmp_path, drive_east(), frequency_mhz="f")
    assert answered(tmp_path, drive_east(operator="net"), frequency_mhz="f", operator="net")["bands"] == plain["bands"]
    drive, cells = drive_east(operator="net")
    twice = (drive, cells + "\n1,65.5,9.0,800,other\n2,65.5,9.0,800,other")
    with pytest.raises(InputError, match="500 of 500 readings are of no cell in the list"):
        answered(tmp_path, twice, frequency_mhz="f", operator="net")


def test_an_unknown_cell_matches_nothing(tmp_path: Path) -> None:
    drive, cells = drive_east()
    unknown = "\n".join(line.rsplit(",", 1)[0] + "," for line in drive.splitlines()[1:])
    listed = cells + "\n-1,65.0,9.0,800,"
    with pytest.raises(InputError, match="500 of 500 readings are of no cell in the list"):
        answered(tmp_path, ("t,lat,lon,dBm,id\n" + unknown, listed), frequency_mhz="f")


def test_words_that_belong_to_the_other_kind_are_refused(tmp_path: Path) -> None:
    session(tmp_path, [row(1)])
    for words in (({"cell": "id"}, None, {}), ({}, tmp_path / "cells.csv", {}), ({}, None, {"cell": "id"})):
        with pytest.raises(UsageError, match="is a folder of sessions"):
            drive_test_answer(tmp_path, *words)
    with pytest.raises(UsageError, match="picks one of a folder"):
        drive_test_answer(written(tmp_path, TABLE), MAPPING, None, {}, "net")
    with pytest.raises(InputError, match="No such file"):
        drive_test_answer(tmp_path / "nowhere.csv", MAPPING, None, {})
