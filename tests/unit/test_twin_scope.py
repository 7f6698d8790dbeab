"""What did not happen is no agreement."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from trassa.twin.scope import not_judged, nothing_happened


def _drive(*lost_sites: str) -> Any:
    return SimpleNamespace(plan=SimpleNamespace(lost_sites=lost_sites))


def test_a_drive_in_which_nothing_happened_does_not_agree() -> None:
    some, none = {"true": 2}, {"true": 0}
    assert nothing_happened(_drive(), 10_000, some, {"expected_charges": 150}) == []
    assert nothing_happened(_drive(), 10_000, some, {}) == []
    assert "nothing was judged" in nothing_happened(_drive("S-01"), 0, none, {})[0]
    assert "knows of no hazard" in nothing_happened(_drive(), 10_000, none, {})[0]
    assert nothing_happened(_drive("S-01"), 10_000, none, {}) == [], "a lost site may hide it"
    assert "knows of no charge" in nothing_happened(_drive(), 10_000, some, {"expected_charges": 0})[0]


def test_what_was_not_judged_is_said() -> None:
    row, toll = {"had_to_be_warned": 3}, {"expected_charges": 150}
    assert not_judged(_drive(), {"true": 1}, [row], {"sent": 2}, toll) == []
    said = not_judged(_drive(), {"true": 0}, [], {}, {})
    assert [text.partition(":")[0] for text in said] == ["warnings", "reports of vehicles", "tolls"]
    assert not_judged(_drive(), {"true": 1}, [{"had_to_be_warned": 0}], {"sent": 2}, toll)[0].startswith(
        "who is warned"
    )
