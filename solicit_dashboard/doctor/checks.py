"""The doctor's lines as data, in the order in which a person reads them, and the way to run one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError
from redis import RedisError

from solicit_dashboard.doctor import account_checks, ages, installation_checks
from solicit_dashboard.doctor.findings import Finding, bad, refusal, warn
from solicit_dashboard.doctor.visit import CannotAskError, Visit
from spapi import SpApiError


@dataclass(frozen=True)
class AccountCheck:
    """One line about an account. `key` stands in addresses and in JSON and is never changed."""

    key: str
    title: str
    look: Callable[[Visit], Finding]

    def run(self, visit: Visit) -> Finding:
        """What is found now; whatever is away is a finding, too.

        Why Amazon cannot even be asked is said in the line of the token alone.
        """
        try:
            return _found(lambda: self.look(visit))
        except CannotAskError as error:
            return error.finding if self.look is account_checks.token else warn(NOT_ASKED, "")


@dataclass(frozen=True)
class InstallationCheck:
    """One line about this installation, the same for every account."""

    key: str
    title: str
    look: Callable[[], Finding]

    def run(self) -> Finding:
        """What is found now; whatever is away is a finding, too."""
        return _found(self.look)


NOT_ASKED = "Not asked: see the line of the token."
Check = AccountCheck | InstallationCheck

ACCOUNT_CHECKS = (
    AccountCheck("token", "Token", account_checks.token),
    AccountCheck("marketplaces", "Marketplaces", account_checks.marketplaces),
    AccountCheck("solicitations", "Review requests", account_checks.solicitations),
    AccountCheck("messages", "Messages", account_checks.messages),
    AccountCheck("orders", "Orders", account_checks.orders),
    AccountCheck("reports", "Reports", account_checks.reports),
    AccountCheck("rates", "Rate", account_checks.rates),
    AccountCheck("clock", "Clock", account_checks.clock),
    AccountCheck("queue", "Queue", account_checks.queue),
    AccountCheck("secret", "Client secret", ages.secret),
    AccountCheck("authorization", "Authorization", ages.authorization),
)
INSTALLATION_CHECKS = (
    InstallationCheck("redis", "Redis", installation_checks.redis),
    InstallationCheck("database", "Database", installation_checks.database),
    InstallationCheck("workers", "Workers", installation_checks.workers),
    InstallationCheck("beat", "Clockwork", installation_checks.beat),
    InstallationCheck("records", "Records", installation_checks.records),
)
CHECKS: dict[str, Check] = {check.key: check for check in (*ACCOUNT_CHECKS, *INSTALLATION_CHECKS)}


@dataclass(frozen=True)
class Line:
    """A check and what it found; nothing while it has not been run."""

    check: Check
    finding: Finding | None = None


def examine(checks: Iterable[Check], visit: Visit | None = None) -> Iterator[Line]:
    """The lines of these checks, one after the other as they are run; none raises."""
    for check in checks:
        yield Line(check, _run(check, visit))


def _run(check: Check, visit: Visit | None) -> Finding:
    if isinstance(check, InstallationCheck):
        return check.run()
    if visit is None:
        raise ValueError(f"the check {check.key} is about an account")
    return check.run(visit)


def _found(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except SpApiError as error:
        return refusal(error)
    except (DatabaseError, InterfaceError) as error:
        # The class alone: a driver's message may quote an address with its password.
        return bad(
            f"The database does not answer ({type(error).__name__}).",
            "See that it runs and that DATABASE_URL leads to it.",
        )
    except RedisError as error:
        return bad(
            f"Redis does not answer ({type(error).__name__}).",
            "See that it runs and that REDIS_URL leads to it.",
        )
