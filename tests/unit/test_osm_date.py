"""The day of a map's data, read from the head of the extract."""

from __future__ import annotations

import gzip
from pathlib import Path

import osmium
import pytest

from trassa.road.osm import date_of_map

NODE = '<node id="1" version="1" timestamp="2019-01-01T00:00:00Z" lat="50.0" lon="10.0"/>'


@pytest.mark.parametrize(
    ("head", "day"),
    [
        ('<osm version="0.6" generator="Overpass API"><meta osm_base="2021-10-27T14:42:29Z"/>', "2021-10-27"),
        ('<osm version="0.6" timestamp="2024-02-29T20:21:00Z">', "2024-02-29"),
        ('<osm version="0.6">', ""),
        ('<osm version="0.6" timestamp="soon">', ""),
    ],
)
def test_the_day_of_the_data_is_that_of_the_head(tmp_path: Path, head: str, day: str) -> None:
    """Not that of the first object in it."""
    text = f'<?xml version="1.0"?>{head}{NODE}</osm>'.encode()
    (tmp_path / "x.osm").write_bytes(text)
    (tmp_path / "x.osm.gz").write_bytes(gzip.compress(text))
    assert date_of_map(tmp_path / "x.osm") == day
    assert date_of_map(tmp_path / "x.osm.gz") == day


@pytest.mark.parametrize("stamp", ["2023-05-06T20:21:02Z", ""])
def test_a_packed_extract_has_its_replication_day(tmp_path: Path, stamp: str) -> None:
    header = osmium.io.Header()
    if stamp:
        header.set("osmosis_replication_timestamp", stamp)
    with osmium.SimpleWriter(str(tmp_path / "x.osm.pbf"), header=header) as writer:
        writer.add_node(osmium.osm.mutable.Node(id=1, location=(10.0, 50.0)))
    assert date_of_map(tmp_path / "x.osm.pbf") == stamp[:10]
