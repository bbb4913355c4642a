"""Lists of actions: live answers, Amazon's model, and what neither of them is."""

import json
from pathlib import Path

import pytest

from spapi.hal import parse_action_links
from spapi.types import OfferedActions

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
REVIEW = "productReviewAndSellerFeedback"


def sample(name: str) -> object:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def test_offered_solicitation_is_read() -> None:
    links, well_formed = parse_action_links(sample("solicitation-actions-offered"))
    assert well_formed
    (link,) = links
    assert (link.name, link.title) == (REVIEW, "Request seller feedback and product review")
    assert link.href.startswith("/solicitations/v1/orders/111-1111111-1111111/")
    assert not link.disabled
    assert link.schema["x-ui-hidden"] is True


def test_empty_list_is_well_formed() -> None:
    assert parse_action_links(sample("solicitation-actions-none")) == ((), True)


def test_live_list_of_messages_is_read() -> None:
    links, well_formed = parse_action_links(sample("messaging-getMessagingActionsForOrder"))
    assert well_formed
    names = [link.name for link in links]
    assert {"unexpectedProblem", "sendInvoice", "updateFeedback"} <= set(names)
    described = {link.name: link for link in links}
    problem = described["unexpectedProblem"]
    assert problem.title == "Notify of a problem with shipping your order"
    assert problem.description
    assert not problem.disabled
    assert problem.disabled_reason == ""
    assert problem.schema["required"] == ["rawMessageBody"]


def test_shape_of_the_model_with_payload_is_read() -> None:
    document = {
        "_links": {"self": {"href": "s"}, "actions": [{"href": "h", "name": "a"}]},
        "_embedded": {
            "actions": [
                {
                    "payload": {"name": "a"},
                    "_embedded": {"schema": {"payload": {"title": "Title", "disabled": True}}},
                }
            ]
        },
    }
    ((link,), well_formed) = parse_action_links(document)
    assert well_formed
    assert (link.name, link.title, link.disabled) == ("a", "Title", True)


def test_disabled_action_is_not_offered() -> None:
    document = {
        "_links": {"actions": [{"name": "a"}, {"name": "b"}]},
        "_embedded": {
            "actions": [
                {
                    "name": "a",
                    "_embedded": {"schema": {"disabled": True, "disabledReason": "Too late"}},
                }
            ]
        },
    }
    links, _ = parse_action_links(document)
    offered = OfferedActions(links, True)
    assert not offered.offers("a")
    assert offered.offers("b")
    assert links[0].disabled_reason == "Too late"


def test_only_the_links_say_what_is_offered() -> None:
    document = {"_links": {"actions": []}, "_embedded": {"actions": [{"name": REVIEW}]}}
    assert parse_action_links(document) == ((), True)


def test_address_of_another_host_and_unknown_names_are_only_kept() -> None:
    document = {"_links": {"actions": [{"name": "brandNew", "href": "https://evil.example/x"}]}}
    ((link,), well_formed) = parse_action_links(document)
    assert well_formed
    assert (link.name, link.href) == ("brandNew", "https://evil.example/x")


def test_single_link_stands_for_a_list_of_one() -> None:
    links, well_formed = parse_action_links({"_links": {"actions": {"name": "a"}}})
    assert ([link.name for link in links], well_formed) == (["a"], True)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        7,
        {},
        {"_links": None},
        {"_links": []},
        {"_links": {}},
        {"_links": {"actions": None}},
        {"_links": {"actions": "a"}},
        {"errors": [{"code": "a"}]},
        {"payload": {"_links": {"actions": []}}},
    ],
)
def test_document_without_a_list_is_not_well_formed(document: object) -> None:
    assert parse_action_links(document) == ((), False)


@pytest.mark.parametrize("entry", [None, "a", {}, {"name": None}, {"name": ""}, {"name": ["a"]}])
def test_entry_without_a_name_is_left_out_and_told(entry: object) -> None:
    links, well_formed = parse_action_links({"_links": {"actions": [{"name": "a"}, entry]}})
    assert [link.name for link in links] == ["a"]
    assert not well_formed


@pytest.mark.parametrize(
    "embedded", [None, [], {}, {"actions": 3}, {"actions": [None, {"name": 3}]}]
)
def test_embedded_nonsense_does_not_matter(embedded: object) -> None:
    document = {"_links": {"actions": [{"name": "a"}]}, "_embedded": embedded}
    ((link,), well_formed) = parse_action_links(document)
    assert (link.name, well_formed) == ("a", True)
