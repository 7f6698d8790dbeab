"""Road numbers as people and maps spell them, and the ways that carry one.

``M-11``, ``М11`` (Cyrillic) and ``M 11`` are one road; a way may carry several (``A 2;A 7``).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from trassa.errors import InputError
from trassa.road.osm import OsmWay, RoadObjects, read_ref_lengths, read_roads

__all__ = ["CLASSES", "REF_KEYS", "folded_ref", "read_road", "refs_of"]

CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified")
"""Road classes of OSM that a road of one number may have, highest first; ramps (``…_link``) are no part of it."""

REF_KEYS = ("ref", "nat_ref", "official_ref", "int_ref", "loc_ref")
"""Tags that carry a road's number, in the order in which they are believed."""

_LOOKALIKES = str.maketrans("АВЕЁКМНОРСТУХ", "ABEEKMHOPCTYX")


def folded_ref(ref: str) -> str:
    """A ref without blanks, hyphens and case, Cyrillic letters as the Latin ones they look like: ``М-11`` → ``M11``."""
    plain = unicodedata.normalize("NFKC", ref).upper().translate(_LOOKALIKES)
    return "".join(letter for letter in plain if letter.isalnum())


def refs_of(tags: Mapping[str, str], key: str = "ref") -> list[str]:
    """The road numbers in one tag of a way, as spelt: ``A 2;A 7`` → ``['A 2', 'A 7']``."""
    return [part.strip() for part in tags.get(key, "").replace(",", ";").split(";") if part.strip()]


def read_road(paths: Sequence[Path], ref: str, road_class: str = "") -> tuple[RoadObjects, str, str]:
    """The ways of one road with everything that may belong to it, its ref as the source spells it, and its class.

    Without ``road_class`` the highest class that carries the ref is taken; it may name several. Raises
    :class:`~trassa.errors.InputError` that lists the refs there are when none matches.
    """
    wanted = folded_ref(ref)
    if not wanted:
        raise InputError(f"road: ref {ref!r} holds no letter or digit", cure="a road number such as 'A 4'")
    classes = tuple(road_class.replace(",", " ").split()) or CLASSES
    unknown = [name for name in classes if name not in CLASSES]
    if unknown:
        raise InputError(f"road: {unknown[0]!r} is not a road class", cure=", ".join(CLASSES))

    def carries(tags: Mapping[str, str]) -> bool:
        return tags.get("highway") in classes and any(
            folded_ref(part) == wanted for key in REF_KEYS if key in tags for part in refs_of(tags, key)
        )

    found = read_roads(paths, carries)
    key = _key_that_carries(list(found.ways.values()), wanted)
    if key is None:
        raise _unknown_ref(paths, ref, classes)
    found.ways = {i: w for i, w in found.ways.items() if _carries(w, key, wanted)}
    chosen = classes if road_class else (min((w.tags["highway"] for w in found.ways.values()), key=CLASSES.index),)
    spelt = Counter(
        part for way in found.ways.values() for part in refs_of(way.tags, key) if folded_ref(part) == wanted
    )
    found.others = {i: w for i, w in found.ways.items() if w.tags["highway"] not in chosen}
    found.ways = {i: w for i, w in found.ways.items() if w.tags["highway"] in chosen}
    return found, spelt.most_common(1)[0][0], " ".join(chosen)


def _key_that_carries(ways: Sequence[OsmWay], wanted: str) -> str | None:
    return next((key for key in REF_KEYS if any(_carries(way, key, wanted) for way in ways)), None)


def _carries(way: OsmWay, key: str, wanted: str) -> bool:
    return any(folded_ref(part) == wanted for part in refs_of(way.tags, key))


def _unknown_ref(paths: Sequence[Path], ref: str, classes: Sequence[str]) -> InputError:
    lengths = read_ref_lengths(paths, classes)
    names = ", ".join(path.name for path in paths)
    if not lengths:
        return InputError(f"road: {names} holds no road with a ref", cure="an extract that covers the road")
    rank = {name: index for index, name in enumerate(classes)}
    listed = sorted(lengths.items(), key=lambda item: (rank[item[0][0]], -item[1]))
    shown = ", ".join(f"{name} ({length / 1000:.1f} km of {kind})" for (kind, name), length in listed[:24])
    more = f" and {len(listed) - 24} more" if len(listed) > 24 else ""
    kind = "road" if tuple(classes) == CLASSES else "/".join(classes)
    return InputError(f"road: {names} holds no {kind} with the ref {ref!r}", cure=shown + more)
