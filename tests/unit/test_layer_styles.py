"""Styles in plan.gpkg: every layer of the line has a colour of its own, in QML that parses, and built plant shows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pyogrio
import pytest

from drawn_road import drawn_road
from trassa.optical.layers import SCHEMAS
from trassa.optical.plan import plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.road.exchange import write_geopackage

GREY = "110,110,110"
ROAD = drawn_road(30_000.0)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = [Connection(f"K-{n}", 2000.0 + 1900.0 * n, "decreasing", 20.0, "camera") for n in range(12)]
    plan = plan_optical(ROAD, found, OpticalSettings(cables=2, check_transmission=False))
    path = tmp_path_factory.mktemp("styles") / "plan.gpkg"
    write_geopackage(path, ROAD, plan.layers, attribution="x")
    return path


def _styles(package: Path) -> dict[str, ElementTree.Element]:
    with closing(sqlite3.connect(package)) as connection:
        rows = connection.execute("SELECT f_table_name, styleQML FROM layer_styles").fetchall()
    return {name: ElementTree.fromstring(qml.split("\n", 1)[1]) for name, qml in rows}


def _options(style: ElementTree.Element, *names: str) -> list[str]:
    return [str(option.get("value")) for option in style.iter("Option") if option.get("name") in names]


def test_every_layer_of_the_line_has_a_colour(package: Path) -> None:
    styles = _styles(package)
    located = {name for name, schema in SCHEMAS.items() if schema.located_by != "table"}
    assert located & set(styles)
    for name in located & set(styles):
        colours = _options(styles[name], "color", "line_color")
        assert colours, name
        assert not [colour for colour in colours if colour.startswith(GREY)], name


@pytest.mark.filterwarnings("ignore:Measured")
def test_symbols_are_of_the_kind_of_their_geometry(package: Path) -> None:
    """Opened by another reader: lines are drawn as lines, points as markers, and a label's column exists."""
    for name, style in _styles(package).items():
        info = pyogrio.read_info(package, layer=name)
        kinds = {symbol.get("type") for symbol in style.iter("symbol")}
        assert kinds == {"line" if "LineString" in info["geometry_type"] else "marker"}, name
        for text in style.iter("text-style"):
            assert text.get("fieldName") in info["fields"]


def test_what_is_built_has_a_colour_of_its_own(package: Path) -> None:
    styles = _styles(package)
    for name in ("chambers", "closures", "reels", "huts"):
        renderer = next(styles[name].iter("renderer-v2"))
        assert renderer.get("attr") == "origin"
        values = [category.get("value") for category in styles[name].iter("category")]
        assert values == ["planned", "as built"]
        assert len(set(_options(styles[name], "color", "line_color"))) == 2
