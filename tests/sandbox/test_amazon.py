from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.conftest import document

TARGET = "/sellers/v1/marketplaceParticipations"


@pytest.mark.parametrize(
    "header", [{"content_length": "0"}, {"content_length": "5"}, {"transfer_encoding": "chunked"}]
)
def test_a_get_with_a_body_or_a_length_gets_a_page_instead_of_json(desk, header):
    answer = desk.ask("GET", TARGET, **header)
    assert (answer.status, answer.content_type) == (400, "text/html")
    assert answer.body.startswith(b"<HTML>")


@pytest.mark.parametrize(
    "agent", [None, "", "python-requests/2.34", "App/1 (Language=Python)" + "x" * 500]
)
def test_a_user_agent_without_a_language_is_refused(desk, agent):
    answer = desk.ask("GET", TARGET, user_agent=agent)
    assert (answer.status, document(answer)["errors"][0]["code"]) == (400, "InvalidInput")
    assert "x-amzn-RateLimit-Limit" not in answer.headers


def test_an_unknown_path_or_method_is_answered_as_by_the_gateway(desk):
    for method, target in (
        ("GET", "/orders/v1/orders"),
        ("DELETE", TARGET),
        ("GET", "/auth/o2/token"),
    ):
        answer = desk.ask(method, target)
        assert (answer.status, document(answer)["errors"][0]["code"]) == (
            403,
            "MissingAuthenticationToken",
        )


def test_every_answer_has_its_own_request_id(desk):
    answers = [desk.ask("GET", TARGET) for _ in range(3)]
    answers.append(desk.ask("GET", TARGET, user_agent=None))
    assert len({answer.headers["x-amzn-RequestId"] for answer in answers}) == 4


def test_what_arrived_is_counted_by_seller_operation_and_status(desk):
    life = desk.eligible_life()
    for _ in range(7):
        desk.actions(life)
    desk.solicit(life)
    desk.actions(life, x_amz_access_token="Atza|foreign")
    stats = desk.amazon.tally.as_json()
    assert (stats["requests"], stats["throttled"]) == (9, 2)
    lines = {(line["seller"], line["operation"]): line for line in stats["operations"]}
    seller = desk.seller.selling_partner_id
    assert lines[seller, "getSolicitationActionsForOrder"]["statuses"] == {"200": 5, "429": 2}
    assert lines["", "getSolicitationActionsForOrder"]["statuses"] == {"403": 1}
    assert lines[seller, "createProductReviewAndSellerFeedbackSolicitation"]["throttled"] == 0
    assert stats["user_agents"] == {"Tests/1.0 (Language=Python/3.11)": 9}


def test_every_answer_has_the_date_of_amazon_s_clock(desk):
    answer = desk.ask("GET", "/sellers/v1/marketplaceParticipations")
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == int(desk.amazon.now())
