"""What must become of every read, worked out by hand for four journeys."""

from __future__ import annotations

from typing import Any

from trassa.twin.gantries import Reads
from trassa.twin.journey import Account, Due, Journey, Stop
from trassa.twin.prices import PriceList
from trassa.twin.read_fates import fates_due


class _Two:
    """A system of two toll points, a node each."""

    system = "s"

    class _Point:
        def __init__(self, name: str) -> None:
            self.id = self.node = name

    points = (_Point("a"), _Point("b"))


def _journey(number: int, *, exempt: bool = False, own: bool = False) -> Journey:
    account = Account(f"c{number}", "1", "plate", f"plate-{number}", exempt=exempt)
    return Journey(account, (Stop("a", 1, "entry"), Stop("b", 2, "exit", own=own)))


def _read(number: int, device: str, point: str, sequence: int) -> dict[str, Any]:
    return {"device": device, "sequence": sequence, "identity": f"plate-{number}", "toll_point": point}


def test_first_reads_are_charged_and_the_others_duplicates_of_them() -> None:
    journeys = [_journey(1), _journey(2, own=True), _journey(3), _journey(4, exempt=True)]
    owed = [Due("c1", "s", "a", "b", 100), Due("c2", "s", "a", "b", 100), Due("c3", "s", "a", "b", None, "pair")]
    bodies = [
        _read(1, "front", "a", 1), _read(1, "rear", "a", 1), _read(1, "front", "b", 2), _read(1, "front", "b", 2),
        _read(2, "front", "a", 3), _read(3, "front", "a", 4), _read(3, "rear", "a", 5), _read(3, "front", "b", 6),
        _read(4, "front", "a", 7), _read(9, "front", "nowhere", 8),
    ]  # fmt: skip
    lists: list[PriceList] = [_Two()]  # type: ignore[list-item]
    assert fates_due(lists, journeys, owed, Reads(tuple(bodies), 9, 1, 1)) == {
        "charged": 4,  # 1 at a and b, 2 at a and by its own fixes at b
        "duplicate": 1,  # the rear camera at a; the read sent twice is one read
        "exempt": 1,
        "held": 3,
        "rejected": 1,
    }
