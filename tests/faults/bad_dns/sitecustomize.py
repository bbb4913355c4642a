"""A resolver that loses `localhost` while the file NAME_IS_LOST is there.

Python imports this by itself in processes that have its folder in PYTHONPATH: the node of F32.
"""

from __future__ import annotations

import os
import socket
from typing import Any

_resolve = socket.getaddrinfo


def _resolve_or_not(host: Any, *arguments: Any, **options: Any) -> Any:
    if host == "localhost" and os.path.exists(os.environ["NAME_IS_LOST"]):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _resolve(host, *arguments, **options)


socket.getaddrinfo = _resolve_or_not
