"""Aggregation in huts: the rate that enters the backbone at each, and the wavelengths that carry it on.

::

    connections ── links, rings ──► hut ── wavelengths ──► either point of presence

A connection enters at the hut of its shorter way. A cut or a lost hut turns it to its other one, so a hut must bear
more than on a quiet day: every cut interval and every hut is taken away once and the greatest rate counts. Each hut
has the wavelengths for it to both points of presence, as either may be the one that is left; a hut that is one needs
none. On a span those of all huts that reach past it lie side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trassa.linear import Extent
from trassa.optical.access.ways import Ways
from trassa.optical.line import Line
from trassa.optical.survival import Backbone, ways_after_cut, ways_after_hut_loss, ways_intact
from trassa.optical.wdm.equipment import line_equipment

__all__ = ["Aggregation", "aggregation_rows", "load_rows"]

FloatArray = npt.NDArray[np.float64]
Row = dict[str, int | float | str | bool]


@dataclass(frozen=True)
class Aggregation:
    """What enters the backbone of one line in each of its huts."""

    line: Line

    @cached_property
    def connections(self) -> npt.NDArray[np.int64]:
        """How many enter at each hut with nothing cut, shape (huts,)."""
        entered, served = _entered(ways_intact(self.line.backbone))
        return np.bincount(entered[served], minlength=self._huts)

    @cached_property
    def rate_mbps(self) -> FloatArray:
        """What they send, shape (huts,)."""
        return self._rates(ways_intact(self.line.backbone))

    @cached_property
    def worst_rate_mbps(self) -> FloatArray:
        """The greatest rate with nothing, one place of a trench, or one hut lost, shape (huts,)."""
        worst = self.rate_mbps.copy()
        for ways in _after_any(self.line.backbone):
            np.maximum(worst, self._rates(ways), out=worst)
        return worst

    @cached_property
    def wavelengths(self) -> npt.NDArray[np.int64]:
        """To each point of presence, shape (huts,)."""
        count = np.ceil(self.worst_rate_mbps / 1000.0 / self.line.rules.channel_rate_gbps - 1e-9).astype(np.int64)
        count[[hut for hut in (0, self._huts - 1) if self._is_presence(hut)]] = 0
        return count

    @property
    def span_wavelengths(self) -> list[int]:
        """Those that share each span, in order of measure."""
        before, after = self.line.presence_before, self.line.presence_after
        count = self.wavelengths
        return [int(before * count[span:].sum() + after * count[:span].sum()) for span in range(1, self._huts)]

    @property
    def _huts(self) -> int:
        return len(self.line.chain.huts)

    def _is_presence(self, hut: int) -> bool:
        return self.line.presence_before if hut == 0 else self.line.presence_after

    def _rates(self, ways: Ways) -> FloatArray:
        entered, served = _entered(ways)
        return np.bincount(entered[served], weights=self._sent_mbps[served], minlength=self._huts).astype(np.float64)

    @cached_property
    def _sent_mbps(self) -> FloatArray:
        """What each connection sends, in the order of the ways: thousands of them are asked for at every cut."""
        services = self.line.backbone.ways.service.tolist()
        return np.array([self.line.rules.service(name).rate_mbps for name in services], dtype=np.float64)


def _entered(ways: Ways) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The hut at which each connection enters, by its shorter way, and whether it has any."""
    served = np.asarray(np.isfinite(ways.latency_us).any(axis=0))
    return ways.span + np.argmin(ways.latency_us, axis=0), served


def _after_any(backbone: Backbone) -> Iterator[Ways]:
    """The ways after every single cut and every single hut loss."""
    for trench in dict.fromkeys(backbone.trenches):
        down = [name == trench for name in backbone.trenches]
        for number, span in enumerate(backbone.spans):
            for start_m, end_m in pairwise(span.plants[down.index(True)].chambers_m):
                yield ways_after_cut(backbone, number, down, Extent(start_m, end_m))
    for hut in range(len(backbone.spans) + 1):
        yield ways_after_hut_loss(backbone, hut)


def aggregation_rows(lines: Sequence[Line]) -> list[Row]:
    """A row for every hut."""
    rows: list[Row] = []
    for line in lines:
        found = Aggregation(line)
        for number, hut in enumerate(line.chain.huts):
            rows.append(
                {
                    "hut": line.hut_names[number],
                    "measure_m": hut.measure_m,
                    "connections": int(found.connections[number]),
                    "rate_mbps": float(found.rate_mbps[number]),
                    "worst_rate_mbps": float(found.worst_rate_mbps[number]),
                    "wavelengths": int(found.wavelengths[number]),
                }
            )
    return rows


def load_rows(lines: Sequence[Line]) -> list[Row]:
    """A row for every span: the wavelengths that share it, and how many channels the equipment has."""
    channels = line_equipment().comb.channels
    return [
        {
            "span": f"{before}–{after}",
            "start_m": span.plants[0].cable.start_m,
            "end_m": span.plants[0].cable.end_m,
            "wavelengths": wavelengths,
            "channels": channels,
        }
        for line in lines
        for (before, after), span, wavelengths in zip(
            pairwise(line.hut_names), line.chain.spans, Aggregation(line).span_wavelengths, strict=True
        )
    ]
