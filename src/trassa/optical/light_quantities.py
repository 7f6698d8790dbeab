"""What lights the backbone, hut by hut: shelves, ROADM degrees, amplifiers, transponders, and what one more hut costs.

::

    in a hut with a ROADM        a shelf; for each cable and neighbouring hut a degree, a booster, a preamplifier
    in one with amplifiers only  a shelf; for each cable an amplifier in either sense; the line's two ends have ROADMs
    for each wavelength          a transponder at either end

A hut with a ROADM has wavelengths to each point of presence: one at least, as many as what enters there asks for. In
the search for huts each place bears all that its hut adds to the bill: its shelf, degrees and amplifiers, and both
ends of its first wavelength to each point of presence. The further ones follow the traffic, which is the same wherever
huts stand but for rounding to whole wavelengths; the bill has them, the search does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from trassa.optical.light import unnamed_line
from trassa.optical.line import Line
from trassa.optical.placement import HutPlace
from trassa.optical.services.aggregation import Aggregation
from trassa.optical.settings import OpticalSettings
from trassa.pricing import Price

__all__ = ["equipment_rows", "light_quantities", "with_light"]

Row = dict[str, int | float | str | bool]

_SHELF, _DEGREE, _TRANSPONDER, _AMPLIFIER = "shelf", "ROADM degree", "transponder", "amplifier"


def with_light(places: Sequence[HutPlace], presences: int, rules: OpticalSettings) -> list[HutPlace]:
    """Places for huts in a row, the two ends of the line included, each with the price of what lights a hut there.

    ``presences`` is the number of points of presence of the line.
    """
    ends = (places[0], places[-1])
    return [
        replace(
            place,
            cost_minor=place.cost_minor
            + _hut_minor(rules, at_end=place in ends, presences=0 if place.role == "point_of_presence" else presences),
        )
        for place in places
    ]


def _hut_minor(rules: OpticalSettings, *, at_end: bool, presences: int) -> int:
    """What one hut adds to the bill of the light."""
    prices, roadm = rules.prices, rules.hut_equipment == "roadm"
    degrees = rules.cables * (1 if at_end else 2) if roadm or at_end else 0
    amplifiers = 2 * degrees or 2 * rules.cables
    transponders = 2 * presences if roadm else int(at_end)
    return (
        prices.line_equipment.amount_minor
        + degrees * prices.roadm_degree.amount_minor
        + amplifiers * prices.amplifier.amount_minor
        + transponders * prices.transponder.amount_minor
    )


def equipment_rows(lines: Sequence[Line]) -> list[Row]:
    """A row for each kind of thing in each hut; ``cable`` is empty where it belongs to no one cable."""
    return [row for line in lines for row in _line_rows(line)]


def _line_rows(line: Line) -> list[Row]:
    light = unnamed_line(line.chain.spans, line.presence_before, line.presence_after, line.rules)
    found: Counter[tuple[int, str, str]] = Counter()
    for section in light.sections:
        cable = line.cables[section.cable]
        found[section.huts[0], cable, _DEGREE] += 1
        for hut, amplifier in zip(section.huts, light.amplifiers[section], strict=True):
            found[hut, cable, f"{_AMPLIFIER} {amplifier.type_name}"] += 1
    for hut, count in enumerate(_transponders(line)):
        found[hut, "", _SHELF] += 1
        found[hut, "", _TRANSPONDER] += count
    return [
        {
            "hut": line.hut_names[hut],
            "measure_m": line.chain.huts[hut].measure_m,
            "cable": cable,
            "item": item,
            "quantity": count,
        }
        for (hut, cable, item), count in sorted(found.items())
        if count
    ]


def _transponders(line: Line) -> list[int]:
    """Transponders in each hut: those of its own wavelengths, and in a point of presence the other ends of all."""
    last = len(line.chain.huts) - 1
    if line.rules.hut_equipment != "roadm":
        return [int(hut in (0, last)) for hut in range(last + 1)]
    presences = [hut for hut, here in ((0, line.presence_before), (last, line.presence_after)) if here]
    asked = Aggregation(line).wavelengths.tolist()
    count = [0 if hut in presences else max(int(wavelengths), 1) for hut, wavelengths in enumerate(asked)]
    return [sum(count) if hut in presences else own * len(presences) for hut, own in enumerate(count)]


def light_quantities(lines: Sequence[Line], rules: OpticalSettings) -> list[tuple[str, float, str, Price]]:
    """Item, quantity, unit and price of all that lights the backbone, added up over the huts."""
    prices = rules.prices
    count: Counter[str] = Counter()
    for row in equipment_rows(lines):
        count[str(row["item"])] += int(row["quantity"])
    priced = {_SHELF: prices.line_equipment, _DEGREE: prices.roadm_degree, _TRANSPONDER: prices.transponder}
    found = [(item, number, priced.get(item, prices.amplifier)) for item, number in sorted(count.items())]
    return [(f"backbone {item}", float(number), price.unit, price) for item, number, price in found]
