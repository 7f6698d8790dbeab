"""What can go wrong, and what the user is told.

The tree::

    TrassaError              exit 3   anything the user can mend
    ├── InputError           exit 3   a file, a value or a place in it is not usable
    ├── ConfigError          exit 3   trassa.toml says something that cannot be meant
    ├── UsageError           exit 2   the command line is wrong
    └── ClaimDisagrees       exit 1   verification recomputed something else

Every message says the thing, its value, the bound it breaks and what to do next.
"""

from __future__ import annotations

__all__ = ["ClaimDisagrees", "ConfigError", "InputError", "TrassaError", "UsageError"]


class TrassaError(Exception):
    """An error that the user can mend. ``exit_code`` is what the command line ends with."""

    exit_code = 3

    def __init__(self, message: str, *, cure: str = "") -> None:
        self.message = message
        self.cure = cure
        super().__init__(f"{message}. Try: {cure}" if cure else message)


class InputError(TrassaError):
    """An input file, or a place in it, cannot be used.

    ``InputError("terrain: A 4 km 352+400–355+000 has no height", cure="add the tile N50E009.hgt")``
    """


class ConfigError(TrassaError):
    """``trassa.toml`` holds an unknown key or a value outside its bounds."""


class UsageError(TrassaError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class ClaimDisagrees(TrassaError):
    """A recomputation gives another result than the stored proof."""

    exit_code = 1
