"""What is promised of whole trips: the figures of the claim against those of the simulation it names."""

from __future__ import annotations

from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.verdict import Row

__all__ = ["check_trips"]


def check_trips(evidence: Evidence) -> list[Row]:
    """The claim follows from its own counts; that the trips were driven as stated is the planner's word."""
    claim = next((claim for claim in evidence.proof.claims if claim.id == "radio.trips"), None)
    if claim is None:
        return []
    radio, odds = evidence.settings.radio, claim.method.get("trips", {})
    wrong = [f"{way} is not among the trips" for way in evidence.carriageways if way not in odds]
    high = max((float(one["share_high"]) for one in odds.values()), default=1.0)
    holds = verdict(high > radio.outage_probability, estimate_reasons(evidence))
    if holds != claim.holds:
        wrong.append(f"the proof says {claim.holds}")
    trips, longest = evidence.layers["trips"].where(kind="drawn"), radio.longest_outage_s
    for row in trips.rows():
        counted = float(odds.get(str(row["carriageway"]), {}).get("share", 1.0))
        if float(row["longest_outage_s"]) > longest and counted == 0.0:
            wrong.append(f"a trip on the {row['carriageway']} carriageway is out for {row['longest_outage_s']:g} s")
    said = "; ".join(wrong) or "counts agree with the stored trips; that they were driven so is the planner's word"
    margin = 100.0 * (radio.outage_probability - high)
    return [Row("radio.trips", "", margin, "% of trips", not wrong, holds, said)]
