"""Command lines and what they print, word for word: each ``.console`` page here is played through and compared.

A page is a talk with a shell: ``$ trassa …``, then what it printed (stdout, then stderr after ``stderr:``), then
``[exit N]`` where that is not 0. Figures that a better planner may move (margins, the bins where they are smallest,
counts, costs, all of a verification) are masked by ``#``; words, order, columns, and all about the road itself are not.
Of ``doctor``, which tells of the machine, only the names of what it looks at stand here.
``TRASSA_GOLDEN=write`` writes the pages anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from command_line import drawn_lane, trassa

PAGES = sorted(Path(__file__).parent.glob("*.console"))
CLAIM = re.compile(r"^(?:claim  |(?:radio|optical)\.)")
EXAMINED = re.compile(
    r"^(?:ok|note|missing) +(trassa|python|[a-z1-9]+(?:-(?:py|mqtt|server))?|web pages|open files|port of \w+)  "
)
PASSING = {"stores", "user"}
"""What the doctor speaks of only where there is something to say."""
STRIP = re.compile(r"^(?P<head>(?:sites|[→←] (?:best|down)|fibre) +)(?P<cells>\S+)(?P<note>.*)$")


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_page_still_reads_as_written(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    commands = [line.removeprefix("$ ") for line in page.read_text("utf-8").splitlines() if line.startswith("$ ")]
    assert commands, f"{page.name} holds no command"
    for name in ("hills", "a4", "lane"):
        if any(re.search(rf"\b{name}\b", command) for command in commands):
            shutil.copytree(request.getfixturevalue(f"planned_{name}"), tmp_path / name)
    drawn_lane(tmp_path / "drawn.csv")
    played = "\n".join(_played(command, tmp_path) for command in commands)
    if os.environ.get("TRASSA_GOLDEN") == "write":
        page.write_text(played, "utf-8")
    assert played == page.read_text("utf-8")


def _played(command: str, folder: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "trassa"
    done = trassa(*words[1:], cwd=folder)
    out = done.out.splitlines()
    if words[1] == "verify":
        out = [*map(_recomputed, out)]
    elif words[1] == "doctor" and out:
        return f"$ {command}\n{', '.join(_examined(out))}\n"
    said = [f"$ {command}", *out]
    if done.err:
        said += ["stderr:", *done.err.splitlines()]
    if done.code:
        said.append(f"[exit {done.code}]")
    return "\n".join(_masked(line).replace(str(folder), "…") for line in said) + "\n"


def _examined(lines: list[str]) -> list[str]:
    """What the doctor looked at, without what it found."""
    things = [match[1] for match in map(EXAMINED.match, lines) if match]
    assert len(things) == len(lines), lines
    return [thing for thing in things if thing not in PASSING]


def _recomputed(line: str) -> str:
    """A row of a verification without its figures: what was checked, whether it agrees, whether it holds."""
    cells = re.split(r" {2,}", line)
    return "  ".join([cells[0], *cells[3:5]]) if len(cells) > 4 else line


def _masked(line: str) -> str:
    strip = STRIP.match(line)
    if strip:
        cells = re.sub(r"[A-Z0-9c=+-]", "#", strip["cells"])
        return strip["head"] + cells + re.sub(r"\b[A-Z]? ?S-\d+", "#", strip["note"])
    if line.startswith("cost: ") or re.match(r"radio\.least-cost .* EUR ", line):
        line = re.sub(r"\d[\d\u202f]*", "#", line)
    if CLAIM.match(line):
        line = re.sub(r"\S+ (?:km|км) \S+|S-\d+–H-\d+|H-\d+–H-\d+", "#", line)
        line = re.sub(r"[+−-]?\d+(?:\.\d+)?", "#", line)
        return re.sub(r" {2,}", "  ", line)
    line = re.sub(r"\bsha256 [0-9a-f]{12,}", "sha256 #", line)
    line = re.sub(r"\d+(?:\.\d+)? km of approach", "# km of approach", line)
    return re.sub(r"\d+\.\d+ s\b", "# s", line)
