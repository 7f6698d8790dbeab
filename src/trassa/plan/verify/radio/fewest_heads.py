"""The least number of head-ends that a bore can do with, found by asking how far so many of them can serve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.plan.verify.radio.bore_law import BoreLaw

__all__ = ["fewest_heads"]

FloatArray = npt.NDArray[np.float64]


def fewest_heads(at_m: FloatArray, law: BoreLaw, servers: int) -> int:
    """The least number at the edges ``at_m`` of a bore's bins, so that each has ``servers``; 0 if none will do."""
    return _on_cable(at_m, law, servers) if law.cable else _with_antennas(at_m, law, servers)


def _on_cable(at_m: FloatArray, law: BoreLaw, servers: int) -> int:
    """Breadth first: the points at which the last head-end may stand, all bins behind it served, one more each time.

    Between a given head-end and the next one a longer span is a worse one, but for a next one at the cable's end, which
    sends one way.
    """
    last = len(at_m) - 1
    fresh = [j for j in range(last + 1) if (servers == 1 or j == 0) and _one_sided(at_m, law, j, 0, j)]
    seen = set(fresh)
    for number in range(1, last + 2):
        done = [j for j in fresh if servers == 1 or j == last]
        if number >= servers and any(_one_sided(at_m, law, j, j, last) for j in done):
            return number
        reached: set[int] = set()
        for i in fresh:
            for j in range(i + 1, last):
                if not _between(at_m, law, i, j, servers):
                    break
                reached.add(j)
            if i < last and _between(at_m, law, i, last, servers):
                reached.add(last)
        fresh = sorted(reached - seen)
        seen |= reached
        if not fresh:
            return 0
    return 0


def _one_sided(at_m: FloatArray, law: BoreLaw, head: int, first: int, beyond: int) -> bool:
    """Whether one head-end serves all bins between two points, at one of which it stands."""
    if first == beyond:
        return True
    far_m = np.maximum(np.abs(at_m[first:beyond] - at_m[head]), np.abs(at_m[first + 1 : beyond + 1] - at_m[head]))
    return bool((law.margin_db(far_m, 0 < head < len(at_m) - 1) >= 0.0).all())


def _between(at_m: FloatArray, law: BoreLaw, i: int, j: int, servers: int) -> bool:
    """Whether the bins between head-ends at points i and j have as many servers as they must."""
    left = law.margin_db(at_m[i + 1 : j + 1] - at_m[i], i > 0)
    right = law.margin_db(at_m[j] - at_m[i:j], j < len(at_m) - 1)
    return bool((((left >= 0.0).astype(int) + (right >= 0.0)) >= servers).all())


def _with_antennas(at_m: FloatArray, law: BoreLaw, servers: int) -> int:
    """From the far end back: where servers lack, they stand as near to the near end as still reaches."""
    heads: list[int] = []
    for bin_ in range(len(at_m) - 2, -1, -1):
        far_m = np.maximum(np.abs(at_m - at_m[bin_]), np.abs(at_m - at_m[bin_ + 1]))
        within = np.flatnonzero(law.margin_db(far_m, True) >= 0.0)
        lacking = servers - len(set(within.tolist()) & set(heads))
        free = [point for point in within.tolist() if point not in heads]
        if lacking > len(free):
            return 0
        heads += free[:lacking] if lacking > 0 else []
    return len(heads)
