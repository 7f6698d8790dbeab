"""The first words of a child process: die with the parent, become another user, then become the program.

Run as a script by its path, ``python -I -S launch.py PARENT SIGNAL USER PROGRAM WORD…``; it needs nothing but the
standard library and starts in hundredths of a second. It stands between because code between fork and exec in a process
with threads may hang, and because the kernel forgets the death signal when a process changes its user: the user comes
first, the signal second, the program last.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["main"]

_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of <linux/prctl.h>."""


def main(words: list[str]) -> None:
    """Become a program: parent, death signal, user (empty: as we are), the program's path and its words."""
    parent, death_signal, user, *command = words
    os.umask(0o077)
    if user:
        _become(user)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DEATH_SIGNAL, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):  # it died before it could be asked for its signal
            sys.exit(128 + int(death_signal))
    for number in (signal.SIGINT, signal.SIGPIPE):  # Python ignores or handles them; the program decides for itself
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - its parent reads this as its last line
        sys.exit(127)


def _become(user: str) -> None:
    import pwd

    entry = pwd.getpwnam(user)
    if entry.pw_uid != os.geteuid():
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)


if __name__ == "__main__":
    main(sys.argv[1:])
