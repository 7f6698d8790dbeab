"""Verification goes its own way: what it imports of the product is listed here, and nothing of the planner is in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import trassa.plan.verify

ROOM = Path(trassa.plan.verify.__file__).parent
ALLOWED = (
    "trassa.errors",
    "trassa.decibels",
    "trassa.provenance",
    "trassa.linear",
    "trassa.plan.claim",
    "trassa.plan.proof",
    "trassa.plan.settings",
    "trassa.plan.verify",
    "trassa.optical.layers",
    "trassa.optical.service_settings",
    "trassa.optical.settings",
    "trassa.radio.layers",
    "trassa.radio.settings",
    # the reference kernel and what it is made of, no step of which the fast path takes
    "trassa.radio.diffraction",
    "trassa.radio.p1812",
    "trassa.radio.path_properties",
    "trassa.radio.rural_macro",
    # tables of the standards and the reader of a file: what is computed with them, verification computes itself
    "trassa.radio.carrier",
    "trassa.radio.rate",
    "trassa.radio.antenna_file",
    "trassa.road.layers",
    "trassa.road.osm",
    "trassa.road.exchange.raster",
)


@pytest.mark.parametrize("module", sorted(ROOM.rglob("*.py")), ids=lambda path: path.stem)
def test_verification_imports_raw_readers_and_the_reference_kernel_only(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        named = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        for name in named:
            planner = name.startswith("trassa") and not _allowed(name)
            assert not planner, f"{module.name}:{node.lineno} imports {name}: compute it by another path"


def _allowed(name: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in ALLOWED)
