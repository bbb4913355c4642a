"""How long a refusal takes does not tell whether there is such a person."""

from __future__ import annotations

import math
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from itertools import combinations

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from people import limits
from tests.factories import PASSWORD
from tests.security.timings import LEAST_CHANCE

# A few in the suite, to see that it works; a thousand by `python -m tests.security.timings`.
TRIES = int(os.environ.get("TIMINGS", "30"))
ARGON = override_settings(PASSWORD_HASHERS=["people.hashers.Argon2idHasher"])


def chance_of(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sided p of the Mann-Whitney test, by the normal approximation, without ties."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_value, whose) in enumerate(ranked, start=1) if whose == 0)
    m, n = len(one), len(other)
    u = ranks - m * (m + 1) / 2
    z = (u - m * n / 2) / math.sqrt(m * n * (m + n + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def test_the_chance_is_small_where_there_is_a_difference() -> None:
    chance = random.Random(1)
    one = [chance.gauss(88, 5) for _ in range(340)]
    same = [chance.gauss(88, 5) for _ in range(340)]
    slower = [chance.gauss(92, 5) for _ in range(340)]
    assert chance_of(one, same) > LEAST_CHANCE
    assert chance_of(one, slower) < LEAST_CHANCE / 100
    # 1..5 against 6..10: U = 0, z = -2.611
    assert chance_of(range(1, 6), range(6, 11)) == pytest.approx(0.00902, abs=0.0001)


@pytest.mark.django_db
@pytest.mark.any_database
def test_unknown_wrong_and_disabled_take_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PER_PERSON_AND_ADDRESS", "PER_PERSON", "PER_ADDRESS"):
        monkeypatch.setattr(limits, name, 10**9)
    with ARGON:
        User.objects.create_user("known-person", password=PASSWORD)
        User.objects.create_user("disabled-person", password=PASSWORD, is_active=False)
        kinds = {
            "unknown": ("unknown-person", PASSWORD),
            "wrong": ("known-person", "Another horse, battery 8"),
            "disabled": ("disabled-person", PASSWORD),
        }
        order = list(kinds) * (TRIES // len(kinds))
        random.Random(7).shuffle(order)
        client, seconds = Client(), {kind: list[float]() for kind in kinds}
        for kind in [*kinds, *order]:
            name, password = kinds[kind]
            # our own processor time: others on the machine disturb it less than the clock
            began = time.thread_time()
            answer = client.post("/login/", {"username": name, "password": password})
            seconds[kind].append(time.thread_time() - began)
            assert answer.status_code == 200
    measured = {kind: all_of[1:] for kind, all_of in seconds.items()}  # the first warms up
    medians = {kind: statistics.median(all_of) * 1000 for kind, all_of in measured.items()}
    chances = {
        f"{one}/{other}": chance_of(measured[one], measured[other])
        for one, other in combinations(measured, 2)
    }
    report = (
        ", ".join(f"{kind} {ms:.1f} ms" for kind, ms in medians.items())
        + "; p "
        + ", ".join(f"{pair} {p:.3f}" for pair, p in chances.items())
    )
    sys.stderr.write(f"\n{len(order)} refusals: {report}\n")
    assert max(medians.values()) < 2 * min(medians.values()), report
    if len(order) >= 999:
        assert min(chances.values()) > LEAST_CHANCE, report
