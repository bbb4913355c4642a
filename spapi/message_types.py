"""The values of Messaging: what an order's list offers, what a message holds, and a buyer's language.

Amazon's list describes the form in Seller Central, not the body of the operation: there a text is
`rawMessageBody`, here it is `text`. So a form is only good for titles and for limits that are
stricter than those of the model.
"""

from dataclasses import dataclass

from spapi.types import OfferedActions


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of Amazon's form; `name` is the form's own, not that of the operation.

    `least` and `most` count the characters of a text, or the files of a list of attachments; None
    where Amazon says nothing, or something that cannot be met.
    """

    name: str
    title: str = ""
    description: str = ""
    least: int | None = None
    most: int | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class MessageOffer:
    """One message in the list of an order, with the form that Amazon shows for it.

    A `disabled` one cannot be sent now, for `disabled_reason`. `text` and `attachments` are None
    where the form has no such field; `dates` are its fields for moments, `others` the names of
    fields of which we do not know what they take. A list without forms gives names alone.
    """

    name: str
    title: str = ""
    description: str = ""
    disabled: bool = False
    disabled_reason: str = ""
    text: FormField | None = None
    attachments: FormField | None = None
    dates: tuple[FormField, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferedMessages(OfferedActions):
    """What Amazon offers for an order at this moment; `messages` are `actions` with their forms."""

    messages: tuple[MessageOffer, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that was uploaded; the buyer sees `file_name`, which has its ending in it."""

    upload_destination_id: str
    file_name: str

    def as_json(self) -> dict[str, str]:
        """As Amazon's model messaging.json has it."""
        return {"uploadDestinationId": self.upload_destination_id, "fileName": self.file_name}


@dataclass(frozen=True, slots=True)
class BuyerAttributes:
    """What Amazon tells of an order's buyer: `locale` is a language tag such as `en-US`, or None."""

    locale: str | None


@dataclass(frozen=True, slots=True)
class MessageBody:
    """What one operation takes: least and most of each, None where it takes none.

    `text` in characters, `attachments` in files, `coverage` both ends of a warranty.
    """

    text: tuple[int, int] | None = None
    attachments: tuple[int, int] | None = None
    coverage: bool = False
