"""The children of a platform: started, watched, restarted when they die, recorded so that no start meets a leftover.

Numbered rules:

1. Children die with the platform: the kernel sends each its death signal when the thread that started it ends. So one
   keeper thread starts them all and lives as long as they do.
2. Each child is in a process group of its own; Ctrl-C on the terminal reaches the platform, which stops them in order.
3. Pid, start time and restarts of each child are on record in the book. A start first ends the recorded processes that
   still live under the same pid *and* start time; it touches no other process.
4. A child that dies is started again, the later the more often it died within a minute.
5. A child that dies too often within a minute, or does not become ready in time, ends the platform, with its last lines
   as the reason.
6. A child that says, before it was ready, that what it was given cannot be used (exit code 3) ends the platform at
   once.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path

from trassa.errors import InputError, TrassaError
from trassa.live.child import Child, ChildSpec, Footprint, end_leftover
from trassa.plan.folder import replace_text

__all__ = ["Children", "end_leftovers", "recorded_pids"]

_TICK_S = 0.05
_MINUTE_S = 60.0
_BACKOFF_S = (0.1, 0.3, 1.0, 3.0)


class Children:
    """All children of one platform. ``restarts`` counts the restarts of each by name."""

    def __init__(self, record: Path, logs: Path) -> None:
        self.restarts: dict[str, int] = {}
        self.failure: InputError | None = None
        self._record = record
        self._logs = logs
        self._running: dict[str, Child] = {}
        self._deaths: dict[str, list[float]] = {}
        self._due: dict[str, tuple[float, ChildSpec]] = {}
        self._orders: queue.Queue[tuple[Callable[[], None], Future[None]]] = queue.Queue()
        self._leave = threading.Event()
        self._stopping = False
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._keeper = threading.Thread(target=self._keep, name="keeper of children", daemon=True)
        self._keeper.start()

    def start(self, spec: ChildSpec) -> None:
        """Start a child; return at once."""
        self.restarts.setdefault(spec.name, 0)
        self._order(lambda: self._start(spec))

    def await_ready(self, name: str) -> None:
        """Return when a child is ready.

        :raises InputError: it was not ready in time, or died too often before.
        """
        while not self.is_ready(name):
            self.check()
            time.sleep(_TICK_S)

    def is_ready(self, name: str) -> bool:
        """Whether a child runs and is ready."""
        child = self._running.get(name)
        return child is not None and child.ready and child.process.poll() is None

    def check(self) -> None:
        """Raise the failure that ends the platform, if there is one."""
        if self.failure is not None:
            raise self.failure

    def pid(self, name: str) -> int | None:
        """The process number of a child that runs now."""
        child = self._running.get(name)
        return child.process.pid if child is not None and child.process.poll() is None else None

    def close(self) -> None:
        """Stop each child that runs, the other way round than they were first started: ask, wait, force."""
        if self._keeper.is_alive():
            self._order(self._stop_all)
            self._leave.set()
            self._keeper.join()

    def _order(self, action: Callable[[], None]) -> None:
        """Have something done in the keeper's thread, and wait for it."""
        done: Future[None] = Future()
        self._orders.put((action, done))
        done.result()

    def _keep(self) -> None:
        while not self._leave.is_set():
            with contextlib.suppress(queue.Empty):
                action, done = self._orders.get(timeout=_TICK_S)
                try:
                    action()
                    done.set_result(None)
                except BaseException as error:
                    done.set_exception(error)
            if not self._stopping and self.failure is None:
                try:
                    self._look_after()
                except Exception as error:  # the keeper must live: with its thread the kernel ends every child
                    self.failure = InputError(
                        f"platform: its keeper of children failed: {error!r}", cure="trassa doctor"
                    )

    def _look_after(self) -> None:
        for name, child in list(self._running.items()):
            if child.process.poll() is not None:
                del self._running[name]
                child.end(0.0)
                self._bury(child)
            else:
                child.look()
                if child.is_late:
                    self.failure = self._error(name, f"is not ready after {child.spec.ready_within_s:g} s")
        for name, (when, spec) in list(self._due.items()):
            if time.monotonic() >= when:
                del self._due[name]
                self.restarts[name] += 1
                try:
                    self._start(spec)
                except (TrassaError, OSError) as error:
                    self.failure = InputError(f"{name}: cannot be started again: {error}", cure="trassa doctor")

    def _bury(self, child: Child) -> None:
        name, moment = child.spec.name, time.monotonic()
        recent = [death for death in self._deaths.get(name, []) if moment - death < _MINUTE_S] + [moment]
        self._deaths[name] = recent
        if not child.ready and child.process.returncode == child.spec.hopeless_code:  # RULE 6
            self.failure = self._error(name, child.how_it_ended(), child)
            return
        if len(recent) >= child.spec.deaths_max:  # RULE 5
            self.failure = self._error(name, f"{child.how_it_ended()}, {len(recent)} times in a minute", child)
            return
        pause_s = _BACKOFF_S[min(len(recent), len(_BACKOFF_S)) - 1]
        self._due[name] = (moment + pause_s, child.spec)  # RULE 4

    def _start(self, spec: ChildSpec) -> None:
        if spec.prepare is not None:
            spec.prepare()
        self._running[spec.name] = Child(spec, self._logs / f"{spec.name}.log")  # RULES 1, 2
        self._write_record()

    def _stop_all(self) -> None:
        """In the keeper's thread, so that nothing is being started meanwhile."""
        self._stopping = True
        self._due.clear()
        for name in reversed(self.restarts):
            child = self._running.pop(name, None)
            if child is not None:
                child.ask_to_stop()
                child.end(child.spec.stop_within_s)
                self._write_record()
        self._write_record()  # who had died already, and waited to be started again, stands there still

    def _write_record(self) -> None:  # RULE 3
        said = {
            name: {
                **asdict(child.footprint),
                "stop_signal": int(child.spec.stop_signal),
                "restarts": self.restarts[name],
            }
            for name, child in self._running.items()
            if child.footprint is not None
        }
        replace_text(self._record, json.dumps(said, indent=1) + "\n")

    def _error(self, name: str, what: str, child: Child | None = None) -> InputError:
        child = child or self._running.get(name)
        lines = [line for line in child.last_lines if line][-6:] if child else []
        said = "".join(f"\n  {line[:300]}" for line in lines)
        log = self._logs / f"{name}.log"
        return InputError(f"{name}: {what}{'; its last words:' + said if said else ''}", cure=f"see {log}")


def recorded_pids(record: Path) -> list[int]:
    """The process numbers on record; none where there is no record."""
    return [footprint.pid for _, footprint, _ in _recorded(record)]


def end_leftovers(record: Path) -> list[str]:
    """End what an earlier platform left running; the names of those that still ran.

    :raises InputError: one of them does not end.
    """
    ended = []
    for name, footprint, number in reversed(list(_recorded(record))):  # RULE 3
        try:
            if end_leftover(footprint, number, within_s=5.0):
                ended.append(name)
        except (PermissionError, TimeoutError) as error:
            what = f"{name}: a process of an earlier platform is in the way: {error}"
            raise InputError(what, cure=f"kill {footprint.pid}") from None
    record.unlink(missing_ok=True)
    return ended


def _recorded(record: Path) -> Iterator[tuple[str, Footprint, signal.Signals]]:
    """What the record says. A damaged row is passed over: who still runs from it holds a port, and is named by that."""
    try:
        rows = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        return
    for name, row in rows.items() if isinstance(rows, dict) else ():
        with contextlib.suppress(KeyError, TypeError, ValueError):
            footprint = Footprint(int(row["pid"]), str(row["started"]), str(row["boot"]))
            yield str(name), footprint, signal.Signals(int(row["stop_signal"]))
