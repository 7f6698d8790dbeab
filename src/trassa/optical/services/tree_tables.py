"""Rows of the layers that tell of passive trees: their splitters, and the ways of each place to both huts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trassa.optical.access.latency import fibre_latency_us
from trassa.optical.access.trees import Branch, Tree
from trassa.optical.fibre_plan import spans_of
from trassa.optical.line import Line

__all__ = ["splitter_rows", "tree_link_rows"]

Row = dict[str, int | float | str | bool]


def splitter_rows(lines: Sequence[Line], closure_at: Mapping[tuple[str, float], str]) -> list[Row]:
    """A row for every splitter; ``closure_at`` names closures and huts by cable and measure."""
    rows: list[Row] = []
    for name, line, span, tree, _ in _trees(lines):
        payload = line.rules.trees.payload_ratio
        rows.append(
            {
                "tree": name,
                "measure_m": tree.splitter_m,
                "cable": line.cables[0],
                "closure": closure_at[line.cables[0], tree.splitter_m],
                "split": tree.split,
                "connections": len(tree.branches),
                "fibres": tree.fibres,
                "hut_before": line.hut_names[span],
                "hut_behind": line.hut_names[span + 1],
                "optics": tree.pon.name,
                "rate_mbps": tree.rate_mbps,
                "limit_mbps": payload * min(tree.pon.rate_down_mbps, tree.pon.rate_up_mbps),
            }
        )
    return rows


def tree_link_rows(lines: Sequence[Line]) -> list[Row]:
    """Two rows for every place on a tree, to the hut before and to the hut behind."""
    return [
        _link(name, line, tree, branch, first, span, side)
        for name, line, span, tree, first in _trees(lines)
        for branch in tree.branches
        for side in (0, 1)
    ]


def _trees(lines: Sequence[Line]) -> list[tuple[str, Line, int, Tree, int]]:
    """Every tree with its name, line, span and the first of its fibres."""
    return [
        (use.use, line, span, use.tree, use.first)
        for line, span, _, uses in spans_of(lines)
        for use in uses
        if use.tree is not None
    ]


def _link(name: str, line: Line, tree: Tree, branch: Branch, first: int, span: int, side: int) -> Row:
    lengths, budget = branch.lengths[side], branch.budgets[side]
    return {
        "tree": name,
        "connection": branch.drop.connection.name,
        "hut": line.hut_names[span + side],
        "measure_m": branch.drop.tap_m,
        "splitter_m": tree.splitter_m,
        "port": branch.port,
        "cable": line.cables[0],
        "cable_fibre": first + branch.fibre - 1 if branch.fibre else 0,
        "route_m": lengths.route_m,
        "fibre_m": lengths.fibre_m,
        "first_day_loss_db": budget.first_day_loss_db,
        "typical_loss_db": budget.typical_loss_db,
        "loss_db": budget.loss_db,
        "attenuator_db": budget.attenuator_db,
        "optics": tree.pon.name,
        "budget_db": tree.pon.budget_db,
        "margin_db": budget.margin_db,
        "latency_us": float(fibre_latency_us(lengths.fibre_m, line.rules)) + line.rules.trees.latency_us,
    }
