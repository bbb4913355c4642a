"""What may not be in a message to a buyer, as a table: each row finds one thing and says it.

Amazon's model of messages forbids HTML, e-mail addresses and links that do not belong to the
message's purpose, and wants the buyer's language; its communication guidelines forbid telephone
numbers, marketing, and to ask for a positive review, a change of one, or anything outside of
Amazon. What a pattern finds for certain is fatal; what it may take for something else is a warning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from messaging.action_types import CONFIRM_DELIVERY_DETAILS, CONFIRM_SERVICE_DETAILS, ActionType
from messaging.languages import guess_language, language_name, language_of
from messaging.text_patterns import (
    Finder,
    control_character,
    finder,
    html_mark,
    shouting,
    turning_mark,
)

# Longer than any message; more is not read, and refused for its length.
_MOST_CHARACTERS = 10_000
_LONGEST_QUOTE = 60
_ORDER_NUMBER = re.compile(r"\b\d{3}-\d{7}-\d{7}\b")


@dataclass(frozen=True)
class Finding:
    """One thing in a text: a fatal one must go before it can be sent, the others are for a person."""

    is_fatal: bool
    sentence: str


@dataclass(frozen=True)
class Rule:
    """One row: `find` returns the first place that breaks it, "" for none.

    It is given the text as written or, with `is_about_words`, in one line, with wide and hidden
    characters set right. `sentence` names what was found as `{found}`. `except_for` are the kinds
    of messages in which it is allowed.
    """

    name: str
    find: Finder
    sentence: str
    is_fatal: bool = True
    is_about_words: bool = True
    except_for: Collection[str] = ()


def check_text(action_type: ActionType, text: str, locale: str = "") -> list[Finding]:
    """What is wrong with this text of such a message, fatal ones first; one finding for each rule.

    `locale` is the buyer's (such as `en-US`), "" where it is not known. Length is not judged here:
    that is `messaging.payloads`.
    """
    if action_type.text is None and not text:
        return []
    text = text[:_MOST_CHARACTERS]
    if not _has_something(text):
        return [Finding(True, "The message is empty.")]
    words = _in_one_line(text)
    found = [
        (rule, where)
        for rule in RULES
        if action_type.name not in rule.except_for
        and (where := rule.find(words if rule.is_about_words else text))
    ]
    fatal = [where for rule, where in found if rule.is_fatal]
    findings = [
        Finding(rule.is_fatal, rule.sentence.format(found=_quoted(where)))
        for rule, where in found
        if rule.is_fatal or not any(where in larger for larger in fatal)
    ]
    foreign = _foreign_language(words, locale)
    if foreign:
        findings.append(Finding(False, foreign))
    return sorted(findings, key=lambda finding: not finding.is_fatal)


def _has_something(text: str) -> bool:
    return any(unicodedata.category(one)[0] not in "ZC" and one != "\u3164" for one in text)


def _in_one_line(text: str) -> str:
    """The text as it reads: wide forms are narrow, hidden characters gone, spaces single.

    Numbers of orders are left out: they look like others that are forbidden.
    """
    shown = unicodedata.normalize("NFKC", text)
    shown = "".join(one for one in shown if unicodedata.category(one) not in ("Cf", "Cs"))
    shown = _ORDER_NUMBER.sub("", shown.replace("\u2019", "'"))
    return " ".join(shown.split())


def _quoted(found: str) -> str:
    return found if len(found) <= _LONGEST_QUOTE else f"{found[:_LONGEST_QUOTE].rstrip()}…"


def _foreign_language(text: str, locale: str) -> str:
    wanted = language_of(locale)
    seems = guess_language(text) if wanted else ""
    if not seems or seems == wanted:
        return ""
    return (
        f"This reads like {language_name(seems)}; the buyer's language is {language_name(wanted)}. "
        "Amazon wants messages in the buyer's language."
    )


_WITH_A_NUMBER_TO_CALL = (CONFIRM_DELIVERY_DETAILS.name, CONFIRM_SERVICE_DETAILS.name)

RULES: tuple[Rule, ...] = (
    Rule(
        "control character",
        control_character,
        "The message holds a character that cannot be seen ({found}). Write that part anew.",
        is_about_words=False,
    ),
    Rule(
        "reading direction",
        turning_mark,
        "The message holds a mark that turns the reading direction ({found}). Write that part anew.",
        is_about_words=False,
    ),
    Rule(
        "HTML",
        html_mark,
        "Amazon takes no HTML: “{found}”. Write plain text.",
        is_about_words=False,
    ),
    Rule(
        "e-mail address",
        finder("e-mail"),
        "Amazon takes no e-mail addresses: “{found}”. The buyer answers through Amazon.",
    ),
    Rule(
        "placeholder",
        finder("unfilled"),
        "“{found}” was not filled in.",
    ),
    # Fatal where a word or the form says that it is one. What only looks like one may be a key, a
    # parcel's number or a part's.
    Rule(
        "telephone number",
        finder("announced phone"),
        "A telephone number is allowed only to arrange a delivery or a service: “{found}”.",
        except_for=_WITH_A_NUMBER_TO_CALL,
    ),
    Rule(
        "number like a telephone's",
        finder("phone"),
        "“{found}” looks like a telephone number. One is allowed only to arrange a delivery or a "
        "service.",
        is_fatal=False,
        except_for=_WITH_A_NUMBER_TO_CALL,
    ),
    Rule(
        "forbidden link",
        finder("forbidden link"),
        "A link to reviews, another shop, a social network or an unknown place is not allowed: "
        "“{found}”.",
    ),
    Rule(
        "link",
        finder("link"),
        "Amazon allows only links that belong to the purpose of this message. Does “{found}”?",
        is_fatal=False,
    ),
    Rule(
        "positive review",
        finder("positive reviews"),
        "“{found}” asks for a positive review. Amazon forbids that.",
    ),
    Rule(
        "change of a review",
        finder("review changes"),
        "“{found}” asks to change or remove a review or feedback. Amazon forbids that.",
    ),
    Rule(
        "reward for a review",
        finder("review rewards"),
        "“{found}” offers something beside a review. Amazon forbids that.",
    ),
    Rule(
        "request for a review",
        finder("review requests"),
        "“{found}” asks for a review. Only Amazon's own review request may.",
    ),
    Rule(
        "word for a review",
        finder("review words"),
        "“{found}” speaks of reviews. Amazon forbids to ask for one, and to ask for its change.",
        is_fatal=False,
    ),
    Rule(
        "advertising",
        finder("advertising"),
        "“{found}” is marketing. Amazon forbids it in messages.",
    ),
    Rule(
        "marketing word",
        finder("marketing words"),
        "“{found}” may read as marketing, which Amazon forbids in messages.",
        is_fatal=False,
    ),
    Rule(
        "leaving Amazon",
        finder("leaving Amazon"),
        "“{found}” leads the buyer away from Amazon. That is forbidden.",
    ),
    Rule(
        "capitals",
        shouting,
        "“{found}” is all in capitals, which reads as shouting.",
        is_fatal=False,
    ),
)
