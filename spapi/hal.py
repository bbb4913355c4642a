"""Reading Amazon's lists of actions (JSON Hypertext Application Language).

Only `_links.actions[].name` says what is offered. Everything else is optional: live answers have
`name`, `title` and the schema directly on the embedded action, Amazon's model has them under
`payload`, and its sandbox sends no `_embedded` at all. No `href` is ever followed.
"""

from collections.abc import Mapping

from spapi.message_types import FormField, MessageOffer
from spapi.texts import clean, part, whole_number
from spapi.types import ActionLink

_MOST_FIELDS = 50
_MESSAGE = "rawMessageBody"


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


def read_message_offer(action: ActionLink) -> MessageOffer:
    """The offered message with Amazon's form for it, as far as that can be read; never raises."""
    listed = action.schema.get("required")
    required = listed if isinstance(listed, list) else []
    texts, attachments, dates, others = [], [], [], []
    properties = list(part(action.schema, "properties").items())[:_MOST_FIELDS]
    for raw_name, described in properties:
        name = clean(raw_name) or ""
        if not isinstance(described, Mapping) or not name:
            continue
        kind, shape = described.get("type"), described.get("x-ui-field-type")
        if kind == "array" and (shape or name) == "attachments":
            attachments.append(_field(name, described, required, "Items", "Length"))
        elif kind == "string" and described.get("format") in ("date", "date-time"):
            dates.append(_field(name, described, required))
        elif kind == "string" and shape in ("text", "textarea", None):
            texts.append(_field(name, described, required, "Length"))
        else:
            others.append(name)
    # Should a form have several texts, the message is the one that has that name in live forms.
    texts.sort(key=lambda field: field.name != _MESSAGE)
    return MessageOffer(
        action.name,
        action.title,
        action.description,
        action.disabled,
        action.disabled_reason,
        text=texts[0] if texts else None,
        attachments=attachments[0] if attachments else None,
        dates=tuple(dates),
        others=(*others, *(extra.name for extra in (*texts[1:], *attachments[1:]))),
    )


def _field(
    name: str, described: Mapping[str, object], required: list[object], *counted: str
) -> FormField:
    """`counted` are the words for what is counted; the first with which Amazon says a number."""
    least, most = (
        _first_count(described, [end + word for word in counted]) for end in ("min", "max")
    )
    if most == 0 or (least is not None and most is not None and least > most):
        least = most = None
    return FormField(
        name,
        clean(described.get("title")) or "",
        clean(described.get("description")) or "",
        least,
        most,
        name in required,
    )


def _first_count(described: Mapping[str, object], names: list[str]) -> int | None:
    counts = (whole_number(described.get(name)) for name in names)
    return next((count for count in counts if count is not None), None)


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
