import pytest

from sandbox import operations
from sandbox.faults import FaultError, Faults, parse_rules
from sandbox.faults.rules import OPERATIONS

LIST = "getSolicitationActionsForOrder"
MESSAGE_LIST = "getMessagingActionsForOrder"
POST = "createProductReviewAndSellerFeedbackSolicitation"
CLOSE = {"kind": "close"}


def fires(rule: dict, tries: int, *, now: float = 0.0, seed: int = 1) -> list[int]:
    """The requests (counted from 1) for which the rule fires."""
    faults = Faults(parse_rules([{"operation": "*", "do": CLOSE, **rule}], seed))
    return [
        number
        for number in range(1, tries + 1)
        if faults.fired(LIST, "A1", "306-1", now) is not None
    ]


def test_a_rule_without_conditions_always_fires():
    assert fires({}, 4) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"nth": [1, 4]}, [1, 4]),
        ({"every": 3}, [3, 6, 9]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 3}, [2, 4, 6]),
        ({"nth": [2, 3, 4], "every": 2}, [2, 4]),
    ],
)
def test_conditions_are_counted_over_what_the_rule_matches(when, expected):
    assert fires({"when": when}, 10) == expected


def test_a_share_is_random_and_seeded():
    some = fires({"when": {"share": 0.2}}, 1_000)
    assert 150 < len(some) < 250
    assert fires({"when": {"share": 0.2}}, 1_000) == some
    assert fires({"when": {"share": 0.2}}, 1_000, seed=2) != some
    assert fires({"when": {"share": 0}}, 100) == []


def test_a_rule_lives_between_its_seconds():
    when = {"after_s": 5, "until_s": 10}
    assert [now for now in (0, 4.9, 5, 9.9, 10, 99) if fires({"when": when}, 1, now=now)] == [
        5,
        9.9,
    ]


def test_seller_order_and_operation_narrow_a_rule():
    rules = parse_rules(
        [{"operation": LIST, "seller": "A1", "order": "306-1", "do": CLOSE, "when": {"nth": [1]}}],
        1,
    )
    faults = Faults(rules)
    for operation, seller, order in (
        (POST, "A1", "306-1"),
        (LIST, "A2", "306-1"),
        (LIST, "A1", "306-2"),
        (LIST, None, None),
    ):
        assert faults.fired(operation, seller, order, 0) is None
    assert faults.fired(LIST, "A1", "306-1", 0) is rules[0]
    assert faults.as_json()["rules"][0] == {**rules[0].document, "matched": 1, "fired": 1}


def test_any_operation_is_not_the_connection():
    assert (
        Faults(parse_rules([{"operation": "*", "do": CLOSE}], 1)).fired("connection", None, None, 0)
        is None
    )
    rules = [{"operation": "connection", "do": {"kind": "reset"}}]
    faults = Faults(parse_rules(rules, 1))
    assert faults.fired("connection", None, None, 0) is not None
    assert faults.fired(LIST, None, None, 0) is None


def test_any_operation_is_not_a_notification():
    rules = [{"operation": "*", "do": CLOSE}]
    assert Faults(parse_rules(rules, 1)).fired("notification", "A1", "306-1", 0) is None


def test_every_operation_of_the_sandbox_can_go_wrong():
    assert {operation.name for operation in operations.OPERATIONS} <= set(OPERATIONS)


def test_a_fault_of_the_list_leaves_other_operations_alone():
    faults = Faults(parse_rules([{"operation": "*", "do": {"kind": "empty_list"}}], 1))
    assert faults.fired(POST, "A1", "306-1", 0) is None
    assert faults.fired(LIST, "A1", "306-1", 0) is not None


def test_the_first_rule_that_fires_wins():
    rules = [
        {"operation": LIST, "when": {"nth": [2]}, "do": {"kind": "hang", "seconds": 1}},
        {"operation": "*", "do": CLOSE},
    ]
    faults = Faults(parse_rules({"rules": rules}, 1))
    kinds = [rule.kind for _ in range(3) if (rule := faults.fired(LIST, "A1", "306-1", 0))]
    assert kinds == ["close", "hang", "close"]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("close", "must be a list"),
        ({"rule": []}, "unknown key 'rule'"),
        ({}, "lacks 'rules'"),
        ([3], "rule 1 must be an object"),
        ([{"operation": "*"}], "rule 1 lacks 'do'"),
        ([{"do": CLOSE}], "rule 1 lacks 'operation'"),
        ([{"operation": "getOrders", "do": CLOSE}], "'operation' must be one of lwa, searchOrders"),
        (
            [{"operation": "*", "do": CLOSE, "sellers": "A"}],
            "unknown key 'sellers'; known: operation",
        ),
        ([{"operation": "*", "do": CLOSE}, {"operation": "*", "do": {}}], 'rule 2, "do"'),
        ([{"operation": "*", "do": {"kind": "explode"}}], "must be one of status, forbidden"),
        ([{"operation": "*", "do": {"kind": "close", "seconds": 1}}], "unknown key 'seconds'"),
        ([{"operation": "*", "do": {"kind": "hang"}}], "lacks 'seconds', a number from 0"),
        (
            [{"operation": "*", "do": {"kind": "hang", "seconds": "3"}}],
            "must be a number from 0, not '3'",
        ),
        ([{"operation": "*", "do": {"kind": "hang", "seconds": True}}], "must be a number from 0"),
        ([{"operation": "*", "do": {"kind": "status", "status": 99}}], "a status from 200 to 599"),
        (
            [
                {
                    "operation": "*",
                    "do": {"kind": "status", "status": 500, "headers": {"A": "b\r\nC: d"}},
                }
            ],
            "one line",
        ),
        ([{"operation": "*", "do": {"kind": "redirect", "location": "/\r\nx: y"}}], "one line"),
        ([{"operation": "*", "do": {"kind": "reset", "at": "once"}}], "one of before_read"),
        (
            [{"operation": "*", "do": {"kind": "body"}}],
            "exactly one of text, base64, size, gzip_bomb",
        ),
        ([{"operation": "*", "do": {"kind": "body", "text": "", "size": 1}}], "exactly one of"),
        ([{"operation": "*", "do": {"kind": "body", "base64": "é"}}], "must be base64"),
        ([{"operation": "notification", "do": CLOSE}], "only lose, duplicate, late, poison can"),
        ([{"operation": LIST, "do": {"kind": "lose"}}], "lose is only for notification"),
        ([{"operation": LIST, "do": {"kind": "report_fatal"}}], "only for createReport"),
        ([{"operation": "*", "do": {"kind": "body", "size": 10**12}}], "to 256000000"),
        (
            [{"operation": POST, "do": {"kind": "empty_list"}}],
            f"only for {LIST} and {MESSAGE_LIST}, not for {POST}",
        ),
        ([{"operation": LIST, "do": {"kind": "lwa_error", "error": "x"}}], "only for lwa"),
        ([{"operation": LIST, "do": {"kind": "expired"}}], "only for uploadToDestination"),
        ([{"operation": "uploadBody", "do": CLOSE}], "only cut_upload can happen to uploadBody"),
        ([{"operation": LIST, "do": {"kind": "cut_upload"}}], "only for uploadBody"),
        ([{"operation": "connection", "do": CLOSE}], "only reset"),
        (
            [{"operation": "*", "do": CLOSE, "when": {"first": 1}}],
            "unknown key 'first'; known: nth",
        ),
        ([{"operation": "*", "do": CLOSE, "when": {"nth": 1}}], "'nth' must be a list"),
        ([{"operation": "*", "do": CLOSE, "when": {"nth": [0]}}], "whole numbers from 1"),
        ([{"operation": "*", "do": CLOSE, "when": {"every": 0}}], "whole number from 1"),
        ([{"operation": "*", "do": CLOSE, "when": {"share": 1.5}}], "from 0 to 1, not 1.5"),
    ],
    ids=str,
)
def test_a_wrong_rule_is_refused_with_its_number_key_and_remedy(document, text):
    with pytest.raises(FaultError) as refused:
        parse_rules(document, 1)
    assert text in str(refused.value)
