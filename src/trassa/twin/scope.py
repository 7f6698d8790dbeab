"""What a drive could judge and what not: nothing that did not happen may count as agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trassa.twin.staging import Drive

__all__ = ["not_judged", "nothing_happened"]


def nothing_happened(drive: Drive, cam_sent: int, events: Mapping[str, Any], toll: Mapping[str, Any]) -> list[str]:
    """Differences where a drive lacks what every drive has; with a lost site it may rightly lack its hazards."""
    found = []
    if not cam_sent:
        found.append("no vehicle could send anything: nothing was judged")
    if not events["true"] and not drive.plan.lost_sites:
        found.append("a vehicle broke down on open and covered road, and the twin knows of no hazard")
    if toll and not toll["expected_charges"]:
        found.append("the tariffs were driven, and the twin knows of no charge")
    return found


def not_judged(
    drive: Drive,
    events: Mapping[str, Any],
    warnings: Sequence[Mapping[str, Any]],
    reported: Mapping[str, Any],
    toll: Mapping[str, Any],
) -> list[str]:
    """What this drive says nothing about, each a sentence."""
    found = []
    if not events["true"]:
        found.append("warnings: nobody could hear of a hazard")
    elif not any(row["had_to_be_warned"] for row in warnings):
        found.append("who is warned: no vehicle had to be")
    if not reported:
        found.append("reports of vehicles: none was sent")
    if not toll:
        found.append("tolls: nobody was to be charged")
    return found
