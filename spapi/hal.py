"""Reading Amazon's lists of actions (JSON Hypertext Application Language).

Only `_links.actions[].name` says what is offered. Everything else is optional: live answers have
`name`, `title` and the schema directly on the embedded action, Amazon's model has them under
`payload`, and its sandbox sends no `_embedded` at all. No `href` is ever followed.
"""

from collections.abc import Mapping

from spapi.texts import clean
from spapi.types import ActionLink


def parse_action_links(document: object) -> tuple[tuple[ActionLink, ...], bool]:
    """The actions that the document offers, and whether it is a list of actions at all.

    Entries without a name are left out and make the document ill-formed; nothing is raised.
    """
    listed = _member(document, "_links").get("actions")
    if isinstance(listed, Mapping):
        listed = [listed]  # HAL allows a single link to stand for a list of one
    if not isinstance(listed, list):
        return (), False
    embedded = _embedded_actions(document)
    links = []
    for entry in listed:
        name = clean(entry.get("name")) if isinstance(entry, Mapping) else None
        if name:
            links.append(_link(name, entry, embedded.get(name, {})))
    return tuple(links), len(links) == len(listed)


def _link(name: str, entry: Mapping[str, object], embedded: Mapping[str, object]) -> ActionLink:
    schema = _member(_member(embedded, "_embedded"), "schema")
    schema = _member(schema, "payload") or schema
    described = (embedded, _member(embedded, "payload"), schema, entry)
    return ActionLink(
        name=name,
        href=clean(entry.get("href")) or "",
        title=_first_text(described, "title"),
        description=_first_text(described, "description"),
        disabled=any(one.get("disabled") is True for one in described),
        disabled_reason=_first_text(described, "disabledReason"),
        schema=schema,
    )


def _embedded_actions(document: object) -> dict[str, Mapping[str, object]]:
    actions = _member(document, "_embedded").get("actions")
    found: dict[str, Mapping[str, object]] = {}
    for action in actions if isinstance(actions, list) else []:
        if isinstance(action, Mapping):
            name = clean(action.get("name")) or clean(_member(action, "payload").get("name"))
            if name:
                found.setdefault(name, action)
    return found


def _member(value: object, name: str) -> Mapping[str, object]:
    member = value.get(name) if isinstance(value, Mapping) else None
    return member if isinstance(member, Mapping) else {}


def _first_text(places: tuple[Mapping[str, object], ...], name: str) -> str:
    return next((text for place in places if (text := clean(place.get(name)))), "")
