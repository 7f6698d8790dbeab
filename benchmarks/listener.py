"""Hears every warning of a platform, in a process of its own so that the crowd's work does not delay it.

    python benchmarks/listener.py --port P

The password of the login comes on standard input; when that ends, prints one JSON list of [moment, payload in hex]. The
moment is the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

LOGIN = "fleet"


def main() -> None:
    """Listen until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    heard: list[tuple[float, bytes]] = []
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id="crowd-listener")
    client.username_pw_set(LOGIN, sys.stdin.readline().strip())
    client.on_message = lambda _c, _d, message: heard.append((time.monotonic(), message.payload))
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", asked.port)
    client.subscribe("cits/out/denm/#", qos=1)
    client.loop_start()
    if not ready.wait(30.0):
        raise SystemExit("the listener is not let in")
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps([(when_s, payload.hex()) for when_s, payload in heard]))


if __name__ == "__main__":
    main()
