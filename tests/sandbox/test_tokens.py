from sandbox.tokens import LIFETIME, TokenFault, Tokens
from sandbox.world import World, WorldPlan
from tests.sandbox.conftest import NOW, document


def tokens(seed: int = 1) -> tuple[World, Tokens]:
    world = World(WorldPlan(seed=seed, orders=1, sellers=3, epoch=NOW))
    return world, Tokens(world)


def test_a_token_speaks_for_its_seller_for_an_hour():
    world, book = tokens()
    token = book.issue(world.sellers[2], NOW)
    assert token.startswith("Atza|")
    assert book.read(token, NOW) is world.sellers[2]
    assert book.read(token, NOW + LIFETIME - 0.001) is world.sellers[2]
    assert book.read(token, NOW + LIFETIME) is TokenFault.EXPIRED


def test_a_token_outlives_a_restart_and_is_worth_nothing_in_another_world():
    world, book = tokens()
    token = book.issue(world.sellers[1], NOW)
    again, other = tokens()
    assert other.read(token, NOW) is again.sellers[1]
    assert tokens(seed=2)[1].read(token, NOW) is TokenFault.MALFORMED


def test_a_changed_token_is_refused():
    world, book = tokens()
    token = book.issue(world.sellers[0], NOW)
    for wrong in (
        "",
        "Atza|",
        "Atza|%%%",
        token[:-4],
        token[:10] + "x" + token[11:],
        token[5:],
        "é",
    ):
        assert book.read(wrong, NOW) is TokenFault.MALFORMED


def test_amazon_tells_expired_tokens_from_foreign_and_missing_ones(desk):
    target = "/sellers/v1/marketplaceParticipations"
    token = desk.token()
    assert desk.ask("GET", target, x_amz_access_token=token).status == 200
    desk.clock += LIFETIME
    late = desk.ask("GET", target, x_amz_access_token=token)
    foreign = desk.ask("GET", target, x_amz_access_token="Atza|nothing")
    missing = desk.ask("GET", target, x_amz_access_token=None)
    for answer in (late, foreign, missing):
        assert answer.status == 403
        assert "x-amzn-RateLimit-Limit" not in answer.headers
        [error] = document(answer)["errors"]
        assert error["code"] == "Unauthorized"
        assert error["message"] == "Access to requested resource is denied."
    assert document(late)["errors"][0]["details"] == "The access token you provided has expired."
    assert "revoked, malformed or invalid" in document(foreign)["errors"][0]["details"]


def test_a_request_without_a_good_token_takes_nothing_from_the_bucket(desk):
    target = "/sellers/v1/marketplaceParticipations"
    for _ in range(30):
        desk.ask("GET", target, x_amz_access_token="Atza|nothing")
    assert desk.ask("GET", target).status == 200
