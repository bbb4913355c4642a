"""In which language a text seems to be, by its letters and its commonest small words.

Only for a warning, so it says nothing rather than something doubtful. Libraries were weighed
(2026-11): py3langid 0.4 needs numpy and 130 MB in each process, lingua 2.1 a wheel of 96 MB,
simplemma 2.0 a dictionary for each language (and none for Japanese); langdetect has had no release
since 2021 and guesses at random.
"""

from __future__ import annotations

import re

# Languages of Amazon's marketplaces, and others that buyers may choose there.
LANGUAGE_NAMES: dict[str, str] = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "sv": "Swedish",
    "ta": "Tamil",
    "tr": "Turkish",
    "zh": "Chinese",
}

# Letters that only one language of those above is written in.
_LETTERS: dict[str, re.Pattern[str]] = {
    "ja": re.compile(r"[\u3041-\u3096\u30a1-\u30fa]"),
    "ko": re.compile(r"[\uac00-\ud7a3]"),
    "ar": re.compile(r"[\u0620-\u064a]"),
    "he": re.compile(r"[\u05d0-\u05ea]"),
    "el": re.compile(r"[\u0391-\u03c9]"),
    "hi": re.compile(r"[\u0904-\u0939]"),
    "ta": re.compile(r"[\u0b85-\u0bb9]"),
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")

_SMALL_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the and of to you your is are we our for with this that it not have has was will "
        "be can could please would if from on at in by or as an there which they been were",
        "de": "der die das und ist sind wir sie ihr ihre ihren ihrer für mit nicht ein eine einen "
        "zu den dem des von auf im in bitte werden wird haben hat können könnten oder wenn bei "
        "uns unser leider noch auch als dass es wie wurde",
        "fr": "le la les et est sont nous vous votre vos notre pour avec ne pas un une des du de "
        "dans sur que qui ce cette en au aux a avons avez pouvez ou si par il elle plus été être",
        "es": "el la los las y es son nosotros usted su sus nuestro para con no un una de del en "
        "que por al se le ha hemos puede si o como más este esta ser está lo nos",
        "it": "il lo la gli le e è sono noi lei suo sua nostro per con non un una di del della "
        "dei nel che si ha abbiamo può se o come più questo questa essere al alla da in i ci",
        "nl": "de het een en is zijn wij u uw we onze voor met niet van op in dat die te aan bij "
        "kunt heeft hebben als of om er door naar deze dit wordt worden ook maar nog graag",
        "pl": "i w na z do się nie jest są że to o jak za po od dla czy przez ale my nas państwa "
        "państwu prosimy proszę będzie został może oraz lub jeśli zamówienie zamówienia",
        "sv": "och är det att en ett vi du ni din ditt er för med inte på av som till har kan om "
        "den de i så eller vår vårt från vid men ska skulle vill",
        "pt": "o a os as e é são nós você seu sua nosso para com não um uma de do da em no na que "
        "por ao se tem temos pode ou como mais este esta foi dos das pela pelo",
        "tr": "ve bir bu için ile de da siz sizin biz bizim değil olarak lütfen var yok m\u0131 mi "
        "çok daha ne gibi kadar sonra önce ya ancak sipariş siparişiniz olan",
        "cs": "a je jsou se na v z do že ne pro s o to jak ale my vy váš vaše vám vaší prosím bude "
        "byl být které který nebo pokud objednávky objednávka jsme",
        "da": "og er det at en et vi du din dit for med ikke på af som til har kan om den de i så "
        "eller vores fra ved men skal vil hvis jeg dig os",
    }.items()
}
_WORD = re.compile(r"[^\W\d_]+")
_FEWEST_WORDS = 10
_FEWEST_SMALL_WORDS = 3
_LEAST_SHARE = 0.15
_LEAD = 1.4  # the best has so many times the words of the next, or the text is not judged


def language_of(locale: str) -> str:
    """The language of a tag such as `en-US` or `de_DE`, in small letters: `en`, `de`."""
    return locale.strip().replace("_", "-").partition("-")[0].lower()


def language_name(language: str) -> str:
    """What a person calls this language; the tag itself for one that has no name here."""
    return LANGUAGE_NAMES.get(language, language)


def guess_language(text: str) -> str:
    """The language that the text seems to be in (`en`, `de` …); "" where that cannot be told."""
    letters = sum(1 for character in text if character.isalpha())
    if letters == 0:
        return ""
    for language, pattern in _LETTERS.items():
        if len(pattern.findall(text)) >= letters / 5:
            return language
    if len(_CHINESE.findall(text)) >= letters / 2:
        return "zh"
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < _FEWEST_WORDS:
        return ""
    hits = sorted(
        (
            (sum(word in small for word in words), language)
            for language, small in _SMALL_WORDS.items()
        ),
        reverse=True,
    )
    (most, language), (next_most, _) = hits[0], hits[1]
    is_enough = most >= max(_FEWEST_SMALL_WORDS, _LEAST_SHARE * len(words))
    return language if is_enough and most >= _LEAD * next_most else ""
