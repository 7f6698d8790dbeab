"""One carriageway as a vehicle meets it: the cells heard at every bin centre, and the levels of one trip there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.compiled import compiled
from trassa.radio.shadowing import Shadowing, shadowing_along
from trassa.radio.signals import Signals

__all__ = ["TripLevels", "Way", "drawn_levels", "median_levels", "way_of"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BIN_M = 10.0


@dataclass(frozen=True)
class Way:
    """Bin centres in driving order (nodes), the signals heard there, and the pairs that join them from node to node.

    ``measure_m``, ``along_m`` (distance driven) and ``exempt`` have shape (nodes,); the signals of node i are
    ``node_start[i]`` to ``node_start[i + 1]``, with ``cell``, ``site``, ``rsrp_dbm`` and ``disturbing_mw`` (load
    included). Between nodes i and i + 1 the cells ``pair_cell[pair_start[i] : pair_start[i + 1]]`` are heard, from
    signal ``pair_from`` to ``pair_to``, −1 where only one of the two nodes hears the cell.
    """

    measure_m: FloatArray
    along_m: FloatArray
    exempt: BoolArray
    node_start: IntArray
    cell: IntArray
    site: IntArray
    rsrp_dbm: FloatArray
    disturbing_mw: FloatArray
    noise_mw: float
    pair_start: IntArray
    pair_cell: IntArray
    pair_from: IntArray
    pair_to: IntArray

    @property
    def length_m(self) -> float:
        """The distance driven from the first bin centre to the last, m."""
        return float(self.along_m[-1])

    @property
    def cells(self) -> int:
        """One more than the largest cell heard."""
        return int(self.cell.max(initial=-1)) + 1


@dataclass(frozen=True)
class TripLevels:
    """Level in dBm and SINR in dB of every signal of a way on one trip, shape (signals,)."""

    level_dbm: FloatArray
    sinr_db: FloatArray


def way_of(
    signals: Signals, bins: IntArray, centre_m: FloatArray, load: FloatArray, noise_dbm: float, exempt: BoolArray
) -> Way:
    """The way over some bins in driving order, their centres at ``centre_m`` (bins,), metres of measure.

    ``load`` (cells,) is the mean share of resource elements every cell transmits on, ``noise_dbm`` is per resource
    element; ``exempt`` (bins,) marks bins that a radiating cable serves. Where bins are missing nothing is heard.
    Raises :class:`InputError` for fewer than two bins.
    """
    if len(bins) < 2:
        raise InputError(f"handover: a way of {len(bins)} bins cannot be driven", cure="give at least two bins")
    counts = np.diff(signals.bin_start)[bins]
    start = np.concatenate([[0], np.cumsum(counts)])
    row = np.repeat(signals.bin_start[bins] - start[:-1], counts) + np.arange(start[-1])
    node_m, shut, source = _with_gaps(np.asarray(centre_m, np.float64), np.asarray(exempt, bool))
    node_start = np.concatenate([[0], np.cumsum(np.where(source >= 0, counts[source], 0))]).astype(np.int64)
    cell = signals.cell[row]
    disturbing_mw = load[cell] * 10.0 ** (0.1 * signals.interference_dbm[row])
    return Way(
        node_m,
        np.concatenate([[0.0], np.cumsum(np.abs(np.diff(node_m)))]),
        shut,
        node_start,
        cell,
        signals.site[cell],
        signals.rsrp_dbm[row],
        disturbing_mw,
        float(10.0 ** (0.1 * noise_dbm)),
        *_pairs(node_start, cell),
    )


def median_levels(way: Way) -> TripLevels:
    """Levels without shadowing."""
    return _levels_of(way, np.zeros(len(way.cell), np.float32))


def drawn_levels(way: Way, shadowing: Shadowing, rng: np.random.Generator) -> TripLevels:
    """Levels of one trip. Shadowing is drawn at the nodes; between them the levels are joined by straight lines.

    Half-way between two nodes d apart that leaves √((1 + exp(−d / d_cor)) / 2) of σ: 95 % for 10 m and 50 m.
    """
    return _levels_of(way, shadowing_along(rng, way.node_start, way.site, way.along_m, shadowing))


def _with_gaps(centre_m: FloatArray, exempt: BoolArray) -> tuple[FloatArray, BoolArray, IntArray]:
    """Nodes with deaf ones put into gaps, a bin's length from either side, and the bin of every node, −1 if deaf."""
    step_m = np.diff(centre_m)
    at = np.flatnonzero(np.abs(step_m) > 1.5 * _BIN_M)
    ahead_m = np.copysign(np.minimum(_BIN_M, 0.5 * np.abs(step_m[at])), step_m[at])
    deaf_m = np.column_stack([centre_m[at] + ahead_m, centre_m[at + 1] - ahead_m]).ravel()
    where = np.repeat(at + 1, 2)
    shut = np.repeat(exempt[at] & exempt[at + 1], 2)
    source = np.arange(len(centre_m), dtype=np.int64)
    return np.insert(centre_m, where, deaf_m), np.insert(exempt, where, shut), np.insert(source, where, -1)


def _pairs(node_start: IntArray, cell: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Join the signals of every node with those of the next by cell."""
    last = len(node_start) - 2
    node = np.repeat(np.arange(last + 1), np.diff(node_start))
    row = np.arange(len(cell))
    leaving, coming = node < last, node > 0
    interval = np.concatenate([node[leaving], node[coming] - 1])
    cells = np.concatenate([cell[leaving], cell[coming]])
    ends = np.concatenate([row[leaving], row[coming]])
    is_to = np.repeat([False, True], [leaving.sum(), coming.sum()])
    order = np.lexsort((is_to, cells, interval))
    interval, cells, ends, is_to = interval[order], cells[order], ends[order], is_to[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (interval[1:] != interval[:-1]) | (cells[1:] != cells[:-1])
    pair = np.cumsum(fresh) - 1
    both = np.full((2, int(fresh.sum())), -1, dtype=np.int64)
    both[is_to.astype(np.int64), pair] = ends
    start = np.searchsorted(interval[fresh], np.arange(last + 1)).astype(np.int64)
    return start, cells[fresh], both[0], both[1]


def _levels_of(way: Way, shadow_db: SingleArray) -> TripLevels:
    level_dbm = way.rsrp_dbm + shadow_db
    sinr_db = np.empty(len(level_dbm))
    _fill_sinr(way.node_start, level_dbm, way.disturbing_mw, way.noise_mw, shadow_db, sinr_db)
    return TripLevels(level_dbm, sinr_db)


@compiled
def _fill_sinr(
    node_start: IntArray,
    level_dbm: FloatArray,
    disturbing_mw: FloatArray,
    noise_mw: float,
    shadow_db: SingleArray,
    sinr_db: FloatArray,
) -> None:
    """SINR of every signal: all other cells of the node disturb it, each shadowed as its site is."""
    for node in range(len(node_start) - 1):
        first, last = node_start[node], node_start[node + 1]
        total_mw = noise_mw
        for row in range(first, last):
            sinr_db[row] = disturbing_mw[row] * 10.0 ** (0.1 * shadow_db[row])
            total_mw += sinr_db[row]
        for row in range(first, last):
            sinr_db[row] = level_dbm[row] - 10.0 * np.log10(max(total_mw - sinr_db[row], noise_mw))
