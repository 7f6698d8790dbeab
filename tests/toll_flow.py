"""Gantries and own fixes on the M-11 with a truth of their own: prices typed here, not read from any tariff file.

The sender keeps a log of what was acknowledged to it, and sends again what was not.
"""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from running_platform import ServedRoad

__all__ = ["Gantries", "Journey", "booked", "journeys", "name_of", "own_fixes", "stored"]

FRIDAY_MS = 1_780_650_000_000
"""2026-06-05T09:00:00Z, noon in Moscow on a Friday."""
KM = {"m11-021-moskva": 21, "m11-024-sheremetyevo-2": 24, "m11-036-zelenograd": 36, "m11-047-ckad": 47,
      "m11-058-solnechnogorsk": 58, "m11-147-tver": 147, "m11-679-sankt-peterburg": 679}  # fmt: skip
SOUTH, NORTH = "m11-15-58", "m11-58-684"
# What a car without transponder pays on a Friday, in kopecks: orders of 2026-04-18 and 2026-02-27.
PRICED: tuple[tuple[tuple[str, ...], dict[str, int]], ...] = (
    (("m11-021-moskva", "m11-058-solnechnogorsk"), {SOUTH: 165_000}),
    (("m11-058-solnechnogorsk", "m11-021-moskva"), {SOUTH: 126_000}),
    (("m11-021-moskva", "m11-036-zelenograd"), {SOUTH: 82_000}),
    (("m11-036-zelenograd", "m11-058-solnechnogorsk"), {SOUTH: 78_000}),
    (("m11-036-zelenograd", "m11-021-moskva"), {SOUTH: 62_000}),
    (("m11-058-solnechnogorsk", "m11-147-tver"), {NORTH: 75_000}),
    (("m11-021-moskva", "m11-058-solnechnogorsk", "m11-147-tver"), {SOUTH: 165_000, NORTH: 75_000}),
    (("m11-021-moskva", "m11-058-solnechnogorsk", "m11-679-sankt-peterburg"), {SOUTH: 165_000, NORTH: 420_000}),
    (("m11-024-sheremetyevo-2", "m11-047-ckad"), {}),  # nobody published this pair: held
)
_AGAIN_S = 0.2


@dataclass(frozen=True)
class Journey:
    """One vehicle, what gantries see of it, and what it owes by system."""

    contract_id: str
    identity: tuple[str, str]
    reads: tuple[dict[str, Any], ...]
    owes: dict[str, int]

    @property
    def contract(self) -> dict[str, Any]:
        """Its contract as the API takes it."""
        kind, plain = self.identity
        return {
            "contract_id": self.contract_id,
            "vehicle_class": "1",
            "means": "plate",
            "identities": [{"kind": kind, "plain": plain}],
        }


def journeys(source: str, seed: int, vehicles: int) -> list[Journey]:
    """Journeys with one to three sensors at each toll point; every priced way comes, the rest is chance."""
    chance = random.Random(seed)
    sequence = iter(range(1, 1_000_000))
    made = []
    for vehicle in range(vehicles):
        way, owes = PRICED[(seed + vehicle) % len(PRICED)]
        plate, time_ms, before = f"Х{seed:03d}{vehicle:02d}777", FRIDAY_MS + chance.randrange(3_600_000), way[0]
        reads = []
        for point in way:
            time_ms += round(abs(KM[point] - KM[before]) / 100 * 3_600_000)
            before = point
            reads += [
                {"source": source, "device": f"{point}/{sensor}", "sequence": next(sequence), "means": "plate",
                 "time_ms": time_ms + 700 * sensor, "toll_point": point, "identity": plate}
                for sensor in range(chance.choice((1, 2, 3)))
            ]  # fmt: skip
        made.append(Journey(f"{source}-{vehicle}", ("plate", plate), tuple(reads), owes))
    return made


def own_fixes(road: ServedRoad, vehicle: str, fixes_a_message: int = 4) -> tuple[Journey, list[bytes]]:
    """A vehicle that tells its own way from km 20 to km 60 at 30 m/s: past Moscow's plaza and Solnechnogorsk's."""
    start_m, end_m = road.measure_at_km(20.0), road.measure_at_km(60.0)
    fixes = []
    measure_m, time_ms = start_m, FRIDAY_MS
    while measure_m <= end_m:
        place = road.place(measure_m)
        fixes.append(
            {"time_ms": time_ms, "latitude_deg": place.latitude_deg, "longitude_deg": place.longitude_deg,
             "speed_mps": 30.0}
        )  # fmt: skip
        measure_m, time_ms = measure_m + 1200.0, time_ms + 40_000
    parts = [fixes[i : i + fixes_a_message] for i in range(0, len(fixes), fixes_a_message)]
    journey = Journey(f"own-{vehicle}", ("own", f"fleet/{vehicle}"), (), {SOUTH: 165_000})
    return journey, [json.dumps({"fixes": part}).encode() for part in parts]


@dataclass
class Gantries:
    """The sender: posts reads until they are acknowledged, shuffled, some of them twice. ``log`` is its own book."""

    url: str
    reads_key: str
    log: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Read id by source, device and sequence, as the platform acknowledged it."""
    vehicle_keys: dict[str, str] = field(default_factory=dict)
    """Vehicle key by contract."""
    refusals: int = 0

    def run(self, made: list[Journey], seed: int, pause_s: float = 0.0) -> None:
        """Register the contracts, then post everything."""
        chance = random.Random(seed + 1)
        for journey in made:
            self.vehicle_keys[journey.contract_id] = self._posted("/api/toll/contracts", journey.contract)[
                "vehicle_key"
            ]
        reads = [read for journey in made for read in journey.reads]
        reads += chance.sample(reads, len(reads) // 5)
        chance.shuffle(reads)
        for batch in _cut(reads, chance):
            said = self._posted("/api/toll/reads", {"reads": batch})["receipts"]
            assert len(said) == len(batch)
            for read, receipt in zip(batch, said, strict=True):
                assert receipt["fate"] != "rejected", receipt
                assert self.log.setdefault(name_of(read), receipt["read_id"]) == receipt["read_id"]
            time.sleep(pause_s)

    def start(self, made: list[Journey], seed: int, pause_s: float) -> threading.Thread:
        """``run`` on a thread."""
        thread = threading.Thread(target=self.run, args=(made, seed, pause_s), daemon=True)
        thread.start()
        return thread

    def _posted(self, path: str, body: Any) -> Any:
        """The answer to a 2xx; sent again on 503 and where nobody answers."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {self.reads_key}")
        while True:
            try:
                with urllib.request.urlopen(request, timeout=20.0) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503 or not error.headers["retry-after"]:
                    raise
            except (OSError, ValueError):
                pass
            self.refusals += 1
            time.sleep(_AGAIN_S)


def _cut(reads: list[dict[str, Any]], chance: random.Random) -> Iterator[list[dict[str, Any]]]:
    at = 0
    while at < len(reads):
        size = chance.randint(1, 6)
        yield reads[at : at + size]
        at += size


def name_of(read: dict[str, Any]) -> tuple[str, str, str]:
    """How the sender's log calls a read."""
    return read["source"], read["device"], str(read["sequence"])


def stored(rows: list[tuple[Any, ...]]) -> dict[tuple[str, str, str], str]:
    """Rows of source, device, sequence and read id as the sender's log has them; a doubled one fails."""
    found = {(source, device, sequence): read_id for source, device, sequence, read_id in rows}
    assert len(found) == len(rows)
    return found


def booked(rows: list[tuple[Any, ...]], made: list[Journey], vehicle_keys: dict[str, str]) -> dict[str, dict[str, int]]:
    """What the ledger has each contract of ``made`` owe by system, from rows of charge key, account and sum.

    One charge key for each system and vehicle; what was reversed to nothing is not there.
    """
    contract_of = {vehicle_keys[journey.contract_id]: journey.contract_id for journey in made}
    found: dict[str, dict[str, int]] = {journey.contract_id: {} for journey in made}
    for charge_key, account, amount_minor in rows:
        system, vehicle_key, _ = charge_key.split(":")
        contract_id = contract_of.get(vehicle_key)
        if contract_id is None or not amount_minor or not account.startswith("receivable:"):
            continue
        assert account == f"receivable:{contract_id}"
        assert system not in found[contract_id], f"two charges of {contract_id} in {system}"
        found[contract_id][system] = int(amount_minor)
    return found
