"""A claim is data: one promise of trassa.toml, and what the plan can say for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trassa.provenance import Assumption

__all__ = ["Claim", "Evidence", "Exemption", "Holds", "Scope", "Worst", "holds_of"]

Holds = Literal["yes", "no", "estimate"]


@dataclass(frozen=True)
class Exemption:
    """A part of the road that a claim does not speak about, and by whose rule."""

    rule: str
    length_m: float
    places: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """What a claim speaks about."""

    text: str
    length_m: float
    exempt: tuple[Exemption, ...] = ()


@dataclass(frozen=True)
class Worst:
    """The worst place of a claim. ``margin`` is positive where it is enough; None stands where nothing is known.

    ``unit`` is that of value and bound; the margin's is in ``margin_unit`` (a level in dBm has a margin in dB).
    """

    place: str
    value: float | None
    bound: float | None
    margin: float | None
    unit: str
    margin_unit: str = ""

    def __post_init__(self) -> None:
        if not self.margin_unit:
            object.__setattr__(self, "margin_unit", "dB" if self.unit == "dBm" else self.unit)


@dataclass(frozen=True)
class Evidence:
    """A layer of plan.gpkg, by content hash, from which the claim can be recomputed."""

    layer: str
    sha256: str


@dataclass(frozen=True)
class Claim:
    """One row of the proof; the fields are those of the design's table, in its order."""

    id: str
    promise: str
    scope: Scope
    method: Mapping[str, Any]
    assumptions: tuple[Assumption, ...]
    worst: Worst
    holds: Holds
    evidence: tuple[Evidence, ...]
    failures: tuple[str, ...] = field(default=())
    """Extents and reasons, one sentence each, where the claim does not hold."""

    def as_dict(self) -> dict[str, Any]:
        """The claim as it stands in ``proof.json``."""
        return {
            "id": self.id,
            "promise": self.promise,
            "scope": {
                "text": self.scope.text,
                "length_m": self.scope.length_m,
                "exempt": [vars(exemption) | {"places": list(exemption.places)} for exemption in self.scope.exempt],
            },
            "method": dict(self.method),
            "assumptions": [assumption.as_dict() for assumption in self.assumptions],
            "worst": vars(self.worst),
            "holds": self.holds,
            "evidence": [vars(evidence) for evidence in self.evidence],
            "failures": list(self.failures),
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Claim:
        """Read back what :meth:`as_dict` wrote."""
        scope = row["scope"]
        exempt = tuple(Exemption(e["rule"], e["length_m"], tuple(e["places"])) for e in scope["exempt"])
        return cls(
            id=row["id"],
            promise=row["promise"],
            scope=Scope(scope["text"], scope["length_m"], exempt),
            method=row["method"],
            assumptions=tuple(Assumption(**assumption) for assumption in row["assumptions"]),
            worst=Worst(**row["worst"]),
            holds=row["holds"],
            evidence=tuple(Evidence(**evidence) for evidence in row["evidence"]),
            failures=tuple(row["failures"]),
        )


def holds_of(claims: Iterable[Claim]) -> Holds:
    """``no`` if any claim is, else ``estimate`` if any is, else ``yes``."""
    verdicts = {claim.holds for claim in claims}
    if "no" in verdicts:
        return "no"
    return "estimate" if "estimate" in verdicts else "yes"
