"""Amazon behind a port: requests in, decisions out, with the way to and fro taking its time."""

import asyncio
import json
from pathlib import Path
from random import Random

from sandbox.amazon import Amazon
from sandbox.consent import answer_consent, is_consent
from sandbox.faults import FaultError
from sandbox.faults.deeds import do_fault
from sandbox.keeping import Kept, keep
from sandbox.messages import Request
from sandbox.options import Options
from sandbox.randomness import draw
from sandbox.record import answer_record, is_record
from sandbox.server import Server, Wire

_SPREAD = 0.25  # of the logarithm: nine of ten delays lie within 0.66 and 1.5 of the middle


class Service:
    """One running sandbox. KeepingError or FaultError when its options cannot be used."""

    def __init__(self, kept: Kept, options: Options) -> None:
        self.kept = kept
        self.options = options
        self.amazon = Amazon(kept, options)
        if options.faults is not None:
            self.amazon.set_faults(_read_json(options.faults))
        self._server = Server(self._serve, self.amazon.admits, self.amazon.cut_after)
        self._jitter: Random = draw(kept.plan.seed, "latency")

    async def start(self) -> str:
        """The address at which it answers now; OSError when the port is taken."""
        return await self._server.start(self.options.host, self.options.port)

    async def stop(self) -> None:
        """It answers no more, and what it keeps is closed."""
        await self._server.stop()
        self.amazon.ledger.close()
        self.kept.close()

    async def _serve(self, request: Request, wire: Wire) -> None:
        if is_record(request):
            wire.send(answer_record(self.amazon, request))
            return
        if is_consent(request):
            wire.send(answer_consent(self.amazon, request))
            return
        await self._travel()
        decision = self.amazon.decide(request)
        await self._travel()
        if decision.rule is not None:
            await do_fault(decision.rule, decision.answer, wire)
        elif decision.answer is not None:
            wire.send(decision.answer)

    async def _travel(self) -> None:
        """One way over the network is done, log-normally around the latency."""
        if self.options.latency_ms:
            delay = self.options.latency_ms / 1000
            await asyncio.sleep(delay * self._jitter.lognormvariate(0, _SPREAD))


def open_service(options: Options, now: float) -> Service:
    """A service that is ready to start; KeepingError or FaultError with the reason if it cannot."""
    kept = keep(options, now)
    try:
        return Service(kept, options)
    except BaseException:
        kept.close()
        raise


def _read_json(path: Path) -> object:
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FaultError(f"{path} cannot be read: {error}") from error
    return document
