"""What the methods of all of Amazon's APIs share: one call, and its answer read or refused."""

from collections.abc import Callable
from typing import TypeVar

from spapi.calls import Caller
from spapi.operations import Operation
from spapi.texts import parse_json

_Found = TypeVar("_Found")


class Api:
    """The part of the client that belongs to one API; each has a module of its own."""

    _caller: Caller

    def _ask(
        self,
        operation: Operation,
        read: Callable[[object], _Found | None],
        path: str = "",
        query: str = "",
        body: bytes | None = None,
    ) -> _Found:
        """What `read` finds in the successful answer; MalformedAnswer if that is None.

        Without a `path` it is that of the operation.
        """
        answer = self._caller.call(operation, path or operation.path, query, body=body)
        found = read(parse_json(answer.body))
        if found is None:
            raise self._caller.malformed(operation, answer)
        return found
