"""What verification answers: one row for each thing computed again, and the table a ministry can file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from trassa.plan.claim import Holds

__all__ = ["Row", "Verification", "judged"]

_HEADS = ("claim", "worst place, computed again", "margin", "agrees", "holds", "detail")


@dataclass(frozen=True)
class Row:
    """One thing computed again.

    ``claim`` is the claim's id, or the part of the project that was checked (``inputs``, ``alignment`` …). ``holds``
    is the verdict of the recomputation, None where the row only compares. ``margin`` is positive where it is enough.
    """

    claim: str
    place: str
    margin: float | None
    unit: str
    agrees: bool
    holds: Holds | None
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """The row as it stands in the JSON answer; a margin that is not finite becomes null."""
        row = asdict(self)
        if self.margin is not None and not math.isfinite(self.margin):
            row["margin"] = None
        return row

    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of the table's heads."""
        margin = "–" if self.margin is None or not math.isfinite(self.margin) else f"{self.margin:+.2f} {self.unit}"
        agrees = "agrees" if self.agrees else "DOES NOT AGREE"
        return (self.claim, self.place or "–", margin.strip(), agrees, self.holds or "–", self.detail)


@dataclass(frozen=True)
class Verification:
    """All rows of one verification."""

    road: str
    rows: tuple[Row, ...]
    seconds: float

    @property
    def agrees(self) -> bool:
        """Whether every recomputation came to what the plan says, within its stated tolerance."""
        return all(row.agrees for row in self.rows)

    @property
    def holds(self) -> Holds:
        """``no`` if any recomputed claim is, else ``estimate`` if any is, else ``yes``."""
        verdicts = {row.holds for row in self.rows}
        if "no" in verdicts:
            return "no"
        return "estimate" if "estimate" in verdicts else "yes"

    @property
    def exit_code(self) -> int:
        """1 if a claim is ``no`` or a recomputation disagrees, else 0."""
        return 1 if self.holds == "no" or not self.agrees else 0

    def as_dict(self) -> dict[str, Any]:
        """The answer of ``trassa verify --json``."""
        return {
            "road": self.road,
            "holds": self.holds,
            "agrees": self.agrees,
            "rows": [row.as_dict() for row in self.rows],
            "seconds": round(self.seconds, 1),
        }

    def text(self) -> str:
        """The table, one line per row, columns aligned; the first word is ESTIMATE where the plan is one."""
        table = [_HEADS, *(row.cells() for row in self.rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(_HEADS) - 1)]
        lines = ["  ".join([c.ljust(w) for c, w in zip(line, widths, strict=False)] + [line[-1]]) for line in table]
        word = {"yes": "HOLDS", "no": "DOES NOT HOLD", "estimate": "ESTIMATE"}[self.holds]
        agreement = "every recomputation agrees" if self.agrees else "a recomputation DOES NOT AGREE"
        return "\n".join([f"{word} · {self.road} · {agreement}", *lines])


def judged(part: str, check: Callable[[], list[Row]]) -> list[Row]:
    """The rows of a check; values that no plan can hold end it, and count against the plan."""
    try:
        return check()
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        said = f"cannot be computed again from what plan.gpkg and proof.json hold ({type(error).__name__}: {error})"
        return [Row(part, "", None, "", False, None, said)]
