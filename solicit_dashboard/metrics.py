"""What Prometheus reads: how sending goes, in numbers. Accounts are told by id; nobody is named.

Off unless METRICS_TOKEN is set, which the reader sends as "Authorization: Bearer …". The text format
is https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Min, Q
from django.db.models.functions import Greatest
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import RedisError

from messaging.clock import read_database_clock
from messaging.ledger.check import CHECKS
from messaging.ledger.lateness import grace
from messaging.models import ActionAttempt, AttemptOutcome, LedgerCheck, OutgoingAction
from messaging.states import Status
from sellers.models import SellerAccount
from solicit_dashboard.redis import get_redis, redis_key

RECENT = timedelta(hours=1)
THROTTLED = 429
PARTS = ("dispatcher", "worker")

Sample = tuple[tuple[str, ...], float]


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers of all accounts, for who knows the token: 404 where none is set, 401 without it."""
    if not settings.METRICS_TOKEN:
        raise Http404
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    # the bytes that were sent: WSGI hands them on as if they were Latin-1
    given = request.headers.get("Authorization", "").encode("latin-1", errors="replace")
    if not constant_time_compare(given, wanted.encode()):
        return HttpResponse(
            "Send the value of METRICS_TOKEN: Authorization: Bearer …\n",
            status=401,
            content_type="text/plain; charset=utf-8",
            headers={"WWW-Authenticate": "Bearer"},
        )
    registry = CollectorRegistry()
    registry.register(Numbers(read_database_clock()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class Numbers(Collector):
    """Every number at that moment (UTC), in as many statements however many accounts there are."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry need not know the names, it holds one collector."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The families, each with a line for every account and label, zeros too."""
        sending = set(SellerAccount.objects.sending().values_list("pk", flat=True))
        accounts = sorted(SellerAccount.objects.values_list("pk", flat=True))
        yield _by_account(
            "account_sending",
            "Whether something may leave for the account: it is connected and not paused.",
            [((str(account),), float(account in sending)) for account in accounts],
        )
        yield from self._actions(accounts)
        yield from self._waiting(accounts)
        yield from self._attempts(accounts)
        yield from _signs_of_life()
        yield from _last_check()

    def _actions(self, accounts: Iterable[int]) -> Iterator[Metric]:
        rows = OutgoingAction.objects.order_by().values_list("account_id", "status")
        numbers = {(pk, status): number for pk, status, number in rows.annotate(Count("pk"))}
        yield _by_account(
            "actions",
            "Outgoing actions by state.",
            [
                ((str(account), state), numbers.get((account, state), 0))
                for account in accounts
                for state in Status.values
            ],
            "state",
        )

    def _waiting(self, accounts: Iterable[int]) -> Iterator[Metric]:
        since = self._at - grace()
        rows = (
            OutgoingAction.objects.order_by()
            .filter(status=Status.QUEUED, look_at__lte=self._at, not_before__lte=self._at)
            .alias(due_since=Greatest("look_at", "not_before", "status_at"))
            .values_list("account_id")
            .annotate(
                due=Count("pk"),
                long_due=Count("pk", filter=Q(due_since__lte=since)),
                first=Min("due_since"),
            )
        )
        found = {
            account: (float(due), float(long_due), (self._at - first).total_seconds())
            for account, due, long_due, first in rows
        }
        for position, (name, says) in enumerate(
            (
                ("actions_due", "Queued actions whose time has come."),
                (
                    "actions_due_long",
                    f"Those of them whose time came {grace().total_seconds():.0f} s ago or earlier; "
                    "in a long queue they wait for their turn.",
                ),
                ("oldest_due_age_seconds", "How long ago the time of the first of them came."),
            )
        ):
            yield _by_account(
                name,
                says,
                [((str(one),), found[one][position] if one in found else 0) for one in accounts],
            )

    def _attempts(self, accounts: Iterable[int]) -> Iterator[Metric]:
        rows = (
            ActionAttempt.objects.order_by()
            .filter(claimed_at__gt=self._at - RECENT)
            .values_list("action__account_id", "outcome")
            .annotate(Count("pk"), throttled=Count("pk", filter=Q(status_code=THROTTLED)))
        )
        found = {(account, outcome): numbers for account, outcome, *numbers in rows}
        outcomes = {"": "none_yet", **{outcome: outcome for outcome in AttemptOutcome.values}}
        yield _by_account(
            "attempts_last_hour",
            "Attempts of the last hour by what is known of their effect.",
            [
                ((str(account), name), found.get((account, outcome), [0])[0])
                for account in accounts
                for outcome, name in outcomes.items()
            ],
            "outcome",
        )
        yield _by_account(
            "throttled_last_hour",
            "Attempts of the last hour that Amazon answered with 429.",
            [
                (
                    (str(account),),
                    sum(found.get((account, outcome), [0, 0])[1] for outcome in outcomes),
                )
                for account in accounts
            ],
        )


def _signs_of_life() -> Iterator[Metric]:
    try:
        seen = dict(
            zip(PARTS, get_redis().mget([redis_key("seen", p) for p in PARTS]), strict=True)
        )
        is_up = True
    except RedisError:
        seen, is_up = {}, False
    yield _family("redis_up", "Whether Redis answers.", [((), float(is_up))])
    now = time.time()
    yield _family(
        "sign_of_life_age_seconds",
        "How long ago the part was last seen at work; no line when it never was.",
        [((part,), max(0.0, now - float(at))) for part, at in seen.items() if at is not None],
        "part",
    )


def _last_check() -> Iterator[Metric]:
    last = LedgerCheck.objects.first()
    if last is None:
        return
    yield _family(
        "ledger_check_timestamp_seconds",
        "When the records were last checked, in seconds since 1970.",
        [((), last.at.timestamp())],
    )
    yield _family("ledger_check_duration_seconds", "How long that took.", [((), last.seconds)])
    yield _family(
        "ledger_breaches",
        "Contradictions that the last check found; docs/operations.md says what each check proves.",
        [((check.name,), last.counts.get(check.name, 0)) for check in CHECKS],
        "check",
    )


def _by_account(name: str, says: str, samples: Iterable[Sample], *labels: str) -> Metric:
    return _family(name, says, samples, "account", *labels)


def _family(name: str, says: str, samples: Iterable[Sample], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"solicit_{name}", says, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family
