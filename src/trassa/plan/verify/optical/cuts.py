"""The rows of the layer ``cuts``, read for every check that makes the cuts again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["cut_of"]


def cut_of(row: Mapping[str, Any]) -> tuple[float, float, frozenset[str]]:
    """A row as the network takes it: start and end of the interval, metres of measure, and the cables that fall."""
    falls = frozenset(name.strip() for name in str(row["cables"]).split(","))
    return float(row["start_m"]), float(row["end_m"]), falls
