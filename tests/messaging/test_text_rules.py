"""The check of a message's text: what it finds, what it leaves alone, and how it says it."""

from __future__ import annotations

import time

import pytest

from messaging.action_types import (
    CONFIRM_DELIVERY_DETAILS,
    CONFIRM_ORDER_DETAILS,
    CONFIRM_SERVICE_DETAILS,
    DIGITAL_ACCESS_KEY,
    MESSAGES,
    NEGATIVE_FEEDBACK_REMOVAL,
)
from messaging.text_rules import RULES, check_text

# Texts as sellers write them, of which nothing may be said.
HARMLESS = [
    "Your parcel could not be delivered today. Could you please tell us a day that suits you?",
    "Please review the attached drawing and tell us whether the spelling of the name is right.",
    "We cannot ship the Five Star Notebook in blue. Would you like it in red, or a refund?",
    "Your key is ABCDE-FGHIJ-12345-KLMNO. Start the program, choose Activate and paste it.",
    "Order 302-1234567-1234567 left on 21-11-2026, tracking number 00340434161094042557.",
    "The lamp (24 V, < 5 W) & its shade leave on 05/12/2026. AT&T is the carrier.",
    "Your feedback on the proof helps us engrave the right name. Is it Anna or Anne?",
    "If it does not start at once, hold the button for 5 seconds.In that case tell us.",
    "Serial number 0012345678901, EAN 4006381333931, 1.5 m of cable, pressure 5-7 bar.",
    "We refund you today. Please review the address that you gave us. 😀",
    "We will change the item; leave the old one at the door.\n\nKind regards\n\tAnn",
    "Leider können wir die Lampe nicht in Blau liefern. Möchten Sie sie in Rot?",
    "Wir haben Ihre Adresse geprüft: Die Hausnummer fehlt. Bitte teilen Sie sie uns mit.",
    "Wir geben Ihnen gern Bescheid, sobald die Sendung unser Lager verlässt.",
    "Bonjour, le transporteur doit vous donner un avis de passage. L'avez-vous reçu ?",
    "Nous confirmons la gravure « Léa ». Merci de nous dire si l'orthographe est correcte.",
    "Su paquete llegará el martes. ¿Puede indicarnos si habrá alguien en casa?",
    "Le confermiamo l'incisione «Giulia». Ci dica per favore se il nome è scritto bene.",
    "ご注文の商品は11月25日に発送予定です。お届け先の部屋番号をお知らせください。",
    "طلبك في الطريق إليك\u200f. هل العنوان صحيح؟",
]

# What must go, and a part of the sentence that says so.
FATAL = [
    ("<b>Hello</b>", "no HTML: “<b>”"),
    ("<img src=x onerror=alert(1)", "no HTML"),
    ("Fish &amp; chips &#38; peas", "no HTML: “&amp;”"),
    ("Write to service@shop.example", "e-mail addresses: “service@shop.example”"),
    ("Write to service (at) shop (dot) com", "“service (at) shop (dot) com”"),
    ("service [ät] laden punkt de", "e-mail addresses"),
    ("service at shop dot com", "e-mail addresses"),
    ("service\uff20shop\uff0ecom", "e-mail addresses"),
    ("ser\u200bvice@sh\u00adop.com", "e-mail addresses: “service@shop.com”"),
    ("Call us at 030 1234567", "telephone number"),
    ("Please use +1 (555) 123-4567", "telephone number"),
    ("Rufen Sie uns an: 030/1234567", "telephone number"),
    ("Appelez le 06 12 34 56 78", "telephone number"),
    ("お電話は03-1234-5678まで", "telephone number"),
    ("See https://bit.ly/abc", "unknown place"),
    ("Find it on www.ebay.de/itm/1", "another shop"),
    ("https://www.amazon.com/review/create-review?asin=B0", "reviews"),
    ("Hello {buyer_name}", "“{buyer_name}” was not filled in"),
    ("Hello [[first-name]]", "was not filled in"),
    ("abc\u202edcba", "reading direction (U+202E)"),
    ("abc\x07", "cannot be seen (U+0007)"),
    ("abc\ud800", "cannot be seen (U+D800)"),
    ("\u200b \u3000\n", "is empty"),
    # reviews, in six languages
    ("Please leave us a review", "asks for a review"),
    ("If you are happy, please write a short re\u200bview.", "asks for a review"),
    ("Rate us on Amazon!", "asks for a review"),
    ("Bitte hinterlassen Sie uns eine Bewertung.", "asks for a review"),
    ("Wir freuen uns über Ihre Rezension.", "asks for a review"),
    ("Laissez-nous un avis", "asks for a review"),
    ("Deje una reseña, por favor", "asks for a review"),
    ("Ci lasci una recensione", "asks for a review"),
    ("レビューを書いてください。", "asks for a review"),
    ("We hope for a 5-star review", "positive review"),
    ("Wir freuen uns über eine positive Bewertung", "positive review"),
    ("un commentaire positif", "positive review"),
    ("una valoración positiva", "positive review"),
    ("una recensione positiva", "positive review"),
    ("高評価をお願いします", "positive review"),
    ("Would you remove your negative feedback?", "change or remove"),
    ("Bitte ändern Sie Ihre Bewertung", "change or remove"),
    ("Pouvez-vous modifier votre avis ?", "change or remove"),
    ("¿Puede modificar su reseña?", "change or remove"),
    ("Può rimuovere la sua recensione?", "change or remove"),
    ("レビューを削除してください", "change or remove"),
    ("If you like it, please review it on Amazon.", "asks for a review"),
    ("Please share your experience with other customers.", "asks for a review"),
    ("Nous serions ravis d'un avis 5 étoiles", "positive review"),
    ("Give us 5★ please", "positive review"),
    ("Would you consider updating your review?", "change or remove"),
    ("Könnten Sie Ihr Feedback löschen?", "change or remove"),
    ("Please subscribe to our channel", "is marketing"),
    ("You get a gift card for a review", "beside a review"),
    ("Für eine Bewertung erhalten Sie einen Gutschein", "beside a review"),
    ("un cadeau en échange de votre avis", "beside a review"),
    ("un regalo a cambio de su reseña", "beside a review"),
    ("un omaggio per una recensione", "beside a review"),
    ("レビューでプレゼント", "beside a review"),
    # marketing, and ways out of Amazon
    ("Follow us on our page", "is marketing"),
    ("Use coupon code SAVE10", "is marketing"),
    ("20 % Rabatt auf alles", "is marketing"),
    ("votre prochaine commande", "is marketing"),
    ("Síganos en la red", "is marketing"),
    ("un codice sconto per lei", "is marketing"),
    ("次回のご購入で使えます", "is marketing"),
    ("Order directly from us", "away from Amazon"),
    ("You may pay by PayPal", "away from Amazon"),
    ("Bestellen Sie direkt bei uns", "away from Amazon"),
    ("commander directement chez nous", "away from Amazon"),
    ("compre directamente en nuestra web", "away from Amazon"),
    ("ordini direttamente dal nostro sito", "away from Amazon"),
    ("当店の公式サイトで購入できます", "away from Amazon"),
    ("Ask us on Whats App", "away from Amazon"),
]

WARNINGS = [
    ("Our number: 0151 23456789", "looks like a telephone number"),
    ("555-123-4567", "looks like a telephone number"),
    ("The manual: https://www.maker.example/manual", "belong to the purpose"),
    ("You find it at maker-help.com", "belong to the purpose"),
    ("The discount was taken off", "may read as marketing"),
    ("Der Rabatt wurde abgezogen", "may read as marketing"),
    ("Tell us what you think in a product review!", "speaks of reviews"),
    ("We would be grateful for five stars.", "speaks of reviews"),
    ("Laat een positieve beoordeling achter.", "speaks of reviews"),
    ("Prosimy o wystawienie pozytywnej opinii.", "speaks of reviews"),
    ("Lämna gärna ett positivt omdöme.", "speaks of reviews"),
    ("L\u00fctfen 5 y\u0131ld\u0131z verin.", "speaks of reviews"),
    ("Deixe uma avaliação positiva.", "speaks of reviews"),
    ("PLEASE ANSWER THIS MESSAGE AT ONCE", "all in capitals"),
]


def says(text: str, locale: str = "") -> list[tuple[bool, str]]:
    """What is said of it in a question before shipping."""
    findings = check_text(CONFIRM_ORDER_DETAILS, text, locale)
    return [(finding.is_fatal, finding.sentence) for finding in findings]


@pytest.mark.parametrize("text", HARMLESS)
def test_nothing_is_said_of_what_sellers_write_to_complete_an_order(text: str) -> None:
    assert says(text) == []


@pytest.mark.parametrize(("text", "sentence"), FATAL)
def test_what_amazon_forbids_is_fatal_and_named(text: str, sentence: str) -> None:
    assert any(is_fatal and sentence in said for is_fatal, said in says(text)), says(text)


@pytest.mark.parametrize(("text", "sentence"), WARNINGS)
def test_what_may_be_something_else_is_only_a_warning(text: str, sentence: str) -> None:
    said = says(text)
    assert [is_fatal for is_fatal, _ in said] == [False]
    assert sentence in said[0][1]


@pytest.mark.parametrize("kind", [CONFIRM_DELIVERY_DETAILS, CONFIRM_SERVICE_DETAILS])
def test_an_appointment_may_name_a_telephone_number(kind: object) -> None:
    text = "Please call our driver: +49 30 1234567 or 0151 23456789."
    assert check_text(kind, text) == []  # type: ignore[arg-type]
    assert check_text(DIGITAL_ACCESS_KEY, text) != []


def test_a_warning_about_what_a_fatal_finding_names_already_is_left_out() -> None:
    assert [is_fatal for is_fatal, _ in says("Use coupon code SAVE10")] == [True]


def test_fatal_findings_come_first() -> None:
    said = says("Our discount at www.maker.example, see <b>there</b>")
    assert [is_fatal for is_fatal, _ in said] == sorted((one for one, _ in said), reverse=True)
    assert [is_fatal for is_fatal, _ in said][:2] == [True, False]


def test_a_long_find_is_quoted_shortened() -> None:
    (finding,) = check_text(CONFIRM_ORDER_DETAILS, f"Here: https://maker.example/{'a' * 500}")
    assert len(finding.sentence) < 200
    assert "a…”" in finding.sentence


@pytest.mark.parametrize(
    ("text", "locale", "sentence"),
    [
        (HARMLESS[0], "de-DE", "like English; the buyer's language is German"),
        (HARMLESS[11], "en_US", "like German; the buyer's language is English"),
        (HARMLESS[16], "it-IT", "like Spanish; the buyer's language is Italian"),
        (HARMLESS[18], "ja-JP", ""),
        (HARMLESS[11], "de-AT", ""),
        (HARMLESS[11], "", ""),
        ("Grüße aus Berlin", "en-US", ""),
    ],
)
def test_a_text_in_another_language_than_the_buyers_is_a_warning(
    text: str, locale: str, sentence: str
) -> None:
    said = says(text, locale)
    assert bool(said) is bool(sentence)
    assert all(not is_fatal and sentence in sentences for is_fatal, sentences in said)


def test_a_message_without_a_text_has_nothing_to_check() -> None:
    assert check_text(NEGATIVE_FEEDBACK_REMOVAL, "") == []
    assert [one.is_fatal for one in check_text(CONFIRM_ORDER_DETAILS, "")] == [True]


def test_exceptions_are_for_messages_that_there_are() -> None:
    assert {name for rule in RULES for name in rule.except_for} <= set(MESSAGES)


@pytest.mark.parametrize(
    "part",
    ["1", "leave ", "a@", "&a", "x.", "レビュー", "bewertun", "+1 ", "0 1 ", "{", "<", "a b "],
)
def test_no_text_takes_long(part: str) -> None:
    began = time.process_time()
    check_text(CONFIRM_ORDER_DETAILS, part * (10_000 // len(part)))
    assert time.process_time() - began < 1.0
