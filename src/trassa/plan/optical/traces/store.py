"""The traces that a project keeps: healthy ones of its fibres, as they came from the instrument, and its repairs.

::

    DIR/otdr/<first 16 digits of the SHA-256>.sor    the file, unchanged
    DIR/otdr/index.json                              what each is, and the repairs; what is not in it does not count

A file is written before the index names it and goes after the index names it no more, and the index is replaced in one
step: whenever a process dies, the store reads as before or as after. A file that no index names is overwritten by the
same trace, and harms nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trassa.errors import InputError
from trassa.linear import Carriageway
from trassa.optical.otdr import Trace, trace_of
from trassa.plan.folder import only_writer, replace_text, writable

__all__ = ["RecordedRepair", "StoredTrace", "TraceStore"]

_FOLDER, _INDEX = "otdr", "index.json"
_ID_DIGITS = 8
_LEAST_ID_DIGITS = 4


class StoredTrace(BaseModel):
    """One healthy trace: which fibre it is of, from which hut, when, and its file by content.

    ``length_m`` is the fibre to its end by the index in the file; ``epoch`` counts the repairs before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

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

    @property
    def id(self) -> str:
        """By what people name it: the first digits of its SHA-256."""
        return self.sha256[:_ID_DIGITS]

    @property
    def huts(self) -> tuple[str, str]:
        """The two huts in order of their names."""
        first, second = sorted((self.hut, self.far))
        return first, second

    @property
    def told(self) -> str:
        """The trace in words."""
        return f"fibre {self.fibre} of {self.cable}, {self.hut}→{self.far}, {self.date}"


class RecordedRepair(BaseModel):
    """A repair that people have entered: sheath put into a cable at a measure (negative: taken out)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cable: str
    measure_m: float
    inserted_m: float = Field(ge=-500.0, le=500.0)
    date: date

    @property
    def id(self) -> str:
        """By what people name it: digits of a hash of what it says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:_ID_DIGITS]


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    traces: tuple[StoredTrace, ...] = ()
    repairs: tuple[RecordedRepair, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for kind, ids in (("trace", [one.sha256 for one in self.traces]), ("repair", [one.id for one in self.repairs])):
            twice = next((one for one in ids if ids.count(one) > 1), None)
            if twice is not None:
                raise ValueError(f"{kind} {twice} stands in it twice")
        return self


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

    def path(self, stored: StoredTrace) -> Path:
        """Where the file of a trace lies."""
        return self.root / _FOLDER / stored.file

    def data(self, stored: StoredTrace) -> bytes:
        """The bytes of a trace, which are what was put in. Raises :class:`InputError` where they are not."""
        path = self.path(stored)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})", cure=self._lost(stored)) from None
        if hashlib.sha256(data).hexdigest() != stored.sha256:
            raise InputError(f"{path}: is not the file that was put in", cure=self._lost(stored))
        return data

    def _lost(self, stored: StoredTrace) -> str:
        remove = f"trassa optical baselines {self.root} --remove {stored.id}"
        return f"the file from a backup ({stored.told}), or without it `{remove}`"

    def trace(self, stored: StoredTrace) -> Trace:
        """A trace, read."""
        return trace_of(self.data(stored), str(self.path(stored)))

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

    def without(self, ids: Sequence[str], kind: Literal["trace", "repair"]) -> TraceStore:
        """The store without some traces or repairs by their ids; nothing is written.

        An id may be cut to its first four digits, or be the name of a trace's file. Raises :class:`InputError` for one
        that names none or several.
        """
        names = [one.sha256 for one in self.traces] if kind == "trace" else [one.id for one in self.repairs]
        rows = self.traces if kind == "trace" else self.repairs
        gone = {rows[_named(names, one, kind, self.root)] for one in ids}
        return replace(
            self,
            traces=tuple(one for one in self.traces if one not in gone),
            repairs=tuple(one for one in self.repairs if one not in gone),
        )

    def write(self, files: Sequence[bytes] = (), gone: Sequence[StoredTrace] = ()) -> None:
        """Write the new files, then the index, then remove what is gone; who calls holds :meth:`changing`."""
        folder = self.root / _FOLDER
        with writable(folder):
            folder.mkdir(exist_ok=True)
            for left in folder.glob(".*.new"):
                left.unlink(missing_ok=True)
        for data in files:
            _put(folder / f"{hashlib.sha256(data).hexdigest()[:16]}.sor", data)
        index = _Index(traces=self.traces, repairs=self.repairs)
        replace_text(folder / _INDEX, index.model_dump_json(indent=1) + "\n")
        with writable(folder):
            for one in gone:
                (folder / one.file).unlink(missing_ok=True)

    @classmethod
    @contextmanager
    def changing(cls, project: Path) -> Iterator[TraceStore]:
        """The store, held alone while the block runs."""
        with only_writer(project):
            yield cls.of(project)


def _named(names: Sequence[str], wanted: str, kind: str, root: Path) -> int:
    """The place of the one name that begins so."""
    digits = wanted.strip().lower().removesuffix(".sor")
    found = [at for at, name in enumerate(names) if name.startswith(digits)]
    if len(digits) < _LEAST_ID_DIGITS or len(found) != 1:
        several = len(digits) < _LEAST_ID_DIGITS or len(found) > 1
        told = f"{kind}: {wanted!r} {'is too short for one' if several else 'names none'} of the {len(names)} kept"
        raise InputError(told, cure=f"an id as `trassa optical baselines {root}` lists them")
    return found[0]


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
