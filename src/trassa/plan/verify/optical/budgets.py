"""The other columns of the power budgets: least and typical loss and the attenuator, from the loss computed again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from trassa.optical.settings import OpticalSettings, TransceiverClass
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.line import Network
from trassa.plan.verify.verdict import Row

__all__ = ["check_budgets"]

_TOLERANCE_DB = 0.02


def check_budgets(evidence: Evidence, network: Network) -> Row:
    """The row ``optical.budgets`` over all links and segments of rings."""
    rules = evidence.settings.optical
    classes = {optics.name: optics for optics in rules.transceivers}
    wrong, count = [], 0
    for name, row, glass_db, loss_db in _rows(evidence, network):
        count += 1
        optics = classes.get(str(row["optics"]))
        if optics is None or not math.isfinite(loss_db):
            wrong.append(f"{name} has no budget")
            continue
        for column, due in _due(row, glass_db, loss_db, optics, rules).items():
            if not abs(float(row[column]) - due) <= _TOLERANCE_DB:
                wrong.append(f"{name}: {column} stated {float(row[column]):.2f}, found {due:.2f}")
    said = "; ".join(wrong[:3]) or f"least and typical losses of {count} budgets"
    return Row("optical.budgets", "", None, "", not wrong, None, said)


def _rows(
    evidence: Evidence, network: Network
) -> Iterator[tuple[str, Mapping[str, int | float | str | bool], float, float]]:
    """Name, row, and loss of the fibre and of the whole computed again, of every link and segment."""
    for row, link in zip(evidence.layers["links"].rows(), network.links, strict=True):
        yield str(row["link"]), row, link.glass_db, link.loss_db
    for ring in network.rings:
        rows = evidence.layers["ring_segments"].where(ring=ring.name).rows()
        for row, glass_db, loss_db in zip(rows, ring.glass_db, ring.loss_db, strict=True):
            yield f"{row['first']}–{row['second']}", row, glass_db, loss_db


def _due(
    row: Mapping[str, int | float | str | bool],
    glass_db: float,
    loss_db: float,
    optics: TransceiverClass,
    rules: OpticalSettings,
) -> dict[str, float]:
    """Losses back from the end of life to the first day; the attenuator in whole decibels that the rest asks for."""
    grown_db = glass_db * (rules.helix_ratio / rules.helix_ratio_low - 1.0)
    typical_db = loss_db - rules.repair_margin_db - grown_db
    stated_db = float(row["attenuator_db"])
    new_db = rules.first_day_ratio * (typical_db - stated_db)
    attenuator_db = math.ceil(max(optics.least_loss_db - new_db - 1e-9, 0.0))
    return {
        "typical_loss_db": typical_db,
        "first_day_loss_db": new_db + stated_db,
        "attenuator_db": float(attenuator_db),
        "budget_db": optics.budget_db,
    }
