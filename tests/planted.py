"""A copy of the product with one fault in its source, to be run in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import trassa

__all__ = ["planted", "run_planted"]

SOURCE = Path(trassa.__file__).parent


def planted(folder: Path, module: str, right: str, wrong: str) -> Path:
    """Copy the product into ``folder`` and put ``wrong`` where ``module`` has ``right``, which must be there once."""
    shutil.copytree(SOURCE, folder / "trassa", ignore=shutil.ignore_patterns("__pycache__", "web"))
    path = folder / "trassa" / module
    text = path.read_text("utf-8")
    assert text.count(right) == 1, f"{module} has «{right}» {text.count(right)} times: plant the fault elsewhere"
    path.write_text(text.replace(right, wrong), "utf-8")
    return folder


def run_planted(folder: Path, program: str, *words: object) -> None:
    """Run a program over the copy in ``folder``; tests' own modules can be imported.

    The kernels are not compiled anew for every fault but interpreted: for a few hundred paths that is sooner done.
    """
    program = f"import trassa.radio.compiled\ntrassa.radio.compiled.larger = max\n{program}"
    places = os.pathsep.join([str(folder), str(Path(__file__).parent)])
    command = [sys.executable, "-c", program, *(str(word) for word in words)]
    env = {**os.environ, "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, capture_output=True, env=env, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
