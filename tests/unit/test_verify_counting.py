"""What verification counts: servers, removals, cuts, cables, rows; by brute force and other people's graphs."""

from __future__ import annotations

import itertools
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import networkx
import numpy as np
import pytest

from trassa.errors import InputError
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.geopackage import read_layers
from trassa.plan.verify.optical.cable import Cable
from trassa.plan.verify.optical.line import LinkAgain, Network, SpanAgain
from trassa.plan.verify.optical.losses import Passed, aged_loss_db, link_margin_db
from trassa.plan.verify.polyline import Lines, length_m
from trassa.plan.verify.radio.service import Edges, Service, margins_between
from trassa.plan.verify.verdict import Row, Verification
from trassa.radio.settings import RadioSettings

RANDOM = np.random.default_rng(2026)
RULES = OpticalSettings()


def _service(sites: int, bins: int) -> tuple[Service, np.ndarray]:
    dense = RANDOM.normal(2.0, 6.0, (sites, bins))
    dense[RANDOM.random((sites, bins)) < 0.4] = -np.inf
    reached = [np.flatnonzero(np.isfinite(row)) for row in dense]
    margins = tuple(row[at] for row, at in zip(dense, reached, strict=True))
    return Service(bins, tuple(reached), margins, margins), dense


def test_each_site_removed_in_turn_is_the_second_best_margin() -> None:
    service, dense = _service(9, 200)
    site, left = service.worst_down()
    removed = np.array([np.max(np.delete(dense, down, axis=0), axis=0) for down in range(9)])
    assert np.array_equal(left, removed.min(axis=0))
    reached = np.isfinite(dense.max(axis=0))
    assert np.array_equal(site[reached], dense.argmax(axis=0)[reached])
    assert np.array_equal(service.best()[1], dense.max(axis=0))
    assert np.array_equal(service.servers(), (dense >= 0).sum(axis=0))
    best_without = service.best(without=(2, 5))[1]
    assert np.array_equal(best_without, np.delete(dense, (2, 5), axis=0).max(axis=0))


def test_a_bin_has_the_margin_of_its_worse_edge() -> None:
    settings = RadioSettings(sigma_db=8.0, reliability=0.95)
    links = [(np.array([0, 1, 2]), np.array([100.0, 110.0, np.inf]))]
    edges = Edges(np.array([0, 1, 2]), np.array([1, 2, 3]))
    ((bins, margin, level),) = margins_between(links, 1.5, edges, 4, settings)
    assert bins.tolist() == [0]
    assert level.tolist() == [-80.0]
    assert margin[0] == pytest.approx(-80.0 + 110.0 - 1.6448536269514722 * 8.0 - 1.5)


def _network(rng: np.random.Generator, cables: int) -> Network:
    huts = {f"H-{number}": 10_000.0 * number for number in range(5)}
    names = list(huts)
    spans = [
        SpanAgain((a, b), huts[a], huts[b], f"C-{cable}", rng.uniform(9e3, 2e4), 5.0, float(rng.uniform(1, 20)))
        for a, b in itertools.pairwise(names)
        for cable in range(cables)
    ]
    links = []
    for number in range(12):
        tap = float(rng.uniform(1, 39_999))
        for hut in (names[int(tap // 10_000)], names[int(tap // 10_000) + 1]):
            fibre = abs(tap - huts[hut]) * 1.05 + 50.0
            links.append(LinkAgain(f"S-{number}", hut, tap, huts[hut], "C-0", fibre, 5.0, float(rng.uniform(0, 5))))
    return Network(huts, {"H-0", "H-4"}, tuple(spans), tuple(links), (), RULES)


def _by_networkx(network: Network, cut: tuple[float, float, set[str]]) -> tuple[int, set[str], float]:
    """Detoured and stranded sites and worst latency by a shortest path over a plain graph of everything."""
    graph = networkx.DiGraph()
    per_km, hut_us = RULES.latency_us_per_km, RULES.hut_latency_us

    def falls(cable: str, first_m: float, second_m: float) -> bool:
        low, high = sorted((first_m, second_m))
        return cable in cut[2] and low < cut[1] and cut[0] < high

    for hut in network.huts:
        graph.add_edge((hut, "in"), (hut, "out"), weight=hut_us)
    for hut in network.presences:
        graph.add_edge((hut, "out"), "presence", weight=0.0)
    for span in network.spans:
        if not falls(span.cable, span.start_m, span.end_m):
            for a, b in (span.huts, span.huts[::-1]):
                known = graph.get_edge_data((a, "out"), (b, "in"), {"weight": math.inf})["weight"]
                graph.add_edge((a, "out"), (b, "in"), weight=min(known, span.fibre_m / 1000 * per_km))
    detoured, stranded, worst = 0, set(), 0.0
    for site in {link.site for link in network.links}:
        ways = []
        for link in network.links:
            if link.site == site and not falls(link.cable, link.tap_m, link.hut_m):
                try:
                    way = networkx.dijkstra_path_length(graph, (link.hut, "in"), "presence")
                except networkx.NetworkXNoPath:
                    continue
                ways.append(way + link.fibre_m / 1000 * per_km)
        detoured += len(ways) == 1
        if ways:
            worst = max(worst, min(ways))
        else:
            stranded.add(site)
    return detoured, stranded, worst


@pytest.mark.parametrize("cables", [1, 2])
def test_cuts_agree_with_networkx(cables: int) -> None:
    rng = np.random.default_rng(7)
    for _ in range(6):
        network = _network(rng, cables)
        for start in np.arange(0.0, 40_000.0, 2_500.0):
            for falling in ({"C-0"}, {"C-0", "C-1"}):
                cut = (start, start + 2_500.0, falling)
                found = network.outcome(cut)
                detoured, stranded, worst = _by_networkx(network, cut)
                assert found.detoured == detoured
                assert set(found.stranded) == stranded
                assert found.worst_latency_us == pytest.approx(worst)


def test_a_hut_down_takes_its_links_and_spans() -> None:
    network = _network(np.random.default_rng(3), 1)
    down = network.outcome(hut_down="H-2")
    by_it = {link.site for link in network.links if link.hut == "H-2"}
    assert down.detoured == len(by_it)
    assert down.stranded == ()


def test_losses_add_up_by_hand() -> None:
    loss = aged_loss_db(Passed.of(20_000.0, 5 * 0.05, RULES), "1550", RULES)
    assert loss == pytest.approx(20 * 0.975 / 0.97 * 0.22 + 7 * 0.05 + 2 * 0.5 + 3.0)
    optics = next(one for one in RULES.transceivers if one.name == "grey 80 km")
    loss, margin = link_margin_db(Passed.of(1_000.0, 0.05, RULES), optics, RULES)
    new = 0.6 * (0.22 + 3 * 0.05 + 1.0)
    attenuator = math.ceil(11.0 - new)
    assert margin == pytest.approx(min(22.0 - loss, new + attenuator - 11.0))
    assert link_margin_db(Passed.of(90_000.0, 0.05, RULES), optics, RULES)[1] < 0.0


def test_sheath_counts_loops_where_they_lie() -> None:
    line = np.array([0.0, 10_000.0])
    loops = ((0.0, 0.0, 4.0), (2000.0, 5.0, 5.0), (4000.0, 5.0, 5.0), (10_000.0, 4.0, 0.0))
    cable = Cable("C-1", "increasing", 0.0, 10_000.0, line, line * 1.01, loops, (2000.0,), RULES)
    assert cable.route_m(10_000.0) == pytest.approx(10_100.0)
    assert cable.sheath_m(2000.0) == pytest.approx(2020.0 * 1.02 + 4.0 + 5.0)
    assert cable.sheath_m(10_000.0) == pytest.approx(10_100.0 * 1.02 + 4.0 + 10.0 + 10.0 + 4.0)
    assert cable.fibre_between_m(4000.0, 0.0) == pytest.approx((4040.0 * 1.02 + 4.0 + 10.0 + 5.0) / 0.975)
    assert cable.passed(0.0, 2000.0).splices_db == 0.0
    assert cable.passed(0.0, 2001.0).splices_db == RULES.splice_loss_db


def test_feet_on_lines() -> None:
    lines = Lines([(np.array([50.0, 50.1]), np.array([9.0, 9.0])), (np.array([50.0, 50.0]), np.array([9.1, 9.2]))])
    feet = lines.feet(np.array([50.05, 50.001]), np.array([9.001, 9.15]))
    assert feet.line.tolist() == [0, 1]
    assert feet.distance_m == pytest.approx([71.7, 111.2], abs=0.2)
    assert feet.north[0] == pytest.approx(1.0)
    assert feet.east[1] == pytest.approx(1.0)
    broken = (np.array([50.0, np.nan, 50.2, 50.3]), np.array([9.0, np.nan, 9.0, 9.0]))
    assert length_m(*broken) == pytest.approx(11_124.0, abs=2.0)


def test_a_table_names_what_does_not_agree() -> None:
    rows = (
        Row("radio.served", "A 4 km 352+400 →", 1.25, "dB", True, "yes", "fine"),
        Row("radio.margins", "", None, "dB", False, None, "3 bins differ"),
    )
    verification = Verification("A 4", rows, 1.0)
    assert not verification.agrees
    assert verification.holds == "yes"
    assert verification.exit_code == 1
    assert "DOES NOT AGREE" in verification.text()
    assert "+1.25 dB" in verification.text()
    assert verification.as_dict()["rows"][0]["place"] == "A 4 km 352+400 →"
    estimate = Verification("М-11", (Row("radio.served", "", math.inf, "dB", True, "estimate", ""),), 1.0)
    assert estimate.text().startswith("ESTIMATE")
    assert estimate.exit_code == 0
    assert estimate.as_dict()["rows"][0]["margin"] is None
    failing = Verification("A 4", (Row("radio.served", "", -1.0, "dB", True, "no", ""),), 1.0)
    assert failing.exit_code == 1


def test_a_file_that_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    with pytest.raises(InputError, match="does not exist"):
        read_layers(path)
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(InputError, match="not a GeoPackage"):
        read_layers(path)


def test_a_layer_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE bins (start_m REAL, end_m REAL)")
    with pytest.raises(InputError, match="lacks the columns"):
        read_layers(path)
