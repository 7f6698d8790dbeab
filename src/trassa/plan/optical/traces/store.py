"""The traces that a project keeps: healthy ones of its fibres, as they came from the instrument, and its repairs.

::

    DIR/otdr/<first 16 digits of the SHA-256>.sor    the file, unchanged
    DIR/otdr/index.json                              what each is, and the repairs; what is not in it does not count

A file is written before the index names it, and the index is replaced in one step: whenever a process dies, the store
reads as before or as after. A file that no index names is overwritten by the same trace, and harms nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trassa.errors import InputError
from trassa.linear import Carriageway
from trassa.optical.otdr import Trace, trace_of
from trassa.plan.folder import only_writer, replace_text, writable

__all__ = ["RecordedRepair", "StoredTrace", "TraceStore"]

_FOLDER, _INDEX = "otdr", "index.json"


class StoredTrace(BaseModel):
    """One healthy trace: which fibre it is of, from which hut, when, and its file by content.

    ``length_m`` is the fibre to its end by the index in the file; ``epoch`` counts the repairs before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    cable: str
    side: Carriageway
    hut: str
    far: str
    fibre: int = Field(ge=1)
    wavelength_nm: float
    pulse_ns: float
    index: float
    length_m: float
    date: date
    epoch: int = Field(ge=0)

    @property
    def file(self) -> str:
        """Name of the file in the store."""
        return f"{self.sha256[:16]}.sor"


class RecordedRepair(BaseModel):
    """A repair that people have entered: sheath put into a cable at a measure (negative: taken out)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cable: str
    measure_m: float
    inserted_m: float = Field(ge=-500.0, le=500.0)
    date: date


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    traces: tuple[StoredTrace, ...] = ()
    repairs: tuple[RecordedRepair, ...] = ()


@dataclass(frozen=True)
class TraceStore:
    """The traces and repairs of one project, in order of date."""

    root: Path
    traces: tuple[StoredTrace, ...] = ()
    repairs: tuple[RecordedRepair, ...] = ()

    @classmethod
    def of(cls, project: Path) -> TraceStore:
        """The store of a project, empty where there is none yet. Raises :class:`InputError` for a damaged one."""
        path = project / _FOLDER / _INDEX
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return cls(project)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read ({error})", cure="the index from a backup") from None
        try:
            index = _Index.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "document"
            raise InputError(
                f"{path}: {place}: {first['msg']}",
                cure=f"the index from a backup, or without it the files of {path.parent} again by `optical baseline`",
            ) from None
        return cls(project, index.traces, index.repairs)

    def data(self, stored: StoredTrace) -> bytes:
        """The bytes of a trace, which are what was put in. Raises :class:`InputError` where they are not."""
        path = self.root / _FOLDER / stored.file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror})", cure=f"the file from a backup: {self._told(stored)}"
            ) from None
        if hashlib.sha256(data).hexdigest() != stored.sha256:
            raise InputError(
                f"{path}: is not the file that was put in", cure=f"the file from a backup: {self._told(stored)}"
            )
        return data

    def trace(self, stored: StoredTrace) -> Trace:
        """A trace, read."""
        return trace_of(self.data(stored), str(self.root / _FOLDER / stored.file))

    def same_as(self, data: bytes) -> StoredTrace | None:
        """The stored trace of the same content, or None."""
        sha256 = hashlib.sha256(data).hexdigest()
        return next((stored for stored in self.traces if stored.sha256 == sha256), None)

    def of_span(self, cable: str, huts: Sequence[str]) -> tuple[StoredTrace, ...]:
        """The traces of one cable between two huts, from either."""
        ends = set(huts)
        return tuple(one for one in self.traces if one.cable == cable and {one.hut, one.far} == ends)

    def with_trace(self, stored: StoredTrace) -> TraceStore:
        """The store with one trace more; nothing is written."""
        rows = sorted((*self.traces, stored), key=lambda one: (one.date, one.hut, one.fibre, one.sha256))
        return replace(self, traces=tuple(rows))

    def with_repair(self, repair: RecordedRepair) -> TraceStore:
        """The store with one repair more; nothing is written."""
        rows = sorted((*self.repairs, repair), key=lambda one: (one.date, one.measure_m))
        return replace(self, repairs=tuple(rows))

    def with_epochs(self, epochs: dict[str, int]) -> TraceStore:
        """The store with the epochs of some traces, by their SHA-256; nothing is written."""
        rows = (one.model_copy(update={"epoch": epochs.get(one.sha256, one.epoch)}) for one in self.traces)
        return replace(self, traces=tuple(rows))

    def write(self, files: Sequence[bytes] = ()) -> None:
        """Write the new files, then the index; who calls holds :meth:`changing`."""
        folder = self.root / _FOLDER
        with writable(folder):
            folder.mkdir(exist_ok=True)
            for left in folder.glob(".*.new"):
                left.unlink(missing_ok=True)
        for data in files:
            _put(folder / f"{hashlib.sha256(data).hexdigest()[:16]}.sor", data)
        index = _Index(traces=self.traces, repairs=self.repairs)
        replace_text(folder / _INDEX, index.model_dump_json(indent=1) + "\n")

    @classmethod
    @contextmanager
    def changing(cls, project: Path) -> Iterator[TraceStore]:
        """The store, held alone while the block runs."""
        with only_writer(project):
            yield cls.of(project)

    def _told(self, stored: StoredTrace) -> str:
        return f"fibre {stored.fibre} of {stored.cable}, {stored.hut}→{stored.far}, {stored.date}"


def _put(path: Path, data: bytes) -> None:
    rough = path.with_name(f".{path.name}.new")
    try:
        with writable(path), rough.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with writable(path):
            os.replace(rough, path)
    finally:
        rough.unlink(missing_ok=True)
