"""TCP ports of this machine for servers that are started beside the product."""

from __future__ import annotations

import random
import socket

# Below the ports that systems lend to outgoing connections (32768 and more on Linux): such a
# connection could take the port between the moment it was found free and the server's start.
_CANDIDATES = range(15_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    return next(port for port in iter(_draw, None) if is_free(port))


def _draw() -> int:
    return random.SystemRandom().choice(_CANDIDATES)
