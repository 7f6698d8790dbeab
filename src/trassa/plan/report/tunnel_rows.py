"""The report's table of head-ends in tunnels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trassa.linear import ARROWS, Layer
from trassa.plan.amounts import amount_text, figure_text, margin_text
from trassa.road.model import Road

__all__ = ["tunnel_rows"]


def tunnel_rows(road: Road, heads: Layer, bins: Layer, currency: str) -> list[dict[str, Any]]:
    """The head-ends of tunnels, each with the stretch of its bore and the least margin where it is the best."""
    rows: list[dict[str, Any]] = []
    each: Iterator[dict[str, Any]] = map(dict, heads.rows())
    for row in each:
        bore, mine = bins.where(bore=row["bore"]), bins.where(head=row["head"])
        arrow = ARROWS[row["carriageway"]]
        rows.append(
            row
            | {
                "place": f"{road.text(row['measure_m'])} {arrow}",
                "stretch": f"{road.span_text(float(bore['start_m'].min()), float(bore['end_m'].max()))} {arrow}",
                "power": f"{figure_text(row['power_per_re_dbm'], 1)} dBm",
                "margin": margin_text(float(mine["margin_db"].min())) if len(mine) else "–",
                "cost": amount_text(row["cost_minor"], currency),
            }
        )
    return rows
