"""The verdict as a road operator reads it."""

from __future__ import annotations

from typing import Any

from trassa.twin.verdict import Verdict

__all__ = ["verdict_text"]


def verdict_text(verdict: Verdict) -> str:
    """A page of plain text: what happened, who was warned, what was charged, and whether it agrees."""
    score = verdict.score
    lines = [
        f"{score['road']}: {score['vehicles']} simulated vehicles, {score['window_s'] // 60} min, seed {score['seed']}"
        f" ({score['traffic']})",
        "",
        *_hazards(score),
        *_warned(score),
        *_reported(score["reported"]),
        *_messages(score),
        *_toll(score["toll"], score["toll_not_judged"]),
        *_closing(verdict),
    ]
    return "\n".join(lines)


def _hazards(score: dict[str, Any]) -> list[str]:
    lines = ["Hazards"]
    for row in score["events"]["table"]:
        until = "the end" if row["true_until_s"] is None else f"{row['true_until_s']:.1f} s"
        lines.append(f"  {row['cause']} at {row['place']} {row['carriageway']}, {row['true_from_s']:.1f} s … {until}")
        if row["event_id"] is None:
            lines.append("    NOT WARNED OF")
            continue
        ended = "not ended" if row["warned_until_s"] is None else f"ended at {row['warned_until_s']:.1f} s"
        because = f" ({row['ended_because']})" if row["ended_because"] else ""
        lines.append(
            f"    warned from {row['warned_from_s']:.1f} s, {row['off_by_m']} m off, {ended}{because};"
            f" {row['messages']} messages in {row['tiles']} tiles"
        )
    if not score["events"]["table"]:
        lines.append("  none that anybody could hear of: the breakdown had no connection")
    lines.append(f"  no warning was due of: {'; '.join(score['decoys'])}")
    lines.append(f"  false warnings: {score['events']['false']}")
    return [*lines, ""]


def _warned(score: dict[str, Any]) -> list[str]:
    lines = ["Vehicles warned"]
    if not score["warnings"]:
        lines.append("  none")
    for event, row in zip(score["events"]["table"], score["warnings"], strict=True):
        text = f"  {event['cause']}: {row['warned']} of {row['had_to_be_warned']} that could be"
        if row["distance_min_m"] is not None:
            text += f"; at {row['distance_median_m']:.0f} m before it (median), {row['distance_min_m']:.0f} m at least"
        lines.append(text)
        for reason, count in row["others"].items():
            if count["vehicles"]:
                lines.append(f"    {count['vehicles']} {reason}, {count['warned']} of them warned all the same")
    return [*lines, ""]


def _reported(report: dict[str, Any]) -> list[str]:
    if not report:
        return []
    return [
        "Reported by a vehicle",
        f"  an obstacle at {report['place']} {report['carriageway']} (protocolVersion {report['protocol_version']}),"
        f" passed on in {report['tiles']} tiles; {report['warned']} of {report['had_to_be_warned']} heard it in time",
        "",
    ]


def _messages(score: dict[str, Any]) -> list[str]:
    said = score["messages"]
    lost = f"; lost sites: {', '.join(score['lost_sites'])}" if score["lost_sites"] else ""
    return [
        "Messages",
        f"  {said['cam_sent']:,} CAM sent, {said['toll_sent']:,} batches of own fixes,"
        f" {said['denm_published']:,} DENM published",
        f"  {said['deliveries_owed']:,} deliveries owed, {said['deliveries_missing']:,} missing;"
        f" {said['connections']:,} connections{lost}",
        "",
    ]


def _toll(toll: dict[str, Any], not_judged: list[str]) -> list[str]:
    if not toll:
        why = f"not judged: {', '.join(not_judged)}, priced by sections" if not_judged else "none: the road is free"
        return ["Tolls", f"  {why}", ""]
    fates = ", ".join(f"{count} {name}" for name, count in toll["fates"].items() if count)
    booked, due = toll["amount_minor"] / 100, toll["expected_amount_minor"] / 100
    lines = [
        "Tolls",
        f"  {toll['charges']} of {toll['expected_charges']} charges agree on {toll['pairs']} pairs, from"
        f" {toll['journeys']} journeys: {booked:,.2f} of {due:,.2f}",
        f"  {toll['reads']['distinct']:,} reads and {toll['reads']['by_own_fixes']} crossings by own fixes: {fates}",
    ]
    lines += [f"  held as it should be: {count} for want of {_want(reason)}" for reason, count in toll["held"].items()]
    return [*lines, ""]


def _want(reason: str) -> str:
    """The twin's own word for what is lacking, and the platform's in brackets."""
    because, _, said = reason.partition(": ")
    words = {
        "pair": "a price of the pair",
        "class": "a price of the class",
        "payment": "a price for this means of payment",
        "hour": "a price at this hour",
        "time": "a tariff in force",
        "entry not seen": "an entry",
        "exit not seen": "an exit",
        "moment not known": "the moment at the boundary",
    }
    return f"{words.get(because, because)} ({said})"


def _closing(verdict: Verdict) -> list[str]:
    timing, differences = verdict.timing, verdict.score["differences"]
    pace = f"{timing['window_times_real_time']:g} × real time" if "window_times_real_time" in timing else "real time"
    blind = [f"Not judged: {text}" for text in verdict.score["not_judged"]]
    if verdict.agrees:
        return [*blind, f"Agrees with the truth: no difference ({pace})"]
    return [*blind, f"{len(differences)} differences from the truth ({pace})", *(f"  {text}" for text in differences)]
