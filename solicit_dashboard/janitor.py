"""Ends what a killed supervisor left behind.

It reads the process groups to watch from its standard input ("+123" begins, "-123" ends).
When the input ends, the supervisor is gone, however it died, and every group still listed
is stopped. Standard library only, and started as a file, so that it stays small.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 10


def main() -> None:
    """Returns when the supervisor is gone and none of its groups is left."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    groups: list[int] = []
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.append(group)
        elif group in groups:
            groups.remove(group)
    for group in reversed(groups):
        send(group, signal.SIGTERM)
    end = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < end and any(send(group, 0) for group in groups):
        time.sleep(0.1)
    for group in groups:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Whether the group still had a process to take the signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
