"""What can be asked, compared with Amazon's models and with what the client can do."""

import json
from pathlib import Path

import pytest

from messaging.action_types import ACTION_TYPES, MESSAGES, REVIEW_REQUEST, ActionType
from spapi import OPERATIONS

MODELS = Path(__file__).parents[1] / "data" / "models"


def operation_of(action_type: ActionType) -> dict:
    """The operation that carries it out, in Amazon's model."""
    model = json.loads((MODELS / f"{action_type.api.value}.json").read_text())
    (found,) = [
        {**operation, "definitions": model["definitions"], "path": path}
        for path, methods in model["paths"].items()
        for method, operation in methods.items()
        if method == "post" and operation["operationId"] == action_type.send
    ]
    return found


@pytest.mark.parametrize("action_type", ACTION_TYPES.values(), ids=str)
def test_an_action_is_what_its_model_says(action_type: ActionType) -> None:
    operation = operation_of(action_type)
    assert operation["path"].endswith(f"/{action_type.name}")
    bodies = [one["schema"]["$ref"] for one in operation["parameters"] if one["in"] == "body"]
    if action_type.text is None:
        assert bodies == []
        return
    definition = operation["definitions"][bodies[0].removeprefix("#/definitions/")]
    assert set(definition["properties"]) == {"text"}
    text = definition["properties"]["text"]
    assert (action_type.text.least, action_type.text.most) == (text["minLength"], text["maxLength"])
    assert bodies[0].rpartition("/")[2] in action_type.source


@pytest.mark.parametrize("action_type", ACTION_TYPES.values(), ids=str)
def test_an_action_is_listed_and_sent_by_operations_of_its_own_api(action_type: ActionType) -> None:
    look, send = OPERATIONS[action_type.look], OPERATIONS[action_type.send]
    assert (look.api, send.api) == (action_type.api.value, action_type.api.value)
    assert (look.method, send.method) == ("GET", "POST")


def test_everything_but_the_review_request_is_a_message() -> None:
    assert set(ACTION_TYPES) == {REVIEW_REQUEST.name, *MESSAGES}
    assert REVIEW_REQUEST.is_solicitation
    assert not any(message.is_solicitation for message in MESSAGES.values())
