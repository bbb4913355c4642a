"""The state machine is exactly the one that the design lists."""

from itertools import product

import pytest

from messaging import states
from messaging.states import Status, may_follow

# The list of the design, written down a second time. `sending → probably_sent` is the table's:
# "not available" after an attempt of ours whose answer was lost.
LISTED = {
    "queued": "sending held cancelled expired",
    "held": "queued cancelled expired",
    "sending": "sent queued held refused unconfirmed probably_sent",
    "unconfirmed": "queued probably_sent sent refused unresolved",
    "probably_sent": "queued sent unresolved",
    "refused": "queued",
    "cancelled": "",
    "expired": "",
    "unresolved": "",
    "sent": "",
}
# "A late 201 of any attempt is a fact and always wins. `sent` never changes."
ALLOWED = {(before, after) for before, listed in LISTED.items() for after in listed.split()} | {
    (before, "sent") for before in LISTED if before != "sent"
}


@pytest.mark.parametrize(("before", "after"), list(product(LISTED, LISTED)))
def test_a_step_is_allowed_exactly_when_the_design_lists_it(before: str, after: str) -> None:
    assert may_follow(Status(before), Status(after)) == ((before, after) in ALLOWED)


def test_the_states_are_those_of_the_design() -> None:
    assert set(Status.values) == set(LISTED)


def test_the_sets_are_those_of_the_design() -> None:
    still_moving = {"queued", "held", "sending", "unconfirmed", "probably_sent"}
    assert still_moving == states.OPEN
    assert still_moving | {"sent", "refused", "unresolved"} == states.TAKEN
    assert {"queued", "held"} == states.STOPPABLE
    assert {"unconfirmed", "probably_sent"} == states.WATCHED
    assert set(Status.values) - states.TAKEN == {"cancelled", "expired"}


def test_every_state_has_words_and_a_tone() -> None:
    assert set(states.TONES) == set(Status)
    assert len(set(Status.labels)) == len(Status.labels)


@pytest.mark.parametrize(
    "fault",
    [
        {"TRANSITIONS": {Status.QUEUED: frozenset({Status.SENDING})}},
        {"TONES": {}},
        {"TRANSITIONS": {state: frozenset({Status.QUEUED}) for state in Status}},
        {"TAKEN": frozenset(Status)},
    ],
    ids=["a state without transitions", "no tones", "sent that changes", "cancelled that blocks"],
)
def test_a_wrong_table_does_not_pass_the_check_at_import(
    fault: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in fault.items():
        monkeypatch.setattr(states, name, value)
    with pytest.raises(AssertionError):
        states._check()


def test_every_state_can_be_reached_from_queued() -> None:
    reached, edge = {"queued"}, {"queued"}
    while edge:
        edge = {after for before, after in ALLOWED if before in edge} - reached
        reached |= edge
    assert reached == set(Status.values)


def test_only_what_waits_can_be_claimed() -> None:
    """A sweeper or a restart has no way to send an unclear outcome again."""
    assert {before for before in Status if may_follow(before, Status.SENDING)} == {Status.QUEUED}
