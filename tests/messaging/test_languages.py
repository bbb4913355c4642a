"""Which language a text seems to be in."""

import pytest

from messaging.languages import LANGUAGE_NAMES, guess_language, language_name, language_of

TEXTS = {
    "ar": "تعذر توصيل الطرد اليوم، هل يمكنك اختيار يوم آخر من فضلك؟",
    "cs": "Vaši objednávku jsme odeslali a bude u vás v pátek. Pokud se vám den nehodí, napište to.",
    "da": "Vi har sendt din pakke og den er hos dig på fredag. Skriv til os, hvis det ikke passer.",
    "de": "Wir haben Ihr Paket verschickt und es ist am Freitag bei Ihnen. Passt der Tag nicht?",
    "en": "We have sent your parcel and it will be with you on Friday. Is that day all right?",
    "es": "Hemos enviado su paquete y le llegará el viernes. ¿Le viene bien ese día o prefiere otro?",
    "fr": "Nous avons expédié votre colis et il sera chez vous vendredi. Ce jour vous convient-il ?",
    "it": "Abbiamo spedito il suo pacco e arriverà venerdì. Se il giorno non va bene, ci scriva.",
    "ja": "お荷物は金曜日にお届けします。ご都合が悪い場合はお知らせください。",
    "ko": "상품을 발송했으며 금요일에 도착할 예정입니다.",
    "nl": "Wij hebben uw pakket verstuurd en het is vrijdag bij u. Laat het ons weten als dat niet kan.",
    "pl": "Wysłaliśmy paczkę i będzie u państwa w piątek. Jeśli to nie jest dobry dzień, prosimy o "
    "wiadomość.",
    "pt": "Enviamos a sua encomenda e ela chega na sexta-feira. Se não for um bom dia, diga-nos.",
    "sv": "Vi har skickat ditt paket och det är hos dig på fredag. Skriv till oss om det inte passar.",
    "tr": "Siparişiniz için teşekkürler, paket cuma günü sizin adreste olacak ve bir imza gerekir.",
    "zh": "您的包裹已经发出,预计星期五送达。",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_or_two_tell_their_language(language: str) -> None:
    assert guess_language(TEXTS[language]) == language
    assert language in LANGUAGE_NAMES


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345 67890",
        "Kärcher K2 230 V",
        "ABCDE FGHIJ KLMNO PQRST UVWXY ZABCD EFGHI JKLMN OPQRS TUVWX",
        "Ann Bob Carl Dave Eve Frank Grace Heidi Ivan Judy Mallory Niaj",
    ],
)
def test_what_cannot_be_told_is_not_guessed(text: str) -> None:
    assert guess_language(text) == ""


def test_a_tag_names_its_language() -> None:
    assert [language_of(tag) for tag in ("en-US", "de_DE", "JA", "")] == ["en", "de", "ja", ""]
    assert language_name("de") == "German"
    assert language_name("xx") == "xx"
