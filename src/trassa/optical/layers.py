"""The layers that the optical stage writes; columns and units are in ``layers.csv``."""

from __future__ import annotations

from importlib.resources import files

from trassa.linear import Schema, schemas_from_csv

__all__ = ["IN_THE_VERGE", "SCHEMAS"]

SCHEMAS: dict[str, Schema] = schemas_from_csv(files(__package__).joinpath("layers.csv").read_text("utf-8"))

IN_THE_VERGE = (
    "cables",
    "chambers",
    "closures",
    "reels",
    "spans",
    "fibres",
    "cuts",
    "ducts",
    "hut_entries",
    "crossings",
)
"""Layers that are drawn along the trench, ``optical.verge_offset_m`` outwards from their carriageway's axis."""
