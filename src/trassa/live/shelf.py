"""A shelf of the archive: Parquet files in a folder per hour, and the day keys under which stations are hidden.

    archive/raw/2026-06-05T12/…parquet      what was received, byte for byte; goes after ``raw_hours``
    archive/places/2026-06-05T12/…parquet   where and how fast; goes after ``places_days``
    archive/keys/2026-06-05.key             goes with the day's last raw hour: from then on no station is found again

A folder of an hour is one data set to every Parquet reader. Files are written aside and renamed, so a file that is
there is whole. Hours and days are those of UTC.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from trassa.clock import rfc3339

__all__ = ["HOUR_MS", "DayKeys", "Shelf", "hour_name"]

HOUR_MS = 3_600_000
_ASIDE = ".new-"
_CACHED_STATIONS = 1_000_000


def hour_name(time_ms: int) -> str:
    """The name of the hour of a moment, ``2026-06-05T12``."""
    return rfc3339(time_ms)[:13]


class Shelf:
    """One kind of record, by hours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for half in folder.glob(f"*/{_ASIDE}*"):
            half.unlink(missing_ok=True)  # what a killed writer left

    def put(self, time_ms: int, table: pa.Table) -> Path:
        """Write a table into the hour of a moment; the file, which is there whole or not at all."""
        hour = self.folder / hour_name(time_ms)
        hour.mkdir(mode=0o700, exist_ok=True)
        name = f"{time_ms}-{secrets.token_hex(4)}.parquet"
        aside = hour / f"{_ASIDE}{name}"
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                pq.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, hour / name)
        finally:
            aside.unlink(missing_ok=True)
        return hour / name

    def drop_before(self, time_ms: int) -> list[str]:
        """Remove the hours that ended at or before a moment; their names."""
        names = sorted(hour.name for hour in self.folder.iterdir() if hour.name < hour_name(time_ms))
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        return names


class DayKeys:
    """The keys of the days. A station's name of a day is the first eight bytes of an HMAC-SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._day = ""
        self._key = b""
        self._known: dict[int, int] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def names(self, time_ms: int, station_id: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
        """The stations' names on the day of a moment, shape (n,); computed once a day for each station."""
        self._turn_to(rfc3339(time_ms)[:10])
        stations, place = np.unique(station_id, return_inverse=True)
        if len(self._known) + len(stations) > _CACHED_STATIONS:
            self._known.clear()
        names = np.array([self._name(int(station)) for station in stations], dtype=np.uint64)
        return names[place]

    def destroy_before(self, time_ms: int) -> list[str]:
        """Destroy the keys of the days before the one of a moment; those days."""
        days = sorted(file.stem for file in self.folder.glob("*.key") if file.stem < rfc3339(time_ms)[:10])
        for day in days:
            file = self.folder / f"{day}.key"
            with contextlib.suppress(OSError), file.open("r+b") as old:
                old.write(bytes(32))
                os.fsync(old.fileno())
            file.unlink(missing_ok=True)
            if day == self._day:
                self._day, self._key = "", b""
                self._known.clear()
        return days

    def _name(self, station: int) -> int:
        name = self._known.get(station)
        if name is None:
            digest = hmac.new(self._key, station.to_bytes(4, "big"), hashlib.sha256).digest()
            name = self._known[station] = int.from_bytes(digest[:8], "big")
        return name

    def _turn_to(self, day: str) -> None:
        if day == self._day:
            return
        file = self.folder / f"{day}.key"
        with contextlib.suppress(FileExistsError):
            aside = self.folder / f"{_ASIDE}{day}"
            aside.unlink(missing_ok=True)
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
                new.write(secrets.token_bytes(32))
                new.flush()
                os.fsync(new.fileno())
            try:
                os.link(aside, file)  # unlike a rename, never over a key that is there
            finally:
                aside.unlink()
        self._day, self._key = day, file.read_bytes()
        self._known.clear()
