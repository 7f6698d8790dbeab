"""make demo: plan and verify two bundled examples, let a forger try his hand, and drive over the second.

1. ``hills``: 40 km of drawn road over generated terrain; the proof holds.
2. A copy of it from which one radio site is deleted and everything re-signed; verification must fail.
3. ``m11``: the M-11 Neva from published facts; an estimate, and marked as one.
4. A drive over it: a hundred simulated vehicles for two minutes, a breakdown, warnings, tolls; scored against truth,
   and the ledger recomputed from the reads.

Ends with the claims, ten lines of the straight-line diagram, the reports, and the next command to type.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from trassa.plan.reseal import reseal

PROJECT = Path(__file__).resolve().parents[1]
OUT = PROJECT / "demo-out"
TRASSA = Path(sys.executable).with_name("trassa")


def main() -> int:
    """Run the demo; 0 when everything came out as it must."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    ok = plan_and_verify("hills", verdict="yes") and forge(OUT / "hills") and plan_and_verify("m11", verdict="estimate")
    ok = ok and drive(OUT / "m11")
    if not ok:
        print("\nThe demo did not come out as it must.", file=sys.stderr)
        return 1
    say("The straight-line diagram of hills")
    trassa("show", OUT / "hills", "10-50", "--width", "96")
    say("Reports, to open in a browser")
    for name in ("hills", "m11"):
        print(OUT / name / "report.html")
    say("Next: the road live, with vehicles of your own and the control room in a browser")
    print(f"{TRASSA} serve {OUT / 'm11'}")
    say("Or: any road from OpenStreetMap and its terrain, from files or from the network")
    print(f'{TRASSA} road fetch "A 4" --into {OUT / "a4"}')
    print(f'{TRASSA} init {OUT / "mine"} --osm FILE.osm.pbf --ref "A 4" --dem TILE.hgt   # then: run, show, verify')
    return 0


def plan_and_verify(name: str, verdict: str) -> bool:
    """Plan an example and verify it; true when both say ``verdict``."""
    folder = OUT / name
    say(f"{name}: init, run, verify")
    trassa("init", folder, "--example", name)
    ran = trassa("run", folder)
    verified = trassa("verify", folder)
    holds = json.loads((folder / "proof.json").read_text("utf-8"))["holds"]
    return ran == 0 and verified == 0 and holds == verdict


def forge(original: Path) -> bool:
    """Delete a radio site from a copy of a plan, sign everything anew, and see whether verification notices."""
    forged = original.with_name(f"{original.name}-forged")
    shutil.copytree(original, forged)
    with sqlite3.connect(forged / "plan.gpkg") as plan:
        sites = [row[0] for row in plan.execute("SELECT site FROM sites ORDER BY measure_m")]
        victim = sites[len(sites) // 2]
        for trigger in [row[0] for row in plan.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            plan.execute(f'DROP TRIGGER "{trigger}"')
        plan.execute("DELETE FROM sites WHERE site = ?", (victim,))
    plan.close()
    reseal(forged)
    say(f"A forger deletes {victim} from a copy of hills and signs everything anew; verify answers:")
    caught = trassa("verify", forged) == 1
    print("caught, as it must be" if caught else "NOT CAUGHT")
    return caught


def drive(folder: Path) -> bool:
    """Drive over a planned road; true when warnings, tolls and ledger agree with the truth."""
    say("m11: a hundred vehicles, one breakdown, tolls")
    agrees = trassa("drive", folder, "--vehicles", 100, "--minutes", 2, "--seed", 7) == 0
    return agrees and trassa("toll", "audit", folder, "--book", "drive") == 0


def trassa(*words: object) -> int:
    """Run a command of the product, as a user would; its exit code."""
    command = [str(TRASSA), *(str(word) for word in words)]
    print("$ trassa " + " ".join(command[1:]), flush=True)
    return subprocess.run(command, check=False).returncode


def say(text: str) -> None:
    """A heading."""
    print(f"\n── {text} " + "─" * max(0, 92 - len(text)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
