"""Overpass: which queries find a road and what stands around it, and whether an answer may be believed."""

from __future__ import annotations

import re
from pathlib import Path

from trassa.errors import InputError
from trassa.road.lattice import Bounds
from trassa.road.refs import folded_ref
from trassa.road.surroundings import CATEGORIES

__all__ = ["QueryTooLarge", "ref_spellings", "require_answer", "road_query", "surroundings_query"]

_TIMEOUT_S = 180
_CLASSES = "^(motorway|trunk|primary|secondary)$"
_LATIN, _CYRILLIC = "ABEKMHOPCTYX", "АВЕКМНОРСТУХ"
_PLACES = (
    "milestone",
    "motorway_junction",
    "services",
    "rest_area",
    "toll_gantry",
    "emergency_access_point",
    "speed_camera",
)
_MAINS = "^(line|minor_line|cable|substation|sub_station|transformer|pole)$"
_TAIL_BYTES = 4096


class QueryTooLarge(InputError):
    """Overpass ran out of time or memory: the same question about a smaller box may succeed."""


def ref_spellings(ref: str) -> list[str]:
    """How the map may spell a ref: blank, hyphen or nothing before the number, in Latin or Cyrillic letters.

    ``М-11`` → ``М-11``, ``М 11``, ``М11`` and the three with a Latin M, the given spelling first.
    """
    parts = re.findall(r"\d+|[^\W\d]+", folded_ref(ref))
    if not parts:
        raise InputError(f"fetch: {ref!r} names no road", cure="a road number such as 'A 4'")
    to_cyrillic = str.maketrans(_LATIN, _CYRILLIC)
    alphabets = [parts]
    if all(letter in _LATIN for part in parts for letter in part if letter.isalpha()):
        alphabets.append([part.translate(to_cyrillic) for part in parts])
    spelt = [ref.strip()]
    spelt += [gap.join(words[:2]) + "".join(words[2:]) for words in alphabets for gap in ("-", " ", "")]
    return list(dict.fromkeys(spelt))


def road_query(ref: str) -> str:
    """Every way that carries the ref, by its own tag or as a member of the road's route relation, worldwide.

    By exact spellings, which Overpass has an index for; a pattern would search the whole planet.
    """
    quoted = [spelling.replace("\\", "\\\\").replace('"', '\\"') for spelling in ref_spellings(ref)]
    ways = "".join(f'way["highway"~"{_CLASSES}"]["ref"="{q}"];' for q in quoted)
    relations = "".join(f'relation["type"="route"]["route"="road"]["ref"="{q}"];' for q in quoted)
    members = f'(way.found;way(r.found)["highway"~"{_CLASSES}"];);'
    return f"[out:xml][timeout:{_TIMEOUT_S}];({ways}{relations})->.found;{members}(._;>;);out body;"


def surroundings_query(box: Bounds) -> str:
    """Roads, posts, places, masts, mains, woods, settlements and buildings of a box, complete with their nodes."""
    frame = f"{box.south_deg:.5f},{box.west_deg:.5f},{box.north_deg:.5f},{box.east_deg:.5f}"
    classes = _CLASSES.replace(")$", ")(_link)?$")
    values: dict[str, set[str]] = {"building": set()}
    for rules in CATEGORIES.values():
        for key, names in rules:
            values.setdefault(key, set()).update(names)
    areas = [f'["{k}"~"^({"|".join(sorted(names))})$"]' if names else f'["{k}"]' for k, names in sorted(values.items())]
    things = ['["man_made"~"^(mast|tower|communications_tower)$"]', '[~"^communication:"~"."]', '["railway:radio"]']
    wanted = [f'way["highway"~"{classes}"];', 'way["highway"~"^(services|rest_area)$"];']
    wanted += [f'node["highway"~"^({"|".join(_PLACES)})$"];']
    wanted += [f"node{condition};way{condition};" for condition in ('["barrier"="toll_booth"]', *things)]
    wanted += [f"way{condition};relation{condition};" for condition in areas]
    wanted += [f'way["power"~"{_MAINS}"];node["power"~"{_MAINS}"];way["landuse"="farmyard"];']
    wanted += ['way["barrier"="noise_barrier"];way["wall"="noise_barrier"];way["man_made"="cutting"];']
    return f"[out:xml][timeout:{_TIMEOUT_S}][bbox:{frame}];({''.join(wanted)});(._;>;);out body;"


def require_answer(path: Path) -> None:
    """Refuse an answer that is no OSM data, breaks off, or carries the remark of a failed query (status 200 or not)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_TAIL_BYTES)
        file.seek(max(size - _TAIL_BYTES, 0))
        tail = file.read()
    remark = re.search(rb"<remark>\s*(.*?)\s*</remark>", head + tail, re.DOTALL)
    if remark is not None:
        text = remark[1].decode("utf-8", "replace")
        if re.search(r"timed out|out of memory|maxsize", text):
            raise QueryTooLarge(f"fetch: Overpass gave up ({text})", cure="the same command later")
        raise InputError(f"fetch: Overpass refused the query ({text})", cure="the same command later")
    if b"<osm" not in head:
        text = re.sub(r"<[^>]*>|\s+", " ", head.decode("utf-8", "replace")).strip()
        raise InputError(f"fetch: Overpass answered something else than OSM data: {text[:200]}")
    if not tail.rstrip().endswith(b"</osm>"):
        raise InputError(
            f"fetch: the answer of Overpass breaks off after {size:,} bytes", cure="the same command again"
        )
