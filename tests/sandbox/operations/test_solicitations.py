import pytest

from sandbox.options import Options
from tests.sandbox.conftest import Desk, document, message, offers
from tests.sandbox.schemas import Model

NAME = "productReviewAndSellerFeedback"
MODEL = Model("solicitations.json")


def test_the_list_has_amazons_real_shape(desk):
    life = desk.eligible_life()
    answer = desk.actions(life)
    assert answer.content_type == "application/hal+json"
    order = f"/solicitations/v1/orders/{desk.order_id(life)}"
    query = f"?marketplaceIds={life.marketplace.id}"
    action = {"href": f"{order}/solicitations/{NAME}{query}", "name": NAME}
    body = document(answer)
    assert body["_links"] == {"actions": [action], "self": {"href": order + query}}
    [embedded] = body["_embedded"]["actions"]
    assert embedded["_links"]["self"] == action
    assert (embedded["name"], embedded["title"]) == (
        NAME,
        "Request seller feedback and product review",
    )
    schema = embedded["_embedded"]["schema"]
    assert (schema["type"], schema["properties"], schema["required"]) == ("object", {}, [])
    # The model wants name and title under `payload`; what the two agree on fits the model.
    faults = MODEL.faults("GetSolicitationActionsForOrderResponse", body)
    assert faults
    assert all("unknown key" in fault for fault in faults)


def test_an_empty_list_keeps_its_shape_and_fits_the_model(desk):
    life = next(life for life in desk.lives() if life.replaces is not None or not life.on_amazon)
    body = document(desk.actions(life))
    assert body["_links"]["actions"] == []
    assert body["_embedded"] == {"actions": []}
    assert MODEL.faults("GetSolicitationActionsForOrderResponse", body) == []


def test_an_accepted_request_is_answered_with_an_empty_object(desk):
    life = desk.eligible_life()
    answer = desk.solicit(life)
    assert (answer.status, answer.body, answer.content_type) == (201, b"{}", "application/json")
    assert answer.headers["x-amzn-RateLimit-Limit"] == "1.0"
    entry = desk.amazon.ledger.accepted[desk.seller.selling_partner_id, desk.order_id(life)]
    assert (entry.eligible, entry.history, entry.times_asked) == (True, False, 1)
    assert entry.request_id == answer.headers["x-amzn-RequestId"]
    assert desk.order_id(life) not in desk.amazon.eligible(desk.seller)


def test_the_three_refusals_have_amazons_words(desk):
    asked = desk.eligible_life()
    desk.solicit(asked)
    early = next(
        x for x in desk.lives() if x.shipped and x.shipped < desk.clock < x.opens and x.on_amazon
    )
    never = next(x for x in desk.lives() if x.replaces is not None)
    texts = {}
    for name, life in (("asked", asked), ("early", early), ("never", never)):
        answer = desk.solicit(life)
        assert answer.status == 403
        assert "x-amzn-RateLimit-Limit" not in answer.headers
        assert (
            MODEL.faults(
                "CreateProductReviewAndSellerFeedbackSolicitationResponse", document(answer)
            )
            == []
        )
        [error] = document(answer)["errors"]
        assert (error["code"], error["details"]) == ("Unauthorized", "")
        texts[name] = error["message"]
    assert texts == {
        "asked": "You have already requested a review for this order.",
        "early": "You can\u2019t use this feature to request a review outside the 5-30 day range "
        "after the order delivery date.",
        "never": "The requested solicitation is not available for this amazonOrderId.",
    }


def test_what_is_listed_is_accepted_and_nothing_else():
    desk = Desk(Options(orders=400, seed=11))
    eligible = set(desk.amazon.eligible(desk.seller))
    assert 20 < len(eligible) < 120
    for life in desk.lives():
        desk.ticks += 10
        listed = bool(offers(desk.actions(life)))
        assert listed is (desk.order_id(life) in eligible)
        assert (desk.solicit(life).status == 201) is listed
    accepted = [entry for entry in desk.amazon.ledger.accepted.values() if not entry.history]
    assert {entry.order_id for entry in accepted} == eligible
    assert all(entry.eligible for entry in accepted)


def test_offers_are_left_out_at_random_with_the_share_that_was_asked_for():
    desk = Desk(Options(orders=300, seed=7, empty_share=0.3))
    life = desk.eligible_life()
    looks = []
    for _ in range(300):
        desk.ticks += 10
        looks.append(bool(offers(desk.actions(life))))
    assert 0.6 < sum(looks) / 300 < 0.8
    again = Desk(Options(orders=300, seed=7, empty_share=0.3))
    for listed in looks[:50]:
        again.ticks += 10
        assert bool(offers(again.actions(again.eligible_life()))) is listed
    assert desk.solicit(life).status == 201


def test_an_order_that_the_seller_does_not_have_is_not_found(desk):
    life = desk.eligible_life()
    other = desk.amazon.world.sellers[1]
    for answer in (desk.actions(life, seller=other), desk.solicit(life, seller=other)):
        assert answer.status == 404
        assert document(answer)["errors"][0]["code"] == "NotFound"
    target = f"/solicitations/v1/orders/306-1234567-1234567?marketplaceIds={life.marketplace.id}"
    assert desk.ask("GET", target).status == 404


def test_another_marketplace_offers_nothing_and_accepts_nothing(desk):
    life = desk.eligible_life()
    other = next(market.id for market in desk.seller.marketplaces if market != life.marketplace)
    order = f"/solicitations/v1/orders/{desk.order_id(life)}"
    assert offers(desk.ask("GET", f"{order}?marketplaceIds={other}")) == []
    answer = desk.ask("POST", f"{order}/solicitations/{NAME}?marketplaceIds={other}")
    assert message(answer) == "The requested solicitation is not available for this amazonOrderId."
    assert desk.solicit(life).status == 201


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?marketplaceIds=",
        "?marketplaceIds=DE",
        "?marketplaceIds=A1PA6795UKMFR9,APJ6JRA9NG5V4",
        "?marketplaceIds=A1PA6795UKMFR9&marketplaceIds=APJ6JRA9NG5V4",
        "?marketplaceIds=A1PA6795UKMFR9&page=1",
    ],
)
def test_exactly_one_marketplace_is_wanted(desk, query):
    order = f"/solicitations/v1/orders/{desk.order_id(desk.eligible_life())}"
    assert desk.ask("GET", f"{order}{query}").status == 400
    assert desk.ask("POST", f"{order}/solicitations/{NAME}{query}").status == 400


def test_a_marketplace_in_the_body_is_refused(desk):
    life = desk.eligible_life()
    body = b'{"marketplaceIds": ["A1PA6795UKMFR9"]}'
    answer = desk.solicit(life, body=body, content_length=str(len(body)))
    assert answer.status == 400
    assert "marketplaceId" in message(answer)
    assert desk.solicit(life).status == 201
