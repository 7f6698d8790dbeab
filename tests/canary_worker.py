"""A worker with a known mistake in it: the judge must notice. The first word names the mistakes."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np


def _sorted_pair() -> None:
    """A price looked up by the pair in either order."""
    from trassa.toll import charge

    rate = charge.rate

    def wrong(context: Any, system: Any, journey: Any) -> Any:
        start, end = sorted((journey.start, journey.end))
        return rate(context, system, replace(journey, start=start, end=end))

    charge.rate = wrong


def _no_zones() -> None:
    """Hazard rules that forget where vehicles stand for reasons of their own."""
    from trassa.vehicles.hazards import HazardWatch

    HazardWatch._in_quiet = lambda _self, measure_m: np.zeros(len(measure_m), dtype=bool)  # type: ignore[method-assign]


def _wrong_side() -> None:
    """Warnings go to the tiles behind a hazard instead of those before it."""
    from trassa.vehicles.relevance import Relevance

    tiles = Relevance.tiles
    opposite: dict[str, Any] = {"increasing": "decreasing", "decreasing": "increasing"}
    Relevance.tiles = lambda self, side, anchor_m: tiles(self, opposite[side], anchor_m)  # type: ignore[method-assign]


def _falls_silent() -> None:
    """A warning is repeated once, and then no more."""
    from trassa.live.tile_board import TileBoard

    put, times = TileBoard.put, Counter[bytes]()

    def wrong(self: TileBoard, notice: Any) -> None:
        times[notice.pdu] += 1
        if times[notice.pdu] <= 2:
            put(self, notice)

    TileBoard.put = wrong  # type: ignore[method-assign]


def _charged_twice() -> None:
    """Every trip is booked a second time under another key."""
    from trassa.live import settlement

    charges = settlement.charges

    def wrong(*words: Any) -> Any:
        outcome = charges(*words)
        again = {f"{key}-2": replace(charge, key=f"{key}-2") for key, charge in outcome.charges.items()}
        return replace(outcome, charges={**outcome.charges, **again})

    settlement.charges = wrong


def _never_cleared() -> None:
    """What is over stays in the tiles."""
    from trassa.live.tile_board import TileBoard

    publish = TileBoard._publish
    TileBoard._publish = lambda self, messages: publish(  # type: ignore[method-assign]
        self, [message for message in messages if message[1]]
    )


def _retold() -> None:
    """Reports of vehicles are passed on in the road's own words, not byte for byte."""
    from trassa.live import report_book
    from trassa.vehicles.codec import decode, encode

    notice = report_book.Notice

    def wrong(notice_id: str, pdu: bytes, tiles: Any) -> Any:
        message = decode(pdu)
        header = next(iter(message.value.values()))
        header["stationId" if "stationId" in header else "stationID"] = 4_200_000_011
        return notice(notice_id, encode("DENM", message.value, message.protocol_version), tiles)

    report_book.Notice = wrong  # type: ignore[assignment,misc]


MISTAKES = {
    "sorted-pair": _sorted_pair,
    "no-zones": _no_zones,
    "wrong-side": _wrong_side,
    "falls-silent": _falls_silent,
    "charged-twice": _charged_twice,
    "never-cleared": _never_cleared,
    "retold": _retold,
}

if __name__ == "__main__":
    from trassa.live.worker import main

    for mistake in sys.argv[1].split(","):
        MISTAKES[mistake]()
    sys.exit(main(sys.argv[2:]))
