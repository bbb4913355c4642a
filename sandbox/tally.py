"""Counts of what arrived, for `GET /_stats`."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sandbox.moments import to_exact_text

_MOST_AGENTS = 50


@dataclass(slots=True)
class _Line:
    statuses: Counter[str] = field(default_factory=Counter)
    first_at: float = 0.0
    last_at: float = 0.0


@dataclass(slots=True)
class Tally:
    """Requests by seller and operation, and who sent them (User-Agent)."""

    lines: dict[tuple[str, str], _Line] = field(default_factory=dict)
    user_agents: Counter[str] = field(default_factory=Counter)

    def count(self, seller: str, operation: str, outcome: str, agent: str, at: float) -> None:
        """The request is counted; `outcome` is its status, or the fault that left it without."""
        line = self.lines.get((seller, operation))
        if line is None:
            line = self.lines[seller, operation] = _Line(first_at=at)
        line.statuses[outcome] += 1
        line.last_at = at
        if agent in self.user_agents or len(self.user_agents) < _MOST_AGENTS:
            self.user_agents[agent[:500]] += 1

    def throttled(self) -> Counter[str]:
        """By seller, the requests that were answered with 429."""
        counts: Counter[str] = Counter()
        for (partner, _), line in self.lines.items():
            counts[partner] += line.statuses["429"]
        return counts

    def as_json(self) -> dict[str, Any]:
        """The counts, one entry for each seller and operation."""
        return {
            "requests": sum(line.statuses.total() for line in self.lines.values()),
            "throttled": self.throttled().total(),
            "operations": [
                {
                    "seller": seller,
                    "operation": operation,
                    "requests": line.statuses.total(),
                    "statuses": dict(line.statuses),
                    "throttled": line.statuses["429"],
                    "first_at": to_exact_text(line.first_at),
                    "last_at": to_exact_text(line.last_at),
                }
                for (seller, operation), line in sorted(self.lines.items())
            ],
            "user_agents": dict(self.user_agents),
        }
