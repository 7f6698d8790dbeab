"""The stage store: what each stage found, kept with the hash of everything it read.

A stage whose key is unchanged is not run again. The store is a cache: the proof is never read from it.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import trassa
from trassa.errors import TrassaError
from trassa.linear import Layer, Schema
from trassa.plan.bom import BomLine
from trassa.plan.folder import staged_folder
from trassa.pricing import Price
from trassa.provenance import Assumption

__all__ = ["StageResult", "code_digest", "key_of", "load", "save"]

_DAMAGE = (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file of the store may end in; a cache that cannot be read is no cache."""

_NOT_PLANNING = {"cli", "twin", "live", "vehicles", "toll"}
"""Rooms whose code no stage of a plan runs."""


@dataclass(frozen=True)
class StageResult:
    """What a stage hands on: layers by name, figures for claims and report, assumptions, lines of the BOM."""

    layers: Mapping[str, Layer]
    figures: Mapping[str, Any]
    assumptions: tuple[Assumption, ...] = ()
    bom: tuple[BomLine, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def digest(self) -> str:
        """SHA-256 over all that later stages may read."""
        parts = [f"{name}:{layer.digest()}" for name, layer in sorted(self.layers.items())]
        parts.append(json.dumps(_body(self), sort_keys=True, ensure_ascii=False))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def code_digest() -> str:
    """SHA-256 over the rooms that plan: a plan made by other code is not up to date."""
    package = Path(trassa.__file__).parent
    sha = hashlib.sha256()
    for file in sorted(
        [*package.rglob("*.py"), *package.rglob("*.csv"), *package.rglob("*.json"), *package.rglob("templates/*")]
    ):
        if not _NOT_PLANNING & set(file.relative_to(package).parts):
            sha.update(str(file.relative_to(package)).encode() + file.read_bytes())
    return sha.hexdigest()


def key_of(stage: str, reads: Iterable[str]) -> str:
    """The key of a stage: its name, the code, and the digests of everything it reads, in order."""
    return hashlib.sha256("\n".join([stage, code_digest(), *reads]).encode()).hexdigest()


def save(folder: Path, key: str, result: StageResult) -> None:
    """Keep a stage's result under ``folder``, replacing the one before in one step."""
    with staged_folder(folder) as fresh:
        for name, layer in result.layers.items():
            np.savez(fresh / f"{name}.npz", allow_pickle=False, **_stored(layer))
        digests = {name: layer.digest() for name, layer in result.layers.items()}
        body = {"key": key, "layers": digests, "digest": result.digest(), **_body(result)}
        (fresh / "stage.json").write_text(json.dumps(body, ensure_ascii=False, indent=1), "utf-8")


def load(folder: Path, key: str, schemas: Mapping[str, Schema]) -> StageResult | None:
    """The stored result of a stage, or None where there is none for this key or it was tampered with."""
    try:
        body = json.loads((folder / "stage.json").read_text("utf-8"))
        if body["key"] != key:
            return None
        layers = {}
        for name, digest in body["layers"].items():
            with (folder / f"{name}.npz").open("rb") as file, np.load(file) as stored:
                layers[name] = Layer.from_columns(schemas[name], **dict(stored))
            if layers[name].digest() != digest:
                return None
        bom = tuple(BomLine(**{**line, "price": Price(**line["price"])}) for line in body["bom"])
        assumptions = tuple(Assumption(**assumption) for assumption in body["assumptions"])
        kept = StageResult(layers, body["figures"], assumptions, bom, tuple(body["notes"]))
        return kept if kept.digest() == body["digest"] else None
    except (*_DAMAGE, TrassaError):
        return None


def _stored(layer: Layer) -> dict[str, npt.NDArray[Any]]:
    """The columns as arrays that need no pickling."""
    texts = {column.name for column in layer.schema.columns if column.type == "text"}
    return {name: array.astype(np.str_) if name in texts else array for name, array in layer.columns.items()}


def _body(result: StageResult) -> dict[str, Any]:
    return {
        "figures": dict(result.figures),
        "assumptions": [assumption.as_dict() for assumption in result.assumptions],
        "bom": [{**vars(line), "price": line.price.model_dump()} for line in result.bom],
        "notes": list(result.notes),
    }
