"""Layers: typed columns, exact names, and a hash that notices every change."""

from __future__ import annotations

import pytest

from trassa.errors import InputError
from trassa.linear import Layer, schemas_from_csv

SCHEMA = schemas_from_csv(
    "layer,located_by,column,type,unit,description\n"
    "huts,position,,,,Huts\n"
    "huts,position,hut,text,,Name\n"
    "huts,position,measure_m,float,m,Place\n"
    "huts,position,fibres,int,,Count\n"
    "huts,position,powered,bool,,Power\n"
)["huts"]
ROWS = [
    {"hut": "Кшавa", "measure_m": 10.5, "fibres": 3, "powered": True},
    {"hut": "B", "measure_m": float("nan"), "fibres": 4, "powered": False},
]


def test_rows_come_back_as_they_were_given() -> None:
    layer = Layer.from_rows(SCHEMA, ROWS)
    assert len(layer) == 2
    assert list(layer.rows())[0] == ROWS[0]
    assert layer.where(powered=False)["hut"].tolist() == ["B"]


def test_an_empty_layer_has_typed_columns() -> None:
    layer = Layer.empty(SCHEMA)
    assert len(layer) == 0
    assert [layer[c.name].dtype.kind for c in SCHEMA.columns] == ["O", "f", "i", "b"]


def test_missing_and_unknown_columns_are_named() -> None:
    with pytest.raises(InputError, match=r"missing columns \['fibres'\], unknown columns \['fiber'\]"):
        Layer.from_columns(SCHEMA, hut=["a"], measure_m=[1.0], fiber=[1], powered=[True])
    with pytest.raises(InputError, match="unknown columns"):
        Layer.from_rows(SCHEMA, [{**ROWS[0], "colour": "red"}])


@pytest.mark.parametrize("change", [{"hut": "C"}, {"measure_m": 10.500001}, {"fibres": 5}, {"powered": False}])
def test_the_digest_notices_every_change(change: dict[str, object]) -> None:
    same = Layer.from_rows(SCHEMA, ROWS).digest()
    assert Layer.from_rows(SCHEMA, [dict(row) for row in ROWS]).digest() == same
    assert Layer.from_rows(SCHEMA, [{**ROWS[0], **change}, ROWS[1]]).digest() != same  # type: ignore[dict-item]


def test_a_schema_must_hold_what_locates_its_rows() -> None:
    text = "layer,located_by,column,type,unit,description\nx,extent,,,,X\nx,extent,start_m,float,m,Start\n"
    with pytest.raises(InputError, match="lacks \\['end_m'\\]"):
        schemas_from_csv(text)
