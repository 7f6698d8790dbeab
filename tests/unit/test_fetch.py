"""Fetching against a server in this process that serves the layouts of Overpass and of the Copernicus store.

It breaks off in the middle, is too busy, answers 200 with a remark and forgets tiles; nothing leaves this machine.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_terrain import glo, plane

from trassa.errors import InputError
from trassa.road.fetch import FetchedRoad, fetch_road
from trassa.road.fetch.copernicus import tile_name, tiles_around
from trassa.road.fetch.overpass import ref_spellings, road_query, surroundings_query
from trassa.road.lattice import Bounds
from trassa.road.osm import read_areas
from trassa.road.settings import RoadSettings
from trassa.road.survey import surveyed_road
from trassa.road.terrain import read_terrain

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="Overpass API">\n<note>ODbL</note>\n'


def way(number: int, nodes: list[int], **tags: str) -> str:
    refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
    return f'<way id="{number}">{refs}' + "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()) + "</way>\n"


def road_xml(south_deg: float, west_deg: float, ref: str, first: int = 1, km: int = 40) -> str:
    """Two carriageways due east, a vertex about every 500 m, ids from ``first``."""
    count = 2 * km
    nodes = ""
    for side in (0, 1):
        for i in range(count):
            lat, lon = south_deg + side * 2e-4, west_deg + i * 0.007
            nodes += f'<node id="{first + side * count + i}" lat="{lat:.6f}" lon="{lon:.6f}"/>\n'
    east = list(range(first, first + count))
    west = list(range(first + 2 * count - 1, first + count - 1, -1))
    common = {"highway": "motorway", "ref": ref, "oneway": "yes", "lanes": "2", "name": "Дорога"}
    return nodes + way(first, east, **common) + way(first + 1, west, **common)


WOOD = "".join(
    f'<node id="{9000 + i}" lat="{50.51 + dy}" lon="{9.5 + dx}"/>'
    for i, (dx, dy) in enumerate(((0, 0), (0.01, 0), (0.01, 0.01)))
) + way(9000, [9000, 9001, 9002, 9000], landuse="forest", name="Лес")


class Server(ThreadingHTTPServer):
    """Answers by what the test put into ``roads``, ``surroundings`` and ``store``; misbehaves as ``mischief`` says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.roads = road_xml(50.5, 9.3, "A 4")
        self.store: dict[str, bytes] = {}
        self.mischief: list[str] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.etag = '"v1"'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, announce: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if announce is None else announce))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        query = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["data"][0]
        self.server.seen.append(("POST", query, dict(self.headers)))
        mischief = self.server.mischief.pop(0) if self.server.mischief else ""
        xml = HEAD + (WOOD + self.server.roads if "[bbox:" in query else self.server.roads) + "</osm>\n"
        if mischief == "429":
            self.answer(429, b"Too Many Requests", {"Retry-After": "7"})
        elif mischief == "504":
            self.answer(504, b"<html>busy</html>")
        elif mischief == "400":
            self.answer(400, b"<html><p>parse error: Unknown type</p></html>")
        elif mischief.startswith("remark"):
            remark = f"<remark> runtime error: {mischief[7:]} </remark>\n"
            self.answer(200, (HEAD + remark + "</osm>\n").encode())
        elif mischief == "break":
            self.answer(200, xml.encode()[:500], announce=len(xml.encode()))
            self.close_connection = True
        elif mischief == "cut":
            self.answer(200, xml.encode()[:-200])
        else:
            self.answer(200, xml.encode())

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        self.server.seen.append(("GET", name, dict(self.headers)))
        body = self.server.store.get(name)
        if body is None:
            self.answer(404, b"NoSuchKey")
            return
        mischief = self.server.mischief.pop(0) if self.server.mischief else ""
        headers = {"ETag": self.server.etag}
        begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        status, rest = 200, body
        if begin and self.headers.get("If-Range") == self.server.etag:
            status, rest = 206, body[int(begin[1]) :]
            headers["Content-Range"] = f"bytes {begin[1]}-{len(body) - 1}/{len(body)}"
        if mischief == "break":
            self.answer(status, rest[: len(rest) // 3], headers, announce=len(rest))
            self.close_connection = True
        elif mischief == "503":
            self.answer(503, b"Slow Down")
        else:
            self.answer(status, rest, headers)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    for south, west in ((50, 9), (50, 10)):
        name = tile_name(south, west)
        server.store[f"30/{name}/{name}.tif"] = glo(tmp_path / "tile.tif", south, west, 120, 80).read_bytes()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(server: Server, into: Path, ref: str = "A 4", **options: Any) -> FetchedRoad:
    naps: list[float] = options.pop("naps", [])
    urls = {
        "overpass_url": f"{server.url}/api/interpreter",
        "dem_url": f"{server.url}/30",
        "coarse_dem_url": f"{server.url}/90",
    }
    return fetch_road(ref, into, **urls, **({"sleep": naps.append, "reach_m": 5000.0} | options))


def test_a_fetched_road_can_be_surveyed_on_its_terrain(server: Server, tmp_path: Path) -> None:
    shares: list[float] = []
    got = fetch(server, tmp_path / "a4", progress=shares.append)
    assert [p.name for p in got.osm] == ["a4.osm.gz"]
    merged = gzip.decompress(got.osm[0].read_bytes()).decode()
    ids = re.findall(r'<(node|way|relation) id="(\d+)"', merged)
    assert len(ids) == len(set(ids)) == 2 * 80 + 3 + 2 + 1
    assert [kind for kind, _ in ids] == sorted(kind for kind, _ in ids)  # nodes before ways
    assert [p.name for p in got.dem] == [f"{tile_name(50, 9)}.tif"]
    road = surveyed_road(RoadSettings(ref="A 4"), got.osm)
    assert road.carriageways == ("increasing", "decreasing")
    assert road.length_m == pytest.approx(39_230, abs=30)
    terrain = read_terrain(got.dem, "surface")
    line = road.alignments["increasing"]
    np.testing.assert_allclose(
        terrain.height_m(line.latitude_deg, line.longitude_deg), plane(line.latitude_deg, line.longitude_deg), atol=1e-3
    )
    ((tags, wood),) = read_areas(got.osm, (9.0, 50.0, 10.0, 51.0))
    assert tags == {"landuse": "forest", "name": "Лес"}
    assert wood.area == pytest.approx(0.5e-4)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_everything_says_where_it_comes_from(server: Server, tmp_path: Path) -> None:
    got = fetch(server, tmp_path / "a4", contact="planner@example.org")
    text = got.attribution.read_text("utf-8")
    assert "© OpenStreetMap contributors, Open Database License" in text
    assert "a4.osm.gz" in text
    assert "Copernicus WorldDEM-30" in text
    account = json.loads((tmp_path / "a4" / "fetch.json").read_text("utf-8"))
    assert account["terrain_kind"] == "surface"
    assert set(account["files"]) == {"a4.osm.gz", got.dem[0].name}
    receipt = json.loads((tmp_path / "a4" / f"{got.dem[0].name}.receipt.json").read_text("utf-8"))
    assert receipt["sha256"] == account["files"][got.dem[0].name]["sha256"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", receipt["fetched"])
    agents = {headers["User-Agent"] for _, _, headers in server.seen}
    assert len(agents) == 1
    assert "trassa/" in agents.copy().pop()
    assert "planner@example.org" in agents.pop()
    queries = [query for kind, query, _ in server.seen if kind == "POST"]
    assert all(query.startswith("[out:xml][timeout:180]") for query in queries)


def test_a_second_call_asks_for_nothing(server: Server, tmp_path: Path) -> None:
    first = fetch(server, tmp_path / "a4")
    before = len(server.seen)
    again = fetch(server, tmp_path / "a4")
    assert [entry for entry in server.seen[before:] if entry[0] == "POST" or "N50" in entry[1]] == []
    assert again.osm[0].read_bytes()[10:] == first.osm[0].read_bytes()[10:]  # the gzip header holds a time
    (tmp_path / "a4" / first.dem[0].name).write_bytes(b"spoilt")
    fetch(server, tmp_path / "a4")
    assert any("N50" in name for kind, name, _ in server.seen[before:] if kind == "GET")


def test_a_tile_that_breaks_off_goes_on_where_it_broke(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path / "whole")
    server.seen.clear()
    name = f"{tile_name(50, 9)}.tif"
    whole = server.store[f"30/{tile_name(50, 9)}/{name}"]
    overpass_calls = 1 + len(list((tmp_path / "whole" / "overpass").glob("box-*.osm")))
    server.mischief = [""] * overpass_calls + ["break", "break", "503"]
    got = fetch(server, tmp_path / "a4")
    ranges = [headers.get("Range") for kind, _, headers in server.seen if kind == "GET"]
    third = len(whole) // 3
    second = third + (len(whole) - third) // 3
    assert ranges == [None, f"bytes={third}-", f"bytes={second}-", f"bytes={second}-"]
    assert got.dem[0].read_bytes() == whole
    assert not list((tmp_path / "a4").glob("*.part*"))


def test_what_arrived_before_a_crash_is_kept_unless_the_file_has_changed(server: Server, tmp_path: Path) -> None:
    name = tile_name(50, 9)
    whole = server.store[f"30/{name}/{name}.tif"]
    for etag, expected in (('"v1"', "206"), ('"v0"', "200")):
        into = tmp_path / expected
        into.mkdir()
        (into / f"{name}.tif.part").write_bytes(whole[:1000] if etag == server.etag else b"x" * 1000)
        (into / f"{name}.tif.part.etag").write_text(etag)
        assert fetch(server, into).dem[0].read_bytes() == whole
        asked = [headers for kind, path, headers in server.seen if kind == "GET"][-1]
        assert (asked["Range"], asked["If-Range"]) == ("bytes=1000-", etag)


def test_busy_and_broken_answers_are_asked_again(server: Server, tmp_path: Path) -> None:
    naps: list[float] = []
    server.mischief = ["429", "504", "504", "break"]
    fetch(server, tmp_path / "a4", naps=naps)
    assert naps == [7.0, 30.0, 60.0, 8.0]
    server.mischief = ["429"] * 99
    with pytest.raises(InputError, match=r"failed 6 times \(the server answers 429\).*goes on from there"):
        fetch(server, tmp_path / "b4")


def test_a_remark_is_a_failure_although_the_status_is_200(server: Server, tmp_path: Path) -> None:
    server.mischief = ["remark open64: 0 Success /osm3s_v0.7.55 Dispatcher_Client::1"]
    with pytest.raises(InputError, match=r"Overpass refused the query .runtime error: open64"):
        fetch(server, tmp_path / "a4")
    server.mischief = ['remark Query timed out in "query" at line 1 after 181 seconds.']
    with pytest.raises(InputError, match="Overpass gave up"):
        fetch(server, tmp_path / "a4")
    assert not list((tmp_path / "a4" / "overpass").glob("*.osm"))
    server.mischief = ["cut"]
    with pytest.raises(InputError, match="breaks off after"):
        fetch(server, tmp_path / "a4")
    server.mischief = ["400"]
    with pytest.raises(InputError, match="answers 400: parse error: Unknown type"):
        fetch(server, tmp_path / "a4")
    assert fetch(server, tmp_path / "a4").osm[0].is_file()


def test_a_box_that_is_too_large_is_halved(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path / "whole")
    plain = Counter(kind for kind, _, _ in server.seen)["POST"]
    server.seen.clear()
    server.mischief = ["", "remark Query run out of memory using about 2048 MB of RAM."]
    got = fetch(server, tmp_path / "a4")
    boxes = [q for kind, q, _ in server.seen if kind == "POST" and "[bbox:" in q]
    assert len(boxes) == plain - 1 + 2
    corners = [[float(x) for x in re.search(r"bbox:([^\]]+)", q)[1].split(",")] for q in boxes[:3]]  # type: ignore[index]
    (whole, one, two) = corners
    assert [min(one[i], two[i]) for i in (0, 1)] == whole[:2]
    assert [max(one[i], two[i]) for i in (2, 3)] == whole[2:]
    assert surveyed_road(RoadSettings(ref="A 4"), got.osm).length_m > 39_000


def test_missing_tiles_are_coarse_tiles_or_sea(server: Server, tmp_path: Path) -> None:
    server.roads = road_xml(50.5, 9.6, "A 4", km=70)
    hidden = tile_name(50, 10)
    coarse = tile_name(50, 10, 30)
    tile = server.store.pop(f"30/{hidden}/{hidden}.tif")
    got = fetch(server, tmp_path / "sea")
    assert [p.name for p in got.dem] == [f"{tile_name(50, 9)}.tif", "sea_N50E010.hgt.gz"]
    assert any("open sea, height 0" in note and hidden in note for note in got.notes)
    assert read_terrain(got.dem, "surface").height_m(50.3, 10.3) == 0.0
    server.store[f"90/{coarse}/{coarse}.tif"] = tile
    got = fetch(server, tmp_path / "coarse")
    assert [p.name for p in got.dem] == [f"{tile_name(50, 9)}.tif", f"{coarse}.tif"]
    assert any("not public; the 90-m tile" in note for note in got.notes)
    server.store.clear()
    with pytest.raises(InputError, match="none of 2 elevation tiles exists"):
        fetch(server, tmp_path / "none")


def test_a_tile_that_is_no_raster_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    name = tile_name(50, 9)
    server.store[f"30/{name}/{name}.tif"] = b"<html>welcome to the hotel network</html>"
    with pytest.raises(InputError, match="not a raster"):
        fetch(server, tmp_path / "a4")
    assert not (tmp_path / "a4" / f"{name}.tif").exists()


def test_two_roads_of_one_number_must_be_told_apart(server: Server, tmp_path: Path) -> None:
    server.roads = road_xml(50.5, 9.3, "A 4") + road_xml(45.0, 7.0, "A4", first=5000, km=30)
    with pytest.raises(
        InputError, match=r"2 roads are called 'A 4': 50\.5° N 9\.6° E \(78 km\), 45\.0° N 7\.2° E.*--near 50\.5,9\.6"
    ):
        fetch(server, tmp_path / "a4")
    got = fetch(server, tmp_path / "a4", near=(50.0, 9.0))
    assert [p.name for p in got.dem] == [f"{tile_name(50, 9)}.tif"]
    server.roads = ""
    with pytest.raises(InputError, match="knows no road 'A 99'"):
        fetch(server, tmp_path / "a99", ref="A 99")


def test_spellings_cover_blank_hyphen_and_both_alphabets() -> None:
    assert ref_spellings("М-11")[0] == "М-11"
    assert set(ref_spellings("M11")) == {"M11", "M-11", "M 11", "М-11", "М 11", "М11"}
    assert set(ref_spellings("D 4")) == {"D 4", "D-4", "D4"}
    assert '["ref"="М-11"]' in road_query("M-11")
    with pytest.raises(InputError, match="names no road"):
        ref_spellings(" - ")


def test_surroundings_ask_for_what_the_survey_reads() -> None:
    query = surroundings_query(Bounds(9.0, 50.0, 9.5, 50.2))
    assert "[bbox:50.00000,9.00000,50.20000,9.50000]" in query
    for needed in ("milestone", "motorway_junction", "communication:", "forest", "wood", "residential", '["building"]'):
        assert needed in query
    assert {"minor_line", "substation", "transformer", "farmyard"} <= set(re.findall(r"\w+", query)), "mains"
    assert query.count("(") == query.count(")")


def test_tile_names_and_reach() -> None:
    assert tile_name(56, 36) == "Copernicus_DSM_COG_10_N56_00_E036_00_DEM"
    assert tile_name(-3, -72, 30) == "Copernicus_DSM_COG_30_S03_00_W072_00_DEM"
    assert tiles_around([55.5], [36.5], 15_000) == [(55, 36)]
    assert tiles_around([55.9, 55.5], [36.9, 36.5], 15_000) == [(55, 36), (55, 37), (56, 36), (56, 37)]
