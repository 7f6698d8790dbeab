"""Fibres, splices and patches followed again: from what each fibre serves to both of its ends.

The rules, not the numbers: a fibre serves one thing, whatever has light has its fibres on every span it crosses, and
a technician who follows splices and patches comes out where the light should.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.optical.line import Network
from trassa.plan.verify.optical.stated_rows import AT_M, rows_off
from trassa.plan.verify.optical.trees import TreeAgain
from trassa.plan.verify.verdict import Row

__all__ = ["check_fibres"]

_ORDERS = {
    "tia-598": "blue orange green brown grey white red black yellow violet pink turquoise",
    "din-vde-0888": "red green blue yellow white grey brown violet turquoise black orange pink",
}
_Use = tuple[str, str]
"""What a fibre serves and its service."""


def check_fibres(evidence: Evidence, plant: Plant, network: Network) -> Row:
    """The row ``optical.fibres``."""
    wrong, patched, splices = [], [], Counter[tuple[Any, ...]]()
    for cable in plant.cables:
        huts = sorted((m, hut) for hut, m in network.huts.items() if cable.start_m - AT_M <= m <= cable.end_m + AT_M)
        for (start_m, before), (end_m, behind) in pairwise(huts):
            span = _Span(evidence, plant, network, cable, (before, behind), (start_m, end_m))
            wrong += span.fibres_off()
            patched += span.patches()
            splices += span.splices()
    spans = {(row["cable"], row["span"]) for row in evidence.layers["fibres"].rows()}
    known = {(row["cable"], row["span"]) for row in evidence.layers["spans"].rows()}
    wrong += [f"fibres of {cable} on {span}, which is no span" for cable, span in sorted(spans - known)]
    wrong += rows_off(evidence.layers["patches"], ["hut", "cable", "side", "fibre"], patched)
    wrong += _equipment_off(evidence, network) + _splices_off(evidence, splices)
    counts = [f"{len(evidence.layers[name])} rows of {name}" for name in ("fibres", "splices", "patches")]
    said = "; ".join(wrong[:3]) or ", ".join(counts) + ", no fibre twice"
    return Row("optical.fibres", "", None, "", not wrong, None, said)


def _colours(fibre: int, rules: OpticalSettings) -> dict[str, int | str]:
    order = _ORDERS[rules.colour_code].split()

    def colour(number: int) -> str:
        rings, rest = (number - 1) // 12, (number - 1) % 12
        return order[rest] + (f" with {rings} ring{'s' * (rings > 1)}" if rings else "")

    tube = (fibre + rules.tube_fibres - 1) // rules.tube_fibres
    place = fibre - (tube - 1) * rules.tube_fibres
    return {"tube": tube, "tube_colour": colour(tube), "fibre_colour": colour(place)}


class _Span:
    """One cable between two neighbouring huts."""

    def __init__(
        self,
        evidence: Evidence,
        plant: Plant,
        network: Network,
        cable: Cable,
        huts: tuple[str, str],
        ends_m: tuple[float, float],
    ) -> None:
        self._evidence, self._network, self._cable = evidence, network, cable
        self._huts, self._ends_m, self._rules = huts, ends_m, evidence.settings.optical
        self._name = "–".join(huts)
        self._rows = evidence.layers["fibres"].where(cable=cable.name, span=self._name)
        self._uses: dict[int, _Use] = {
            int(row["fibre"]): (str(row["use"]), str(row["service"])) for row in self._rows.rows()
        }
        beside = [one for one in plant.cables if one.start_m <= ends_m[0] + AT_M and ends_m[0] < one.end_m]
        self._tapped = bool(beside) and beside[0] is cable

    def fibres_off(self) -> list[str]:
        """Every fibre once, in its colours, and each use on as many as its optics take."""
        start_m, end_m = self._ends_m
        due = [
            {"fibre": fibre, "start_m": start_m, "end_m": end_m, **_colours(fibre, self._rules)}
            for fibre in range(1, self._rules.fibres + 1)
        ]
        wrong = [f"{self._cable.name} {self._name}: {said}" for said in rows_off(self._rows, ["fibre"], due)]
        wanted = self._wanted()
        taken = Counter(self._uses.values())
        spare = ("spare", "")
        for use in sorted({*wanted, *taken} - {spare}):
            if taken[use] != wanted[use]:
                told = f"{taken[use]} fibres of {self._cable.name} {self._name} serve {use[0]} as {use[1]}"
                wrong.append(f"{told}, {wanted[use]} are due")
        return wrong

    def _wanted(self) -> Counter[_Use]:
        """How many fibres each use takes here: the backbone on every cable, the rest on the one that is tapped."""
        wanted = Counter({("backbone", "backbone"): self._rules.backbone_fibres})
        if not self._tapped:
            return wanted
        takes = {optics.name: optics.fibres for optics in self._rules.transceivers}
        for ring in self._network.rings:
            if ring.huts == self._huts:
                rows = self._evidence.layers["ring_segments"].where(ring=ring.name)
                wanted[(ring.name, "ring")] = max((takes.get(str(name), 0) for name in rows["optics"]), default=0)
        wanted.update({(tree.name, "tree"): 1 + max(map(len, self._beside(tree))) for tree in self._trees()})
        for row in self._connections():
            links = self._evidence.layers["links"].where(site=row["connection"])
            fibres = {takes.get(str(name), 0) for name in links["optics"]}
            wanted[(str(row["connection"]), str(row["service"]))] = max(fibres, default=0)
        return wanted

    def _connections(self) -> Iterator[Mapping[str, Any]]:
        """What has own fibres on this span: both its links lead to the two huts."""
        pairs: dict[str, set[str]] = {}
        for link in self._network.links:
            pairs.setdefault(link.site, set()).add(link.hut)
        for row in self._evidence.layers["connections"].where(access="own fibres").rows():
            if pairs.get(str(row["connection"])) == set(self._huts):
                yield row

    def _trees(self) -> Iterator[TreeAgain]:
        """The trees between the two huts."""
        yield from (tree for tree in self._network.trees if self._tapped and tree.huts == self._huts)

    def _beside(self, tree: TreeAgain) -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
        """Tap and name of a tree's places before its splitter and behind it, in order of measure."""
        places = list(zip(tree.taps_m, tree.members, strict=True))
        return [p for p in places if p[0] < tree.splitter_m], [p for p in places if p[0] > tree.splitter_m]

    def _of(self, tree: TreeAgain) -> list[int]:
        return sorted(fibre for fibre, (use, _) in self._uses.items() if use == tree.name)

    def _tree_splices(self, tree: TreeAgain, at_m: float) -> tuple[set[int], list[tuple[str, int, str]]]:
        """A tree's fibres that are opened in a closure, and its splices there: side, fibre or output, what it meets."""
        fibres, name = self._of(tree), tree.name
        before, behind = self._beside(tree)
        if abs(at_m - tree.splitter_m) > AT_M:
            found = []
            for places, towards in ((before, "behind"), (behind, "before")):
                for fibre, (tap_m, place) in zip(fibres[1:], places, strict=False):
                    if abs(tap_m - at_m) <= AT_M:
                        found.append((towards, fibre, f"drop {place}"))
            return {fibre for _, fibre, _ in found}, found
        found = [(side, fibres[0], f"inputs of {name}") for side in ("before", "behind") if fibres]
        for side, places in (("before", before), ("behind", behind)):
            found += [(side, fibre, f"outputs of {name}") for fibre, _ in zip(fibres[1:], places, strict=False)]
        here = [(port, place) for port, place in enumerate(tree.members, start=1)]
        others = {place for places in (before, behind) for _, place in places}
        found += [(f"outputs of {name}", port, f"drop {place}") for port, place in here if place not in others]
        return set(fibres), found

    def _taps(self) -> dict[str, list[tuple[float, str]]]:
        """Where the fibres of each use are opened, in order of measure."""
        taps = {str(row["connection"]): float(row["tap_m"]) for row in self._evidence.layers["connections"].rows()}
        found: dict[str, list[tuple[float, str]]] = {}
        if self._tapped:
            for ring in self._network.rings:
                if ring.huts == self._huts:
                    found[ring.name] = [(taps.get(name, float("nan")), name) for name in ring.members]
            for row in self._connections():
                found[str(row["connection"])] = [(float(row["tap_m"]), str(row["connection"]))]
        return found

    def patches(self) -> list[Mapping[str, Any]]:
        """The rows that the two huts' panels must have for this span, without the equipment."""
        opened, rows = self._taps(), list[Mapping[str, Any]]()
        dark = {fibre for tree in self._trees() for fibre in self._of(tree)[1:]}
        splitters = {tree.name: f"splitter of {tree.name}" for tree in self._trees()}
        for fibre, (use, _) in sorted(self._uses.items()):
            if use == "spare" or fibre in dark:
                continue
            drops = [name for _, name in opened.get(use, [])]
            for hut, side, far in ((0, "behind", 0), (1, "before", -1)):
                row = {"hut": self._huts[hut], "cable": self._cable.name, "side": side, "fibre": fibre, "use": use}
                to = drops[far] if drops else splitters.get(use, self._huts[1 - hut])
                rows.append({**row, "to": to, **_colours(fibre, self._rules)})
        return rows

    def splices(self) -> Counter[tuple[Any, ...]]:
        """Every splice due: closure, side, fibre, and what it is joined to."""
        found: Counter[tuple[Any, ...]] = Counter()
        opened = self._taps()
        for row in self._evidence.layers["closures"].where(cable=self._cable.name).rows():
            at_m = float(row["measure_m"])
            if not self._ends_m[0] + AT_M < at_m < self._ends_m[1] - AT_M:
                continue
            where = (str(row["closure"]), round(at_m, 2))
            led = {use: [name for tap_m, name in drops if abs(tap_m - at_m) <= AT_M] for use, drops in opened.items()}
            for use, names in led.items():
                fibres = [fibre for fibre, (served, _) in self._uses.items() if served == use]
                if names:
                    found.update((*where, "before", fibre, f"drop {names[0]}") for fibre in fibres)
                    found.update((*where, "behind", fibre, f"drop {names[-1]}") for fibre in fibres)
                for one, other in pairwise(names):
                    number = len(fibres)
                    onwards = range(number + 1, 2 * number + 1)
                    found.update((*where, f"drop {one}", fibre, f"drop {other}") for fibre in onwards)
            cut: set[int] = set()
            for tree in self._trees():
                opened_here, joined = self._tree_splices(tree, at_m)
                cut |= opened_here
                found.update((*where, *splice) for splice in joined)
            if "joint" in str(row["kind"]):
                through = [f for f, (use, _) in self._uses.items() if not led.get(use) and f not in cut]
                found.update((*where, "both", fibre, "next reel") for fibre in through)
        return found


def _splices_off(evidence: Evidence, due: Counter[tuple[Any, ...]]) -> list[str]:
    """Runs of splices written out fibre by fibre against those that are due."""
    wrong: list[str] = []
    stated, drops = Counter[tuple[Any, ...]](), Counter[tuple[str, int]]()
    for row in evidence.layers["splices"].rows():
        first, last, to = int(row["first"]), int(row["last"]), str(row["to"])
        count, into = last - first + 1, int(row["to_last"]) - int(row["to_first"]) + 1
        if (
            count != row["splices"]
            or into != count
            or count < 1
            or first < 1
            or last > (32 if str(row["side"]).startswith("outputs") else evidence.settings.optical.fibres)
        ):
            wrong.append(f"{row['closure']}: fibres {first}–{last} meet {row['to_first']}–{row['to_last']}")
            continue
        if to == "next reel" and first != row["to_first"]:
            wrong.append(f"{row['closure']}: fibre {first} goes on as {row['to_first']}")
        side = str(row["side"])
        where = (str(row["closure"]), round(float(row["measure_m"]), 2), side)
        stated.update((*where, fibre, to) for fibre in range(first, last + 1))
        if to != "next reel":
            drops.update((to, int(row["to_first"]) + step) for step in range(count))
        if side.startswith("drop "):
            drops.update((side, fibre) for fibre in range(first, last + 1))
    for name, more, fewer in (("is not spliced", due, stated), ("is spliced and should not be", stated, due)):
        odd = sorted((more - fewer).elements())[:3]
        wrong += [f"{closure}: fibre {fibre} from {side} to {to} {name}" for closure, _, side, fibre, to in odd]
    ends = [end for _, _, side, _, to in due.elements() for end in (side, to)]
    for end, count in Counter(end for end in ends if end.startswith("drop ")).items():
        if sorted(number for name, number in drops.elements() if name == end) != list(range(1, count + 1)):
            wrong.append(f"{end}: its fibres are not 1 to {count}, each once")
    return wrong


def _equipment_off(evidence: Evidence, network: Network) -> list[str]:
    """What a fibre is patched to in a hut: the transceiver of the link or segment that ends there, or the backbone."""
    at_hut: dict[tuple[str, str], set[str]] = {}
    of_use: dict[str, set[str]] = {"backbone": {evidence.settings.optical.hut_equipment}}
    for row in evidence.layers["links"].rows():
        at_hut.setdefault((str(row["hut"]), str(row["site"])), set()).add(str(row["optics"]))
        of_use.setdefault(str(row["site"]), set()).add(str(row["optics"]))
    for row in evidence.layers["ring_segments"].rows():
        of_use.setdefault(str(row["ring"]), set()).add(str(row["optics"]))
        for hut in {str(row["first"]), str(row["second"])} & set(network.huts):
            at_hut.setdefault((hut, str(row["ring"])), set()).add(str(row["optics"]))
    wrong = []
    for row in evidence.layers["splitters"].rows() if "splitters" in evidence.layers else ():
        of_use.setdefault(str(row["tree"]), set()).add(str(row["optics"]))
        for hut in (str(row["hut_before"]), str(row["hut_behind"])):
            at_hut.setdefault((hut, str(row["tree"])), set()).add(str(row["optics"]))
    for row in evidence.layers["patches"].rows():
        hut, use, said = str(row["hut"]), str(row["use"]), set(str(row["equipment"]).split("/"))
        due = at_hut.get((hut, use), set()) if use != "backbone" else of_use[use]
        if not due & said or not said <= of_use.get(use, set()):
            wrong.append(f"{hut} {row['cable']} fibre {row['fibre']} is patched to {row['equipment'] or 'nothing'}")
    return wrong
