"""The doorway: where a platform's web server listens, with or without TLS, and whether it answers there."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from trassa.errors import InputError
from trassa.live.book import BookName
from trassa.live.ports import LOOPBACK
from trassa.plan.live_settings import LiveSettings

__all__ = ["Doorway"]

_PATIENCE_S = 1.0


@dataclass(frozen=True)
class Doorway:
    """Host and ports of a platform; port 0 is the one on record in the book, or a free one."""

    host: str = LOOPBACK
    web_port: int = 0
    mqtt_port: int = 0
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @classmethod
    def of(
        cls,
        settings: LiveSettings,
        book: BookName,
        *,
        host: str = "",
        port: int | None = None,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
    ) -> Doorway:
        """The doorway that settings and command line ask for; a drive takes free ports unless it is told one.

        :raises InputError: half a pair for TLS, or another host than loopback without TLS.
        """
        wanted_host = host or (settings.host if book == "live" else LOOPBACK)
        web_port = port if port is not None else settings.port if book == "live" else 0
        mqtt_port = settings.mqtt_port if book == "live" else 0
        for file in (tls_cert, tls_key):
            if file is not None and not file.is_file():
                raise InputError(f"serve: {file} does not exist", cure="the PEM files of certificate and key")
        if (tls_cert is None) != (tls_key is None):
            raise InputError("serve: TLS needs both a certificate and its key", cure="--tls-cert FILE --tls-key FILE")
        if tls_cert is None and not _is_loopback(wanted_host):
            raise InputError(
                f"serve: {wanted_host} is reachable from other machines, and passwords would travel in the clear",
                cure="--tls-cert FILE --tls-key FILE, or --host 127.0.0.1 behind a proxy that speaks TLS",
            )
        if tls_cert is not None and tls_key is not None:
            _check_pair(tls_cert, tls_key)
            tls_cert, tls_key = tls_cert.resolve(), tls_key.resolve()
        return cls(wanted_host, web_port, mqtt_port, tls_cert, tls_key)

    def words(self) -> tuple[str, ...]:
        """The doorway as words of the web server's command line; it finds its port in the book."""
        words = ("--host", self.host)
        if self.tls_cert is None:
            return words
        return (*words, "--tls-cert", str(self.tls_cert), "--tls-key", str(self.tls_key))

    def url(self, port: int) -> str:
        """Where a browser on this machine finds the web server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{port}"

    def answers(self, port: int) -> bool:
        """Whether the web server answers at all, be it with a refusal, but not with a failure of its own."""
        host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(self.host, self.host)
        connection: http.client.HTTPConnection
        if self.tls_cert is not None:
            # our own server on our own machine: only whether it answers is asked, its name is not
            unchecked = ssl.create_default_context()
            unchecked.check_hostname = False
            unchecked.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection(host, port, timeout=_PATIENCE_S, context=unchecked)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
        try:
            connection.request("GET", "/api/session")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_pair(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        said = getattr(error, "reason", None) or error
        raise InputError(
            f"serve: {certificate} and {key} are no pair: {said}", cure="PEM files that belong together"
        ) from None
