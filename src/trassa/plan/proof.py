"""proof.json: the claims, what they were computed from, and a seal over the whole.

The seal only detects accidents: anybody can compute it anew. What catches a forger is ``trassa verify``, which
computes every claim again by another path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trassa.errors import InputError
from trassa.plan.claim import Claim, Holds, holds_of

__all__ = ["FORMAT", "Proof", "seal_of"]

FORMAT = "trassa-proof-1"


@dataclass(frozen=True)
class Proof:
    """The proof of one plan.

    ``road`` holds ref, axis, length_m and reference carriageway; ``figures`` what the claims' methods refer to by
    name (solver status, bounds, gap); ``inputs`` the sources by file name and SHA-256.
    """

    road: Mapping[str, Any]
    claims: tuple[Claim, ...]
    figures: Mapping[str, Any]
    inputs: tuple[Mapping[str, Any], ...]
    settings_sha256: str
    software: Mapping[str, str]

    @property
    def holds(self) -> Holds:
        """The verdict over all claims."""
        return holds_of(self.claims)

    def to_json(self) -> str:
        """The file's text, sealed."""
        body: dict[str, Any] = {
            "format": FORMAT,
            "road": dict(self.road),
            "holds": self.holds,
            "claims": [claim.as_dict() for claim in self.claims],
            "figures": dict(self.figures),
            "inputs": [dict(source) for source in self.inputs],
            "settings_sha256": self.settings_sha256,
            "software": dict(self.software),
        }
        body["seal"] = seal_of(body)
        return json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Proof:
        """Read a proof; a missing, damaged or unsealed file is an :class:`InputError`."""
        try:
            body = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise InputError(f"proof: {path} does not exist", cure=f"trassa run {path.parent}") from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(f"proof: {path} is not JSON ({error})", cure=f"trassa run {path.parent}") from None
        said = body.get("format") if isinstance(body, dict) else None
        if said != FORMAT:
            cure = f"trassa run {path.parent}"
            raise InputError(f"proof: {path} has format {said!r}, this version reads {FORMAT!r}", cure=cure)
        if body.get("seal") != seal_of(body):
            raise InputError(f"proof: the seal of {path} does not fit its content", cure=f"trassa run {path.parent}")
        try:
            claims = tuple(Claim.from_dict(row) for row in body["claims"])
            keys = ("figures", "settings_sha256", "software")
            return cls(body["road"], claims, inputs=tuple(body["inputs"]), **{key: body[key] for key in keys})
        except (KeyError, TypeError, AttributeError) as error:
            cure = f"trassa run {path.parent}"
            raise InputError(f"proof: {path} lacks a part of a proof ({error})", cure=cure) from None


def seal_of(body: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of everything but the seal itself."""
    rest = {key: value for key, value in body.items() if key != "seal"}
    canonical = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
