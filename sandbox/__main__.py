"""`python -m sandbox`: Amazon on this machine until it is stopped."""

import argparse
import asyncio
import signal
import sys
import time

from sandbox.faults import FaultError
from sandbox.keeping import KeepingError
from sandbox.options import Options, add_options, options_from
from sandbox.service import Service, open_service


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 after SIGTERM or Ctrl-C, 1 when it could not start, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=_DESCRIPTION)
    add_options(parser)
    return run(options_from(vars(parser.parse_args(arguments))))


def run(options: Options) -> int:
    """Runs until it is told to stop; says on standard error why it could not."""
    try:
        service = open_service(options, time.time())
    except (KeepingError, FaultError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2 if isinstance(error, FaultError) else 1
    for name in service.kept.overruled:
        kept = getattr(service.kept.plan, name)
        print(f"sandbox: {options.data} keeps {name}={kept}.", file=sys.stderr)
    return asyncio.run(_until_stopped(service))


async def _until_stopped(service: Service) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        address = await service.start()
        print(f"Sandbox listens on {address}", flush=True)
        await stopped.wait()
    except OSError as error:
        print(f"sandbox: cannot listen: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        await service.stop()
    return 0


_DESCRIPTION = "Amazon on this machine, over HTTP, for the demonstration and the tests."

if __name__ == "__main__":
    sys.exit(main())
