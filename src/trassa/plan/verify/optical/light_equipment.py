"""What lights each hut, counted again from amplifiers, spans and the aggregation, and what that costs."""

from __future__ import annotations

from collections import Counter

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.light_ways import rows_of_huts
from trassa.plan.verify.verdict import Row

__all__ = ["check_equipment", "light_minor"]

_Thing = tuple[str, str, str]


def check_equipment(evidence: Evidence) -> Row:
    """The layer of the backbone's equipment: hut, cable and number of everything."""
    due = _due(evidence)
    measure_m = {str(row["hut"]): float(row["measure_m"]) for row in evidence.layers["huts"].rows()}
    found, wrong = Counter[_Thing](), []
    for row in evidence.layers["backbone_equipment"].rows():
        found[str(row["hut"]), str(row["cable"]), str(row["item"])] += int(row["quantity"])
        if not abs(float(row["measure_m"]) - measure_m.get(str(row["hut"]), float("nan"))) <= 1e-3:
            wrong.append(f"{row['item']} of {row['hut']} stands elsewhere")
    wrong += [
        f"{found[thing]} {thing[2]} in {thing[0]} stated, {due[thing]} are due"
        for thing in sorted({*due, *found})
        if due[thing] != found[thing]
    ]
    said = "; ".join(wrong[:3]) or f"{sum(due.values())} pieces in {len(measure_m)} huts"
    return Row("optical.equipment", "", None, "", not wrong, None, said)


def _due(evidence: Evidence) -> Counter[_Thing]:
    rules, due = evidence.settings.optical, Counter[_Thing]()
    for hut in evidence.layers["huts"]["hut"].tolist():
        due[hut, "", "shelf"] += 1
    for row in evidence.layers["amplifiers"].rows():
        due[str(row["hut"]), str(row["cable"]), f"amplifier {row['type']}"] += 1
        if row["role"] == "booster":
            due[str(row["hut"]), str(row["cable"]), "ROADM degree"] += 1
    asked = {str(row["hut"]): int(row["wavelengths"]) for row in evidence.layers["aggregation"].rows()}
    for huts in _lines(evidence):
        presences = [hut for hut in {huts[0], huts[-1]} if hut in _presences(evidence)]
        if rules.hut_equipment != "roadm":
            due.update({(hut, "", "transponder"): 1 for hut in (huts[0], huts[-1])})
            continue
        for hut in huts:
            for presence in presences if hut not in presences else []:
                for end in (hut, presence):
                    due[end, "", "transponder"] += max(asked.get(hut, 0), 1)
    return due


def _presences(evidence: Evidence) -> set[str]:
    return set(evidence.layers["huts"].where(role="point_of_presence")["hut"].tolist())


def _lines(evidence: Evidence) -> list[list[str]]:
    """Huts in rows, as spans join them."""
    parted = (str(name).partition("–") for name in evidence.layers["spans"]["span"].tolist())
    return rows_of_huts((first, last) for first, _, last in parted)


def light_minor(evidence: Evidence, hut: str) -> int:
    """What lights a hut costs in the search for huts, its first wavelengths with both ends included, minor units."""
    rules, prices = evidence.settings.optical, evidence.settings.optical.prices
    huts = next((huts for huts in _lines(evidence) if hut in huts), [hut])
    end, roadm = hut in (huts[0], huts[-1]), rules.hut_equipment == "roadm"
    beside = 1 if end else 2
    degrees = beside * rules.cables if end or roadm else 0
    amplifiers = 2 * degrees if degrees else 2 * rules.cables
    presences = {huts[0], huts[-1]} & _presences(evidence)
    transponders = (0 if hut in presences else 2 * len(presences)) if roadm else int(end)
    return (
        prices.line_equipment.amount_minor
        + degrees * prices.roadm_degree.amount_minor
        + amplifiers * prices.amplifier.amount_minor
        + transponders * prices.transponder.amount_minor
    )
