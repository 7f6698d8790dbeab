"""Default styles, stored in the GeoPackage's ``layer_styles`` table, from where QGIS takes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

from trassa.linear import Layer

__all__ = ["add_styles"]

_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30),
    ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))
"""
_CONTENTS = "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', ?)"
_STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
    styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, ?, 'trassa', ?, '', 1, ?, '')
"""


@dataclass(frozen=True)
class _Symbol:
    """A marker or a line in one colour (red,green,blue); ``size_mm`` is diameter or width."""

    shape: str
    colour: str
    size_mm: float
    label: str = ""


_SYMBOLS = {
    "alignment": _Symbol("circle", "90,90,90", 0.6),
    "posts": _Symbol("diamond", "60,60,60", 2.0, "label_km"),
    "structures": _Symbol("line", "120,85,40", 1.2),
    "cross_sections": _Symbol("line", "150,150,150", 0.8),
    "places": _Symbol("square", "40,90,160", 2.6, "name"),
    "masts": _Symbol("triangle", "130,130,130", 3.0, "name"),
    "power": _Symbol("circle", "150,110,0", 0.8),
    "findings": _Symbol("line", "230,120,0", 1.6),
    "candidates": _Symbol("triangle", "190,190,190", 1.4),
    "sites": _Symbol("triangle", "200,30,30", 4.0, "site"),
    "unserved": _Symbol("line", "120,0,120", 2.2),
    "cables": _Symbol("line", "0,110,60", 0.7),
    "spans": _Symbol("line", "0,150,90", 0.4),
    "reels": _Symbol("line", "0,110,60", 0.3),
    "cuts": _Symbol("line", "160,60,60", 0.3),
    "chambers": _Symbol("square", "0,110,60", 1.2),
    "closures": _Symbol("circle", "0,110,60", 2.0, "closure"),
    "huts": _Symbol("square", "0,70,200", 4.0, "hut"),
    "links": _Symbol("circle", "0,150,90", 1.6),
    "label_intervals": _Symbol("line", "60,60,60", 0.3),
    "siting_rows": _Symbol("line", "200,30,30", 0.4),
    "ahead": _Symbol("line", "120,120,170", 0.3),
    "cells": _Symbol("triangle", "230,90,60", 2.4),
    "handovers": _Symbol("diamond", "130,60,130", 1.6),
    "backbone_equipment": _Symbol("square", "107,79,160", 1.6),
    "ducts": _Symbol("line", "150,100,40", 0.9),
    "hut_entries": _Symbol("square", "150,100,40", 1.6),
    "crossings": _Symbol("diamond", "31,95,168", 2.4, "name"),
    "as_built": _Symbol("circle", "224,161,0", 1.8, "name"),
    "connections": _Symbol("diamond", "0,130,160", 2.2, "connection"),
    "drop_cables": _Symbol("circle", "0,130,160", 1.2),
    "ring_segments": _Symbol("line", "31,122,77", 0.5),
    "splitters": _Symbol("triangle", "31,122,77", 2.2, "tree"),
    "tree_links": _Symbol("circle", "31,122,77", 1.0),
    "fibres": _Symbol("line", "107,79,160", 0.2),
    "amplifiers": _Symbol("triangle", "107,79,160", 2.6, "type"),
    "wavelengths": _Symbol("line", "107,79,160", 0.6),
    "aggregation": _Symbol("square", "35,32,107", 2.0),
    "backbone_load": _Symbol("line", "35,32,107", 0.8, "wavelengths"),
    "availability": _Symbol("circle", "200,120,0", 1.8, "minutes_per_year"),
    "hut_losses": _Symbol("square", "160,60,60", 2.4),
    "edge_places": _Symbol("star", "0,70,200", 4.0, "hut"),
}
_BUILT = "224,161,0"
"""The colour of what stands or lies already, in layers that say so."""

_MARGIN_CLASSES = (
    (-1000.0, 0.0, "165,0,38", "not served"),
    (0.0, 3.0, "253,174,97", "0 to 3 dB"),
    (3.0, 6.0, "255,230,140", "3 to 6 dB"),
    (6.0, 10.0, "166,217,106", "6 to 10 dB"),
    (10.0, 20.0, "102,189,99", "10 to 20 dB"),
    (20.0, 1000.0, "0,104,55", "20 dB and more"),
)


def add_styles(path: Path, layers: Mapping[str, Layer]) -> None:
    """Give every layer that has a geometry its default style. The file must hold no ``layer_styles`` table yet."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_TABLE)
        connection.execute(_CONTENTS, ("layer_styles",))
        geometry_of = dict(connection.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        for name, layer in layers.items():
            if name in geometry_of:
                connection.execute(_STYLE, (name, geometry_of[name], _qml(name, layer), layer.schema.description))


def _qml(name: str, layer: Layer) -> str:
    if name == "bins":
        return _document(_margin_renderer())
    default = "line" if layer.schema.located_by == "extent" else "circle"
    symbol = _SYMBOLS.get(name, _Symbol(default, "110,110,110", 1.0))
    renderer = (
        f'<renderer-v2 type="singleSymbol" symbollevels="0"><symbols>{_symbol("0", symbol)}</symbols></renderer-v2>'
    )
    if "origin" in {column.name for column in layer.schema.columns}:
        renderer = _origin_renderer(symbol)
    return _document(renderer + (_labels(symbol.label) if symbol.label else ""), labelled=bool(symbol.label))


def _document(body: str, labelled: bool = False) -> str:
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    attributes = f'version="3.28.0" styleCategories="Symbology|Labeling" labelsEnabled="{int(labelled)}"'
    return f"{head}<qgis {attributes}>{body}</qgis>"


def _origin_renderer(symbol: _Symbol) -> str:
    """What is planned in its colour, what is built in another."""
    kinds = (("planned", symbol), ("as built", replace(symbol, colour=_BUILT)))
    categories = "".join(
        f'<category symbol="{i}" value={quoteattr(kind)} label={quoteattr(kind)} render="true"/>'
        for i, (kind, _) in enumerate(kinds)
    )
    symbols = "".join(_symbol(str(i), drawn) for i, (_, drawn) in enumerate(kinds))
    return (
        '<renderer-v2 type="categorizedSymbol" attr="origin" symbollevels="0">'
        f"<categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2>"
    )


def _margin_renderer() -> str:
    ranges = "".join(
        f'<range symbol="{i}" lower="{low}" upper="{high}" label={quoteattr(text)} render="true"/>'
        for i, (low, high, _, text) in enumerate(_MARGIN_CLASSES)
    )
    symbols = "".join(_symbol(str(i), _Symbol("line", c, 1.4)) for i, (_, _, c, _) in enumerate(_MARGIN_CLASSES))
    return (
        '<renderer-v2 type="graduatedSymbol" attr="margin_db" graduatedMethod="GraduatedColor" symbollevels="0">'
        f"<ranges>{ranges}</ranges><symbols>{symbols}</symbols></renderer-v2>"
    )


def _symbol(name: str, symbol: _Symbol) -> str:
    colour = f"{symbol.colour},255"
    if symbol.shape == "line":
        kind, layer_class = "line", "SimpleLine"
        options = {"line_color": colour, "line_width": symbol.size_mm, "line_width_unit": "MM", "capstyle": "flat"}
    else:
        kind, layer_class = "marker", "SimpleMarker"
        options = {"name": symbol.shape, "color": colour, "size": symbol.size_mm, "size_unit": "MM"}
        options |= {"outline_color": "255,255,255,255", "outline_width": 0.2, "outline_style": "solid"}
    listed = "".join(f'<Option type="QString" name="{k}" value="{v}"/>' for k, v in options.items())
    return (
        f'<symbol type="{kind}" name="{name}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="{layer_class}" enabled="1" locked="0" pass="0"><Option type="Map">{listed}</Option></layer>'
        "</symbol>"
    )


def _labels(field: str) -> str:
    return (
        '<labeling type="simple"><settings calloutType="simple">'
        f'<text-style fieldName={quoteattr(field)} isExpression="0" fontSize="8" textColor="40,40,40,255">'
        '<text-buffer bufferDraw="1" bufferSize="0.8" bufferColor="255,255,255,255"/></text-style>'
        '<placement placement="6" dist="1"/></settings></labeling>'
    )
