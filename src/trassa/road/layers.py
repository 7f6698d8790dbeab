"""The layers that the road stage writes; columns and units are in ``layers.csv``."""

from __future__ import annotations

from importlib.resources import files

from trassa.linear import Schema, schemas_from_csv

__all__ = ["SCHEMAS"]

SCHEMAS: dict[str, Schema] = schemas_from_csv(files(__package__).joinpath("layers.csv").read_text("utf-8"))
