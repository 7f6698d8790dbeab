"""Files of drive tests: CSV with any headers, and the layout ``<start>_<operator>_context.txt``.

A CSV is read by a mapping of names to headers. The name carries the unit::

    {"latitude_deg": "Lat", "longitude_deg": "Lon", "rsrp_dbm": "RSRP (dBm)", "speed_kmh": "Speed"}

A file is read whole or not at all: the first value that cannot be meant is named with file, line, column and bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.drive_test import NO_CELL, Cells, Measurements, joined
from trassa.radio.mapped_table import TableColumn, as_number, decoded, mapped_table

__all__ = ["read_cells", "read_context", "read_measurements", "read_operator_cells", "read_sessions"]

FloatArray = npt.NDArray[np.float64]


_MEASURED = {
    "time_s": TableColumn(-1e12, 1e12, "time_s"),
    "time_ms": TableColumn(-1e15, 1e15, "time_s", 1e-3),
    "latitude_deg": TableColumn(-90.0, 90.0, "latitude_deg"),
    "longitude_deg": TableColumn(-180.0, 180.0, "longitude_deg"),
    "speed_mps": TableColumn(0.0, 200.0, "speed_mps"),
    "speed_kmh": TableColumn(0.0, 720.0, "speed_mps", 1.0 / 3.6),
    "rsrp_dbm": TableColumn(-160.0, -20.0, "rsrp_dbm"),
    "rsrq_db": TableColumn(-45.0, 20.0, "rsrq_db"),
    "sinr_db": TableColumn(-60.0, 60.0, "sinr_db"),
    "frequency_mhz": TableColumn(30.0, 100_000.0, "frequency_mhz"),
    "cell": TableColumn(-1.0, 2.0**36 - 1, "cell", whole=True),
    "pci": TableColumn(-1.0, 1007.0, "pci", whole=True),
}
_LISTED = {name: _MEASURED[name] for name in ("cell", "latitude_deg", "longitude_deg", "frequency_mhz")}
_WORDS = ("run", "operator")
_NEEDED = ("latitude_deg", "longitude_deg", "rsrp_dbm")
_CONTEXT_NAME = re.compile(r"(?P<start>[0-9]+)_(?P<operator>.+)_context\.txt")
# what the phone's app writes where the modem gave nothing, and the largest integer where Android does not know
_SENTINELS_DBM = (-225.0, 0.0, 2147483647.0)


def read_measurements(path: Path, mapping: Mapping[str, str]) -> Measurements:
    """Readings from a CSV with a header. ``mapping`` goes from names to headers; see the module's text for the names.

    ``latitude_deg``, ``longitude_deg`` and ``rsrp_dbm`` are needed; ``run`` and ``operator`` name a row's drive and
    network. An empty field, or ``nan``, is no reading, and half a position is none. Rows keep their order.
    """
    numbers, words = mapped_table(path, mapping, _MEASURED, _WORDS, _NEEDED)
    count = len(numbers["rsrp_dbm"])
    nowhere = np.isnan(numbers["latitude_deg"]) | np.isnan(numbers["longitude_deg"])
    for name in ("latitude_deg", "longitude_deg"):
        numbers[name][nowhere] = np.nan
    pairs = list(zip(words.get("run", [path.stem] * count), words.get("operator", [""] * count), strict=True))
    distinct = list(dict.fromkeys(pairs))
    run = np.array([distinct.index(pair) for pair in pairs], dtype=np.int64)
    order = np.argsort(run, kind="stable")
    nothing = np.full(count, np.nan)
    floats = [numbers.get(name, nothing)[order] for name in _FLOATS]
    whole = [_whole(numbers.get(name, nothing)[order]) for name in ("cell", "pci")]
    names = tuple(name for name, _ in distinct), tuple(operator for _, operator in distinct)
    return Measurements(*names, run[order], *floats, *whole)


_FLOATS = (
    "time_s", "latitude_deg", "longitude_deg", "speed_mps", "rsrp_dbm", "rsrq_db", "sinr_db", "frequency_mhz",
)  # fmt: skip


def read_cells(path: Path, mapping: Mapping[str, str]) -> Cells:
    """A list of cells from a CSV with a header: ``cell``, ``latitude_deg``, ``longitude_deg`` of the site, and where
    known ``frequency_mhz`` and ``operator``."""
    numbers, words = mapped_table(path, mapping, _LISTED, ("operator",), ("cell", "latitude_deg", "longitude_deg"))
    count = len(numbers["cell"])
    for name in ("cell", "latitude_deg", "longitude_deg"):
        lacks = np.flatnonzero(np.isnan(numbers[name]))
        if len(lacks):
            raise InputError(f"{path.name}: cell {lacks[0] + 1} has no {name}", cure="fill it in, or drop the row")
    operator = np.array(words.get("operator", [""] * count), dtype=object)
    frequency = numbers.get("frequency_mhz", np.full(count, np.nan))
    cells = Cells(operator, _whole(numbers["cell"]), numbers["latitude_deg"], numbers["longitude_deg"], frequency)
    return _without_twins(cells, path)


def read_sessions(folder: Path, operator: str = "") -> tuple[Measurements, Cells]:
    """All drives below a folder in the layout ``<start>_<operator>_context.txt`` with ``<operator>_cells_results.csv``.

    An operator's list of cells lies in the folder, anywhere below it, or else beside the folder. Neighbour, download
    and upload files are left alone. ``operator`` picks one.
    """
    if not folder.is_dir():
        raise InputError(f"drive test: {folder} is no folder", cure="the folder with the context files")
    found = [(path, _CONTEXT_NAME.fullmatch(path.name)) for path in sorted(folder.rglob("*_context.txt"))]
    contexts = [(path, match) for path, match in found if match and operator in ("", match["operator"])]
    if not contexts:
        wanted = f"<start>_{operator or '<operator>'}_context.txt"
        raise InputError(f"drive test: {folder} holds no {wanted}", cure="the folder with the context files")
    parts = [read_context(path, match["operator"]) for path, match in contexts]
    lists = []
    for name in sorted({match["operator"] for _, match in contexts}):
        wanted = f"{name}_cells_results.csv"
        places = sorted(folder.rglob(wanted)) or sorted(folder.resolve().parent.glob(wanted))
        if len(places) != 1:
            said = "no" if not places else f"{len(places)} files"
            raise InputError(f"drive test: {folder} holds {said} {wanted}", cure="one list of cells")
        lists.append(read_operator_cells(places[0], name))
    columns = zip(*((c.operator, c.cell, c.latitude_deg, c.longitude_deg, c.frequency_mhz) for c in lists), strict=True)
    return joined(parts), Cells(*(np.concatenate(column) for column in columns))


def read_context(path: Path, operator: str) -> Measurements:
    """One drive from its context file: 18 columns without a header, one row a second.

    Rows before the phone is registered have no reading, sentinels of RSRP are none, a PCI of −1 is unknown, a position
    of 0, 0 is none. Time is Unix time in seconds.
    """
    rows = _headless(path, 18)
    latitude, longitude = (_within(path, rows[:, c], n) for c, n in ((3, "latitude_deg"), (4, "longitude_deg")))
    nowhere = np.isnan(latitude) | np.isnan(longitude) | ((latitude == 0.0) & (longitude == 0.0))
    latitude, longitude = (np.where(nowhere, np.nan, degrees) for degrees in (latitude, longitude))
    rsrp = np.where((rows[:, 9] != 1.0) | np.isin(rows[:, 10], _SENTINELS_DBM), np.nan, rows[:, 10])
    _within(path, rsrp, "rsrp_dbm")
    rsrq, sinr = (np.where(np.isnan(rsrp), np.nan, rows[:, column]) for column in (11, 12))
    cell = _whole(np.where(rows[:, 16] == 0.0, np.nan, rows[:, 16]))
    run, no_carrier = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), np.nan)
    names = (path.name.removesuffix("_context.txt"),), (operator,)
    place = latitude, longitude, rows[:, 6]
    return Measurements(*names, run, rows[:, 1], *place, rsrp, rsrq, sinr, no_carrier, cell, _whole(rows[:, 17]))


def read_operator_cells(path: Path, operator: str) -> Cells:
    """An operator's list of cells: cell, latitude, longitude, bandwidth MHz, carrier MHz, second carrier MHz."""
    rows = _headless(path, 6)
    names = ((0, "cell"), (1, "latitude_deg"), (2, "longitude_deg"), (4, "frequency_mhz"))
    cell, latitude, longitude, frequency = (_within(path, rows[:, column], name) for column, name in names)
    named = np.full(len(rows), operator, dtype=object)
    return _without_twins(Cells(named, _whole(cell), latitude, longitude, frequency), path)


def _without_twins(cells: Cells, path: Path) -> Cells:
    seen: set[tuple[str, int]] = set()
    for operator, cell in zip(cells.operator.tolist(), cells.cell.tolist(), strict=True):
        if (operator, cell) in seen:
            raise InputError(f"{path.name}: cell {cell} stands twice", cure="one row for each cell")
        seen.add((operator, cell))
    return cells


def _whole(values: FloatArray) -> npt.NDArray[np.int64]:
    return np.where(np.isnan(values), NO_CELL, values).astype(np.int64)


def _within(path: Path, values: FloatArray, name: str) -> FloatArray:
    column = _MEASURED[name]
    outside = np.flatnonzero((values < column.low) | (values > column.high))
    if len(outside):
        where = f"{path.name}, line {outside[0] + 1}: {name} {values[outside[0]]:g}"
        raise InputError(f"{where} lies outside {column.low:g}..{column.high:g}", cure="a file of this layout")
    return values


def _headless(path: Path, width: int) -> FloatArray:
    rows: list[list[float]] = []
    for number, line in enumerate(decoded(path).rstrip().splitlines(), start=1):
        cells = line.split(",")
        place = f"{path.name}, line {number}"
        if len(cells) != width:
            raise InputError(f"{place}: {len(cells)} columns, not {width}", cure="a complete file of this layout")
        rows.append([as_number(cell, f"{place}, column {at}") for at, cell in enumerate(cells, start=1)])
    if not rows:
        raise InputError(f"{path.name}: is empty", cure="at least one row")
    return np.array(rows)
