"""The messages against Amazon's models and the captured list."""

import json
from pathlib import Path

import pytest

from sandbox.operations.message_kinds import BY_OPERATION, KINDS
from sandbox.operations.offers import Schema
from tests.sandbox.schemas import Model

SAMPLE = Path(__file__).parents[2] / "data/samples/messaging-getMessagingActionsForOrder.json"
MODEL = Model("messaging-before-2025-08-04.json")


def described(operation: str) -> tuple[str, dict]:
    """The end of the operation's path, and the properties of its body."""
    for path, methods in MODEL.document["paths"].items():
        found = methods.get("post")
        if found and found["operationId"] == operation:
            [body] = [one for one in found["parameters"] if one["in"] == "body"] or [None]
            if body is None:
                return path.rpartition("/")[2], {}
            name = body["schema"]["$ref"].rpartition("/")[2]
            return path.rpartition("/")[2], MODEL.document["definitions"][name]["properties"]
    raise AssertionError(operation)


@pytest.mark.parametrize("operation", BY_OPERATION)
def test_each_message_is_as_in_its_model(operation):
    kind = BY_OPERATION[operation]
    path, properties = described(operation)
    assert kind.path == path
    assert kind.text == properties.get("text", {}).get("maxLength", 0)
    assert (kind.files is not None) is ("attachments" in properties)
    assert kind.coverage is ("coverageStartDate" in properties)
    if kind.files is not None:
        assert kind.files >= properties["attachments"].get("minLength", 0)
        assert properties["attachments"]["maxLength"] == 5


def test_every_message_of_the_model_is_there():
    named = {
        method["operationId"]
        for methods in MODEL.document["paths"].values()
        for name, method in methods.items()
        if name == "post"
    }
    assert named == set(BY_OPERATION)
    assert {kind.name for kind in KINDS} - {kind.name for kind in BY_OPERATION.values()} == {
        "updateFeedback"
    }


def test_forms_of_the_captured_list_are_reproduced_word_for_word():
    captured = json.loads(SAMPLE.read_text())["_embedded"]["actions"]
    ours = {kind.name: kind.schema for kind in KINDS}
    for action in captured:
        form = action["_embedded"]["schema"]
        assert ours[action["name"]] == Schema(
            action["name"],
            action["title"],
            form["description"],
            form["properties"],
            tuple(form["required"]),
            hidden=form["x-ui-hidden"],
        )
