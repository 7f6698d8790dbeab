"""Cells as a vehicle hears them, computed again: identities that cannot be mistaken, neighbour lists, places of cells.

A cell counts as heard only where all deductions and a spare
decibel still leave it above what the planner listens for, and on both edges of a bin: what is found here is a conflict
for everybody.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.cell_levels import LOOSE_DB, CellLevels
from trassa.plan.verify.radio.needs import noise_dbm
from trassa.plan.verify.radio.service import Deductions
from trassa.plan.verify.verdict import Row

__all__ = ["check_identities"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_HIGHEST = {"lte": 503, "nr": 1007}
_HEARD_DBM, _BELOW_NOISE_DB, _SPARE_DB = -140.0, 20.0, 1.0
_CLOSE_DB = 6.0
"""Neighbours are close within 6 dB, and a decibel either way."""
_PLACES = ("measure_m", "carriageway", "offset_m", "latitude_deg", "longitude_deg")


def check_identities(evidence: Evidence, due: DueBins, levels: CellLevels, deductions: Deductions) -> Row:
    """No two cells heard together, and no two neighbours of one cell, have one identity; the lists are as found."""
    cells = evidence.layers["cells"]
    wrong, names = _places_off(cells, evidence.layers["sites"]), levels.names
    pci = {str(row["sends"]): int(row["pci"]) for row in cells.rows()}
    highest = _HIGHEST[evidence.settings.radio.technology]
    wrong += [
        f"{name} has identity {one}, there are 0 to {highest}" for name, one in pci.items() if one > highest or one < 0
    ]
    taken_db = deductions.sum_db + _SPARE_DB
    least_dbm = max(_HEARD_DBM, noise_dbm(evidence.settings.radio) - _BELOW_NOISE_DB)
    heard = levels.where(levels.level_dbm - taken_db >= least_dbm)
    identity = np.array([pci[name] for name in names], dtype=np.int64)
    together = _pairs_on_bins(due, heard, identity)
    wrong += [f"{names[a]} and {names[b]} are heard together and share an identity" for a, b in together]
    surely, maybe = _sure_neighbours(due, heard), _possible_neighbours(due, levels)
    wrong += _confused(surely, identity, names) + _lists_off(evidence, surely, maybe, names)
    wrong += _changes_off(evidence, due, levels)
    said = "; ".join(wrong[:3]) or f"{len(names)} cells, none to be mistaken for another; {len(surely)} sure neighbours"
    return Row("radio.identities", "", None, "", not wrong, None, said)


def _places_off(cells: Layer, sites: Layer) -> list[str]:
    """Cells that do not stand where their site does."""
    row_of, wrong = {str(name): row for row, name in enumerate(sites["site"])}, []
    for row, (name, site) in enumerate(zip(cells["cell"].tolist(), cells["site"].tolist(), strict=True)):
        own = row_of.get(site, -1)
        if own < 0 or not str(name).startswith(f"{site}/"):
            wrong.append(f"{name} is said to stand at {site}")
            continue
        here, there = ([layer[place][at] for place in _PLACES] for layer, at in ((cells, row), (sites, own)))
        if any(a != b and not (a != a and b != b) for a, b in zip(here, there, strict=True)):
            wrong.append(f"{name} stands elsewhere than {site}")
    return wrong


def _pairs_on_bins(due: DueBins, heard: CellLevels, identity: IntArray) -> list[tuple[int, int]]:
    """Pairs of cells of one identity that are heard on both edges of some bin."""
    count, one = len(heard.names), identity[heard.cell]
    order = np.lexsort((heard.cell, one, heard.point))
    same = (np.diff(heard.point[order]) == 0) & (np.diff(one[order]) == 0)
    first, second = order[:-1][same], order[1:][same]
    pair, found = heard.cell[first] * count + heard.cell[second], []
    for edge in (due.edges.first, due.edges.last):
        bin_of = np.full(heard.points, -1, dtype=np.int64)
        bin_of[edge] = np.arange(len(edge))
        there = bin_of[heard.point[first]]
        found.append((there * count * count + pair)[there >= 0])
    return [
        divmod(both, count) for both in np.unique(np.intersect1d(found[0], found[1]) % max(count * count, 1)).tolist()
    ]


_Pairs = dict[tuple[int, int], int]
"""Serving cell and neighbour, and on how many bins they were seen so."""


def _counted(pairs: IntArray, count: int) -> _Pairs:
    """Pairs in one number each, and how often they are there."""
    pair, times = np.unique(pairs, return_counts=True)
    return {divmod(key, count): n for key, n in zip(pair.tolist(), times.tolist(), strict=True)}


def _sure_neighbours(due: DueBins, heard: CellLevels) -> _Pairs:
    """The pairs that are neighbours however an edge is chosen."""
    count, edges = max(len(heard.names), 1), (due.edges.first, due.edges.last)
    best = np.where(heard.sure[edges[0]] == heard.sure[edges[1]], heard.sure[edges[0]], -1)
    tight_db = _CLOSE_DB - LOOSE_DB
    close = np.intersect1d(heard.on_bins(edges[0], tight_db), heard.on_bins(edges[1], tight_db))
    bin_, cell = close // count, close % count
    mine = (best[bin_] >= 0) & (best[bin_] != cell)
    return _counted(best[bin_[mine]] * count + cell[mine], count)


def _possible_neighbours(due: DueBins, levels: CellLevels) -> _Pairs:
    """The pairs that may be neighbours by some choice of edges."""
    count, edges = max(len(levels.names), 1), (due.edges.first, due.edges.last)
    wide = [levels.on_bins(edge, _CLOSE_DB + 2.0 * LOOSE_DB) for edge in edges]
    after = np.where(edges[1] + 1 < levels.points, edges[1] + 1, -1)
    wide += [levels.on_bins(edge, LOOSE_DB) for edge in (edges[0] - 1, after)]
    return _counted(_joined(levels.leading(due), np.unique(np.concatenate(wide)), count), count)


def _joined(first: IntArray, second: IntArray, count: int, shift: int = 0) -> IntArray:
    """Every cell of a bin with every other one of the same bin, or of the one ``shift`` on: both in one number."""
    begin = np.searchsorted(second // count, first // count + shift, side="left")
    many = np.searchsorted(second // count, first // count + shift, side="right") - begin
    row = np.repeat(np.arange(len(first)), many)
    other = second[np.repeat(begin - np.cumsum(many) + many, many) + np.arange(int(many.sum()))] % count
    one = first[row] % count
    return np.asarray((one * count + other)[one != other], dtype=np.int64)


def _confused(surely: _Pairs, identity: IntArray, names: list[str]) -> list[str]:
    """Cells with two neighbours of one identity, or one of their own; a handover may be taken back."""
    seen: dict[tuple[int, int], int] = {}
    wrong = []
    for cell, other in sorted({*surely, *((b, a) for a, b in surely)}):
        known = seen.setdefault((cell, int(identity[other])), other)
        if known != other:
            wrong.append(f"{names[cell]} has neighbours {names[known]} and {names[other]} of one identity")
        if identity[cell] == identity[other]:
            wrong.append(f"{names[cell]} and its neighbour {names[other]} share an identity")
    return wrong


def _lists_off(evidence: Evidence, surely: _Pairs, maybe: _Pairs, names: list[str]) -> list[str]:
    """Sure neighbours that are not listed, listed ones that cannot be, and counts of bins beyond what is found."""
    told = {(str(row["cell"]), str(row["neighbour"])): row for row in evidence.layers["neighbours"].rows()}
    sure, possible = ({(names[a], names[b]): n for (a, b), n in found.items()} for found in (surely, maybe))
    wrong = [f"{b} is no neighbour of {a} in the lists" for a, b in sorted(sure.keys() - told.keys())]
    wrong += [
        f"{b} is listed as a neighbour of {a}, which it is not"
        for a, b in sorted(told.keys() - possible.keys())
        if (b, a) not in possible
    ]
    wrong += [f"{a} is listed as a neighbour of {b}, but not {b} of {a}" for b, a in told if (a, b) not in told]
    for pair in sorted(told):
        if not sure.get(pair, 0) <= int(str(told[pair]["bins"])) <= possible.get(pair, 0):
            bins = f"{sure.get(pair, 0)} to {possible.get(pair, 0)} bins"
            wrong.append(f"{pair[1]} is beside {pair[0]} on {bins} by the levels")
    return wrong + _ranks_off(evidence.layers["neighbours"])


def _ranks_off(neighbours: Layer) -> list[str]:
    """Lists that do not run from 1 by handovers, then by bins."""
    changes = neighbours["handovers_increasing"] + neighbours["handovers_decreasing"]
    wrong = []
    for cell in dict.fromkeys(neighbours["cell"].tolist()):
        mine = np.flatnonzero(neighbours["cell"] == cell)
        mine = mine[np.argsort(neighbours["rank"][mine], kind="stable")]
        order = np.lexsort((-neighbours["bins"][mine], -changes[mine]))
        if (neighbours["rank"][mine] != np.arange(1, len(mine) + 1)).any() or (order != np.arange(len(mine))).any():
            wrong.append(f"the neighbours of {cell} are not ranked by handovers and bins")
    return wrong


def _changes_off(evidence: Evidence, due: DueBins, levels: CellLevels) -> list[str]:
    """Handovers from bin to bin that the best cells cannot have, or must have, by either sense of travel."""
    wrong: list[str] = []
    told = {(str(row["cell"]), str(row["neighbour"])): row for row in evidence.layers["neighbours"].rows()}
    leading = levels.leading(due)
    for way in evidence.carriageways:
        least, most = _changes(due, levels, leading, way)
        for pair in sorted({(levels.names.index(a), levels.names.index(b)) for a, b in told} | set(least)):
            names = (levels.names[pair[0]], levels.names[pair[1]])
            said = int(str(told[names][f"handovers_{way}"])) if names in told else 0
            if not least.get(pair, 0) <= said <= most.get(pair, 0):
                found = f"{least.get(pair, 0)} to {most.get(pair, 0)} times"
                wrong.append(f"{names[1]} takes over from {names[0]} {found} on the {way} carriageway, told {said}")
    return wrong


def _changes(due: DueBins, levels: CellLevels, leading: IntArray, way: str) -> tuple[_Pairs, _Pairs]:
    """How often one cell follows another from bin to bin, in the sense of travel: at least, and at most."""
    count = max(len(levels.names), 1)
    first, last = due.edges.first, due.edges.last
    on_way = due.carriageway == way
    goes_on = on_way[:-1] & on_way[1:] & (last[:-1] == first[1:])
    starts = leading[np.isin(leading // count, np.flatnonzero(goes_on))]
    pairs = _joined(starts, leading, count, shift=1)
    best = np.where(levels.sure[first] == levels.sure[last], levels.sure[first], -1)
    known, run = np.flatnonzero((best >= 0) & on_way), np.concatenate([[0], np.cumsum(~goes_on)])
    least: list[int] = []
    for a, b in zip(known[:-1].tolist(), known[1:].tolist(), strict=True):
        if run[a] == run[b] and best[a] != best[b]:
            between = leading[np.searchsorted(leading, a * count) : np.searchsorted(leading, (b + 1) * count)] % count
            if np.isin(between, (best[a], best[b])).all():
                least.append(int(best[a] * count + best[b]))
    found = np.array(least, dtype=np.int64), pairs
    if way == "decreasing":
        found = found[0] % count * count + found[0] // count, pairs % count * count + pairs // count
    return _counted(found[0], count), _counted(found[1], count)
