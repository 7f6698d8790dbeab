"""The live road under load, and CAM columns against asn1tools, in one run on one machine.

    python benchmarks/live_rate.py [--only columns,load] [--vehicles 1000] [--seconds 60] [--json FILE]

``columns``: CAMs a second through the column decoder and through asn1tools, the same messages, one thread each.
``load``: a whole platform (broker, store, worker) and a crowd with a connection per vehicle at ten CAMs a second, all
on this machine; each process's share of one core, losses counted by sender, broker and worker, and the time from
the CAM that completes a rule to the warning's receipt by an MQTT subscriber.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

OUT = Path(__file__).resolve().parents[1] / "bench-out"
Figures = dict[str, Any]


def main() -> int:
    """Measure and print; 1 where something that was sent is not accounted for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="columns,load")
    parser.add_argument("--vehicles", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--project", type=Path, help="a planned project; the bundled m11 by default")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    figures: Figures = {}
    if "columns" in asked.only:
        figures["columns"] = columns()
    if "load" in asked.only:
        figures["load"] = load(asked)
    for part in figures.values():
        for name, value in part.items():
            print(f"{name:34}{value:>16,.2f}" if isinstance(value, float) else f"{name:34}{value!s:>16}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1), "utf-8")
    return 1 if figures.get("load", {}).get("unaccounted") else 0


def columns(count: int = 200_000, slow_count: int = 5_000) -> Figures:
    """CAMs a second: the column decoder, and asn1tools over our own ASN.1 with and without the checks of bounds."""
    from trassa.vehicles.cam_columns import decode_cams, encode_cams
    from trassa.vehicles.codec import decode
    from trassa.vehicles.schemas import specification

    chance = np.random.default_rng(1)
    buffer, start, size = encode_cams(
        station_id=chance.integers(0, 2**32, count),
        generation_delta_time=chance.integers(0, 65_536, count),
        latitude_deg=chance.uniform(55, 60, count),
        longitude_deg=chance.uniform(30, 38, count),
        heading_deg=chance.uniform(0, 360, count),
        speed_mps=chance.uniform(0, 40, count),
    )
    pdus = [buffer[start[i] : start[i] + size[i]].tobytes() for i in range(slow_count)]
    spec = specification(2, "CAM")
    decode_cams(buffer, start, size)
    decode(pdus[0])

    def rate(work: Any, n: int) -> float:
        best_s = min(_seconds(work) for _ in range(3))
        return n / best_s

    fast = rate(lambda: decode_cams(buffer, start, size), count)
    bare = rate(lambda: [spec.decode("CAM", pdu) for pdu in pdus], slow_count)
    full = rate(lambda: [decode(pdu) for pdu in pdus], slow_count)
    return {"columns_per_s": fast, "asn1tools_per_s": bare, "codec_per_s": full, "columns_to_asn1tools": fast / bare}


def _seconds(work: Any) -> float:
    begun_s = time.perf_counter()
    work()
    return time.perf_counter() - begun_s


def load(asked: argparse.Namespace) -> Figures:
    """A crowd over a platform of its own."""
    from trassa.live.doorway import Doorway
    from trassa.live.platform import Platform
    from trassa.plan.project import open_project

    with tempfile.TemporaryDirectory(prefix="live-rate-") as place:
        project = open_project(_project(asked.project, Path(place)))
        doorway = replace(Doorway.of(project.settings.live, "live"), mqtt_port=0, web_port=0)  # beside whoever serves
        with Platform(project, "live", web=False, doorway=doorway) as platform:
            platform.wait_ready()
            words = [
                "--port",
                str(platform.ports.mqtt),
                "--vehicles",
                str(asked.vehicles),
                "--seconds",
                str(asked.seconds),
            ]
            before, begun_s = _counts(platform), time.monotonic()
            crowd = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("crowd.py")), str(project.root), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            pids = {"generator": crowd.pid, "broker": platform.pid("nats"), "worker": platform.pid("worker")}
            assert crowd.stdin is not None
            crowd.stdin.write(platform.secrets.fleet_password + "\n")
            crowd.stdin.flush()
            time.sleep(12.0)  # connections and the beginning of the warm-up
            shares = _shares(pids, max(5.0, asked.seconds - 5.0))
            said = json.loads(crowd.communicate(timeout=120)[0])
            time.sleep(2.0)
            after = _counts(platform)
            wall_s = time.monotonic() - begun_s
    return _told(asked, said, before, after, shares, wall_s, project.settings.live.window_ms)


def _told(
    asked: argparse.Namespace,
    said: Figures,
    before: Figures,
    after: Figures,
    shares: Figures,
    wall_s: float,
    window_ms: int,
) -> Figures:
    """Latency: from the CAM that completes a rule to the decision, from there by COMMIT and broker to a vehicle."""
    took = {
        name: after[name] - before[name] for name in ("accepted", "processed", "refused", "shed", "lost", "waiting")
    }
    latency, decided = (np.array(said[name] or [np.nan]) for name in ("latency_ms", "decided_ms"))
    late_p50_ms, late_p99_ms, late_max_ms = said["late_tick_ms"]
    return {
        "vehicles": asked.vehicles,
        "cams_sent": said["sent"],
        **{f"broker_{name}" if name == "accepted" else f"worker_{name}": took[name] for name in took},
        "lost_before_broker": said["sent"] - took["accepted"],
        "unaccounted": said["sent"] - took["processed"] - took["refused"] - took["shed"],
        **{f"{name}_core_percent": share for name, share in shares.items()},
        "generator_late_p50_ms": late_p50_ms,
        "generator_late_p99_ms": late_p99_ms,
        "generator_late_max_ms": late_max_ms,
        "window_ms": window_ms,
        "worker_slowest_turn_ms": after["slowest_turn_ms"],
        "warnings_heard": len(said["latency_ms"]),
        "warnings_unheard": said["warnings_unheard"],
        "warning_p50_ms": float(np.percentile(latency, 50)),
        "warning_p99_ms": float(np.percentile(latency, 99)),
        "decided_p50_ms": float(np.percentile(decided, 50)),
        "decided_p99_ms": float(np.percentile(decided, 99)),
        "delivered_p50_ms": float(np.percentile(latency - decided, 50)),
        "delivered_p99_ms": float(np.percentile(latency - decided, 99)),
        "wall_s": wall_s,
    }


def _project(given: Path | None, place: Path) -> Path:
    """A project of its own, so that no book of anybody's is touched."""
    import shutil

    root = place / "road"
    if given is not None:
        shutil.copytree(given, root, ignore=shutil.ignore_patterns("live", "drive"))
        return root
    for words in (["init", str(root), "--example", "m11"], ["run", str(root)]):
        subprocess.run([sys.executable, "-m", "trassa", *words], check=True, stdout=subprocess.DEVNULL)
    return root


def _counts(platform: Any) -> Figures:
    """What the worker answers."""
    from trassa.live.broker import connected

    async def ask() -> Figures:
        client = await connected(platform.ports, platform.secrets, "bench")
        try:
            told: Figures = json.loads((await client.request("trassa.ask.counts", b"{}", timeout=10)).data)
            return told
        finally:
            await client.close()

    return asyncio.run(ask())


def _shares(pids: dict[str, int | None], over_s: float) -> Figures:
    """Share of one core of each process, percent, over a time."""

    def spent_s(pid: int | None) -> float:
        words = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    before, begun_s = {name: spent_s(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(over_s)
    wall_s = time.monotonic() - begun_s
    return {name: 100.0 * (spent_s(pid) - before[name]) / wall_s for name, pid in pids.items()}


if __name__ == "__main__":
    sys.exit(main())
