"""A list of built plant: what is read from it, in every way of writing it, and what is refused with its line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyogrio import raw
from pyproj import Geod, Transformer

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.optical.as_built.listing import read_as_built
from trassa.optical.plant.built import AsBuilt, MarkedSheath
from trassa.optical.settings import OpticalSettings

ROAD = drawn_road(20_000.0)
RULES = OpticalSettings(verge_offset_m=0.0)
TWO = RULES.model_copy(update={"cables": 2})
TRENCH = TWO.model_copy(update={"second_cable": "same_trench"})

HEAD = "section,item,name,cable,position,loop_m,sheath_mark_m,mark_in_m,mark_out_m\n"
LOT = """lot 1,hut,Weimar,C-1,A 1 km 2+000,6,,,12
lot 1,chamber,K 1,C-1,km 3+000,,1040,,
lot 1,chamber,K 2,C-1,km 4+000,15,,,
lot 1,joint,M 2,C-1,km 4+000,,,2085,7000
lot 1,tap,T 3,C-1,km 4+500,,6470,,
lot 1,chamber,K 4,C-1,km 5+000,,,,
lot 1,joint,M 4,C-1,km 5+000,20,5930,,
"""


def _read(folder: Path, text: str, rules: OpticalSettings = RULES, name: str = "list.csv") -> AsBuilt:
    path = folder / name
    path.write_text(text, "utf-8")
    return read_as_built(path, ROAD, rules)


def test_a_list_is_read_place_by_place(tmp_path: Path) -> None:
    (section,) = _read(tmp_path, HEAD + LOT).sections
    assert (section.name, section.cable) == ("lot 1", 0)
    found = [(p.measure_m, p.chamber, p.closure, p.hut, p.joint, p.loop_m) for p in section.places]
    assert found == [
        (2000.0, "", "", "Weimar", False, 6.0),
        (3000.0, "K 1", "", "", False, None),
        (4000.0, "K 2", "M 2", "", True, 15.0),
        (4500.0, "", "T 3", "", False, None),
        (5000.0, "K 4", "M 4", "", True, 20.0),
    ]
    assert section.marked == (
        MarkedSheath(2000.0, 3000.0, 1028.0),
        MarkedSheath(3000.0, 4000.0, 1045.0),
        MarkedSheath(4000.0, 4500.0, 530.0),
        MarkedSheath(4500.0, 5000.0, 540.0),
    )


def test_a_mark_that_was_not_read_parts_reels_and_joins_pieces_of_one(tmp_path: Path) -> None:
    unread = LOT.replace(",1040,,", ",,,").replace(",,2085,7000", ",,2085,")
    (section,) = _read(tmp_path, HEAD + unread).sections
    assert section.marked == (MarkedSheath(2000.0, 4000.0, 2073.0), MarkedSheath(4500.0, 5000.0, 540.0))


def _semicolons(text: str) -> str:
    return text.replace(",", ";").replace(";15;", ";15,0;").replace("5930", "5930,0")


@pytest.mark.parametrize(
    "write",
    [
        _semicolons,
        lambda text: text.replace(",", "\t"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.replace("C-1", "").replace("\n", "\n\n"),
        lambda text: "\n".join([text.splitlines()[0].upper().lower(), *reversed(text.splitlines()[1:])]) + "\n",
    ],
    ids=["semicolons", "tabs", "bom and crlf", "one cable, blank lines", "from the far end"],
)
def test_however_it_is_written(tmp_path: Path, write: object) -> None:
    assert _read(tmp_path, write(HEAD + LOT)).sections == _read(tmp_path, HEAD + LOT).sections


def _points() -> tuple[np.ndarray, np.ndarray]:
    """Where the rows of the lot stand, 12 m beside the axis: by the geodesic that the road was drawn on."""
    line = ROAD.alignments["increasing"]
    geod = Geod(ellps="WGS84")
    lon, lat = [], []
    for at_m in (2000.0, 3000.0, 4000.0, 4000.0, 4500.0, 5000.0, 5000.0):
        x, y = np.interp(at_m, line.measure_m, line.longitude_deg), np.interp(at_m, line.measure_m, line.latitude_deg)
        east, north, _ = geod.fwd(x, y, 180.0, 12.0)
        lon.append(east)
        lat.append(north)
    return np.array(lon), np.array(lat)


def _columns() -> dict[str, np.ndarray]:
    head, rows = HEAD.strip().split(","), [line.split(",") for line in LOT.splitlines()]
    texts = {name: [row[i] for row in rows] for i, name in enumerate(head) if name != "position"}
    found: dict[str, np.ndarray] = {}
    for name, values in texts.items():
        if name.endswith("_m"):
            found[name] = np.array([float(value) if value else np.nan for value in values])
        else:
            found[name] = np.array(values, dtype=object)
    return found


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32632"])
def test_points_of_a_geopackage_are_put_on_the_road(tmp_path: Path, crs: str) -> None:
    lon, lat = _points()
    x, y = (lon, lat) if crs == "EPSG:4326" else Transformer.from_crs(4326, crs, always_xy=True).transform(lon, lat)
    path, columns = tmp_path / "list.gpkg", _columns()
    raw.write(
        path,
        shapely.to_wkb(shapely.points(x, y)),
        list(columns.values()),
        list(columns),
        layer="plant",
        driver="GPKG",
        geometry_type="Point",
        crs=crs,
    )
    (section,) = read_as_built(path, ROAD, RULES).sections
    (due,) = _read(tmp_path, HEAD + LOT).sections
    assert [p.measure_m for p in section.places] == pytest.approx([p.measure_m for p in due.places], abs=0.05)
    assert [p.closure for p in section.places] == [p.closure for p in due.places]
    assert [m.sheath_m for m in section.marked] == [m.sheath_m for m in due.marked]


def test_degrees_do_for_a_position(tmp_path: Path) -> None:
    lon, lat = _points()
    rows = [line.split(",") for line in LOT.splitlines()]
    lines = [",".join([*r[:4], f"{y:.8f}", f"{x:.8f}", *r[5:]]) for r, x, y in zip(rows, lon, lat, strict=True)]
    text = "\n".join([HEAD.strip().replace("position", "latitude,longitude"), *lines])
    (section,) = _read(tmp_path, text).sections
    assert [p.measure_m for p in section.places] == pytest.approx([2000, 3000, 4000, 4500, 5000], abs=0.05)
    far = text.replace(lines[1].split(",")[4], f"{lat[1] + 0.0025:.8f}")
    with pytest.raises(InputError, match=r"list.csv, line 3: 'K 1' at .* lies 2\d\d m off A 1, farther than 200 m"):
        _read(tmp_path, far)


def test_lots_that_meet_in_one_joint_are_one_section(tmp_path: Path) -> None:
    second = "lot 2,joint,M 4,C-1,km 5+002,,,,100\nlot 2,chamber,K 9,C-1,km 6+000,,,,\n"
    second += "lot 2,joint,M 9,C-1,km 7+000,,2150,,\n"
    (section,) = _read(tmp_path, HEAD + LOT.replace("20,5930,,", "20,,5930,") + second).sections
    assert section.name == "lot 1, lot 2"
    assert [p.measure_m for p in section.places] == [2000.0, 3000.0, 4000.0, 4500.0, 5000.0, 6000.0, 7000.0]
    assert section.places[4].loop_m == 20.0
    assert section.marked[-1] == MarkedSheath(5000.0, 7000.0, 2050.0)


def test_both_cables_of_a_row(tmp_path: Path) -> None:
    text = HEAD + LOT.replace("C-1", '"C-1,C-2"')
    first, second = _read(tmp_path, text, TRENCH).sections
    assert (first.cable, second.cable) == (0, 1)
    assert first.places == second.places


FAULTS = [
    ("chamber,K 1", "manhole,K 1", "line 3: item 'manhole' is none"),
    ("K 1", "", "line 3: the name is empty"),
    ("lot 1,chamber,K 1", ",chamber,K 1", "line 3: the section is empty"),
    ("K 4", "K 1", "line 7: 'K 1' stands twice, first in list.csv, line 3"),
    ("K 1,", "K–1,", "line 3: name 'K–1' holds '–'"),
    ("K 1,C-1", "K 1,C-3", "line 3: cable 'C-3', but optical.cables = 1"),
    ("K 1,C-1", "K 1,cable", "line 3: cable 'cable' is no cable"),
    ("km 3+000", "km 4+800", "line 4: chamber 'K 2' at A 1 km 4.000 stands behind 'K 1'"),
    ("km 3+000", "B 7 km 3+000", "line 3: 'B 7 km 3.000' lies on B 7, not A 1"),
    ("km 3+000", "km 33+000", "line 3: .*33"),
    ("km 3+000", "", "line 3: says not where it stands"),
    ("km 4+500", "km 4+003", "line 6: tap 'T 3' stands within 5 m of joint 'M 2'"),
    (",,1040,,", ",,9040,,", "line 3: mark 9040 of 'K 1' leaves 9028.0 m of sheath behind mark 12 at A 1 km 2"),
    (",,1040,,", ",,970,,", "line 3: mark 970 of 'K 1' leaves 958.0 m .* take 980.0..1356.0 m"),
    (",,2085,7000", ",,20,7000", "line 5: mark 20 of 'M 2' counts back behind mark 1040"),
    (",,1040,,", ",,,1040,1050", "line 3: two marks, but the cable passes a chamber uncut"),
    (",,2085,7000", ",2085,2085,7000", "line 5: sheath_mark_m beside mark_in_m"),
    (",15,,,\n", ",-3,,,\n", "line 4: loop_m '-3' is no length of 0..1000 m"),
    (",15,,,\n", ",15 m,,,\n", "line 4: loop_m '15 m' is no length"),
    (",15,,,\n", ",15,,\n", "line 4: not 9 fields"),
    (
        "lot 1,joint,M 4,C-1,km 5+000,20,5930,,\n",
        "",
        "line 7: section 'lot 1' ends at chamber 'K 4', where the cable passes",
    ),
    ("M 2,C-1,km 4+000,,", "M 2,C-1,km 4+000,4,", "line 5: loop_m of 'M 2' beside that of 'K 2'"),
    ("section,item", "lot,item", "has no column section"),
    ("position", "place", "says of no row where it stands"),
]


@pytest.mark.parametrize(("old", "new", "said"), FAULTS, ids=[said for _, _, said in FAULTS])
def test_a_fault_is_named_with_file_line_value_and_cure(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (HEAD + LOT).replace(old, new, 1)
    assert text != HEAD + LOT
    with pytest.raises(InputError, match=f"list.csv.*{said}") as caught:
        _read(tmp_path, text)
    assert caught.value.cure


MEASURED = HEAD.strip() + ",splice_loss_db,attenuation_1310_db_per_km,attenuation_1550_db_per_km\n"


def _measured(**cells: str) -> str:
    """The lot with three more fields a row, empty but for those named by the row's name."""
    rows = [line.split(",") for line in LOT.splitlines()]
    return MEASURED + "".join(",".join([*row, cells.get(row[2].replace(" ", ""), ",,")]) + "\n" for row in rows)


def test_what_acceptance_measured_is_read_at_closures_and_where_reels_begin(tmp_path: Path) -> None:
    (section,) = _read(tmp_path, _measured(Weimar=",0.33,0.19", M2="-0.1,,0.205", T3="3,,", M4="0.06,,")).sections
    found = {(p.hut or p.closure): (p.splice_loss_db, *p.attenuation_db_per_km) for p in section.places}
    nan = float("nan")
    due = {"Weimar": (nan, 0.33, 0.19), "M 2": (-0.1, nan, 0.205), "T 3": (3.0, nan, nan), "M 4": (0.06, nan, nan)}
    for name, values in due.items():
        assert found[name] == pytest.approx(values, nan_ok=True), name


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"M2": "-0.11,,"}, "line 5: splice_loss_db '-0.11' is none of -0.1..3; .*mean of both ways"),
        ({"M2": "3.01,,"}, "line 5: splice_loss_db '3.01' is none of -0.1..3"),
        ({"M2": "good,,"}, "line 5: splice_loss_db 'good' is none of"),
        ({"M2": "nan,,"}, "line 5: splice_loss_db 'nan' is none of"),
        ({"M2": ",0.09,"}, "line 5: attenuation_1310_db_per_km '0.09' is none of 0.1..1"),
        ({"Weimar": ",,1.2"}, "line 2: attenuation_1550_db_per_km '1.2' is none of 0.1..1"),
        ({"Weimar": "0.05,,"}, "line 2: splice_loss_db '0.05' at a hut; .* in the row of a joint or tap"),
        ({"K1": "0.05,,"}, "line 3: splice_loss_db '0.05' at a chamber"),
        ({"T3": ",,0.2"}, "line 6: attenuation_1550_db_per_km '0.2' at a tap; .* in the row of a joint or hut"),
        ({"M4": ",,0.2"}, "line 8: attenuation_1550_db_per_km 0.2 of 'M 4', behind which section 'lot 1' has no reel"),
    ],
)
def test_a_measured_value_that_cannot_be(tmp_path: Path, cells: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, _measured(**cells))
    assert re.search(f"list.csv, {said}", f"{caught.value.message}; {caught.value.cure}"), caught.value


def test_a_joint_of_two_lots_has_one_mean_and_the_second_ones_reel(tmp_path: Path) -> None:
    second = "lot 2,joint,M 4,C-1,km 5+002,,,,100,{},,0.21\nlot 2,joint,M 9,C-1,km 7+000,,2150,,,,,\n"
    lots = _measured(M4="0.06,,").replace("20,5930,,", "20,,5930,")
    for told in ("", "0.06"):
        (section,) = _read(tmp_path, lots + second.format(told)).sections
        assert section.places[4].splice_loss_db == 0.06
        assert section.places[4].attenuation_db_per_km[1] == 0.21
    with pytest.raises(InputError, match=r"line 9: splice_loss_db 0.07 of 'M 4', but 0.06 in list.csv, line 8"):
        _read(tmp_path, lots + second.format("0.07"))


SECOND = "lot 2,joint,M 5,C-1,km 4+800,,,,\nlot 2,joint,M 6,C-1,km 6+000,,,,\n"
HUT_BETWEEN = "lot 2,joint,M 5,C-2,km 3+500,,,,\nlot 2,hut,Apolda,C-2,km 4+800,,,,\n"


@pytest.mark.parametrize(
    ("more", "rules", "said"),
    [
        (SECOND, RULES, "line 9: section 'lot 2' begins at A 1 km 4.800, before 'lot 1' ends at A 1 km 5.000"),
        (HUT_BETWEEN, TWO, "line 10: hut 'Apolda' stands within section 'lot 1' of C-1, which does not list it"),
        (SECOND.replace("C-1", "C-2"), TRENCH, "line 9: section 'lot 2' of C-2 has not the places of C-1"),
        ("lot 2,joint,M 5,C-1,km 7+000,,,,\n", RULES, "line 9: section 'lot 2' has one place only"),
    ],
)
def test_sections_that_do_not_go_together(tmp_path: Path, more: str, rules: OpticalSettings, said: str) -> None:
    with pytest.raises(InputError, match=said):
        _read(tmp_path, HEAD + LOT + more, rules)


def test_files_that_are_no_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"list.csv: holds no row"):
        _read(tmp_path, HEAD)
    with pytest.raises(InputError, match=r"list.gpkg cannot be read"):
        _read(tmp_path, HEAD, name="list.gpkg")
    (tmp_path / "latin.csv").write_bytes("section;item;name\nä".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin.csv: is not UTF-8"):
        read_as_built(tmp_path / "latin.csv", ROAD, RULES)


def test_the_list_that_the_page_shows(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "optical.md").read_text("utf-8")
    begin = page.index("section;item;name")
    (tmp_path / "list.csv").write_text(page[begin : page.index("```", begin)], "utf-8")
    road = drawn_road(20_000.0, ref="A 4", start_km=345.0)
    (section,) = read_as_built(tmp_path / "list.csv", road, RULES).sections
    assert [place.closure or place.chamber for place in section.places] == ["K 1", "K 2", "M 1", "T 1", "M 2"]
    assert len(section.marked) == 4
