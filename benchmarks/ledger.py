"""Ledger transactions per second on the embedded PostgreSQL: reads in, charges settled.

Half of the vehicles are settled each by its own COMMIT, half in batches as the platform does.

    python benchmarks/ledger.py [VEHICLES] [--json FILE]

Printed beside it, in the same run and on the same database: bare single-row COMMITs, the price of one fsync.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trassa.live.book import Book
from trassa.live.settlement import BATCH, settle_all
from trassa.live.store.embedded import PostgresPlace
from trassa.live.store.ledger import chain_faults
from trassa.live.store.reads import accept_reads
from trassa.live.store.store import Store
from trassa.toll.context import TollContext, read_context

__all__ = ["LedgerRates", "measure_ledger"]

_START_MS = 1_780_639_200_000
_LATER_MS = _START_MS + 86_400_000
_KEY = b"benchmark"
_BATCH = 100


@dataclass(frozen=True)
class LedgerRates:
    """Rates of one run, per second: reads accepted, vehicles settled with one entry each, bare commits, chain rows.

    ``settled_per_s`` is one COMMIT a vehicle, ``batched_per_s`` as the platform settles.
    """

    reads_per_s: float
    settled_per_s: float
    batched_per_s: float
    commits_per_s: float
    verified_per_s: float


def measure_ledger(store: Store, context: TollContext, vehicles: int) -> LedgerRates:
    """Accept a trip's four reads for each of ``vehicles``, settle them one by one, verify the chain."""
    bodies = [body for vehicle in range(vehicles) for body in _trip(vehicle)]
    began_s = time.perf_counter()
    for start in range(0, len(bodies), _BATCH):
        with store.transaction() as connection:
            accept_reads(connection, bodies[start : start + _BATCH], _LATER_MS, _KEY, toll_points=context.points)
    accepted_s = time.perf_counter() - began_s
    with store.transaction() as connection:
        keys = [row["vehicle_key"] for row in connection.execute("SELECT vehicle_key FROM vehicle ORDER BY 1")]
    half = len(keys) // 2
    settled_per_s = _settled_per_s(store, context, keys[:half], 1)
    batched_per_s = _settled_per_s(store, context, keys[half:], BATCH)
    began_s = time.perf_counter()
    with store.transaction() as connection:
        faults = list(chain_faults(connection))
    verified_s = time.perf_counter() - began_s
    if faults:
        raise AssertionError(faults[0])
    return LedgerRates(
        len(bodies) / accepted_s,
        settled_per_s,
        batched_per_s,
        _commits_per_s(store, vehicles),
        vehicles / verified_s,
    )


def _settled_per_s(store: Store, context: TollContext, keys: list[str], batch: int) -> float:
    began_s = time.perf_counter()
    done = settle_all(store, context, keys, _LATER_MS, batch=batch)
    took_s = time.perf_counter() - began_s
    if len(done.changed) != len(keys):
        raise AssertionError(f"{len(done.changed)} charges of {len(keys)} trips; {done.set_aside}")
    return len(keys) / took_s


def _commits_per_s(store: Store, count: int) -> float:
    began_s = time.perf_counter()
    for number in range(count):
        with store.transaction() as connection:
            connection.execute("INSERT INTO vehicle (vehicle_key) VALUES (%s)", [f"bare-{number}"])
    return count / (time.perf_counter() - began_s)


def _trip(vehicle: int) -> list[dict[str, Any]]:
    """Two sensors at either end of the M-11's first part."""
    return [
        {
            "source": "gantry",
            "device": f"{point}/{sensor}",
            "sequence": vehicle,
            "time_ms": _START_MS + 1000 * vehicle + minutes * 60_000 + sensor,
            "toll_point": point,
            "means": "plate",
            "identity": f"plate-{vehicle}",
            "vehicle_class": "1",
        }
        for minutes, point in ((0, "m11-021-moskva"), (30, "m11-058-solnechnogorsk"))
        for sensor in (1, 2)
    ]


def main() -> None:
    """Print one line of figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vehicles", nargs="?", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    vehicles = asked.vehicles
    with tempfile.TemporaryDirectory() as folder:
        place = PostgresPlace.of(Book(Path(folder), "live"))
        try:
            with place.running():
                store = Store(place.url())
                store.migrate(place.url("trassa_owner"))
                rates = measure_ledger(store, read_context(["m11-15-58"], Path()), vehicles)
                store.close()
        finally:
            place.discard()
    print(
        f"{vehicles} vehicles: {rates.reads_per_s:,.0f} reads/s accepted in batches of {_BATCH},"
        f" settled {rates.settled_per_s:,.0f}/s with one COMMIT a vehicle, {rates.batched_per_s:,.0f}/s with one COMMIT"
        f" for {BATCH} (fsync on),"
        f" bare commits {rates.commits_per_s:,.0f}/s, chain verified {rates.verified_per_s:,.0f} entries/s"
    )
    if asked.json:
        asked.json.write_text(json.dumps(asdict(rates)), "utf-8")


if __name__ == "__main__":
    main()
