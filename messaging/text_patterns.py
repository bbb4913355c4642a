"""Where in a text something stands that may not be in a message: one function for each thing.

Each is given a text and returns the first place, "" for none. `shouting` and what `finder` makes are
for a text in one line (`messaging.text_rules`).
"""

from __future__ import annotations

import html.entities
import re
import unicodedata
from collections.abc import Callable, Iterable

from messaging.wording import PHRASES

Finder = Callable[[str], str]


def _named(characters: Iterable[str]) -> str:
    return next((f"U+{ord(one):04X}" for one in characters), "")


def control_character(text: str) -> str:
    """The first character that is none: control codes but line ends and tabs, halves, unassigned."""
    return _named(
        one
        for one in text
        if one not in "\n\r\t" and unicodedata.category(one) in ("Cc", "Cs", "Co", "Cn")
    )


_TURNING_MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def turning_mark(text: str) -> str:
    """The first mark that overrides, embeds or isolates a reading direction."""
    return _named(one for one in text if one in _TURNING_MARKS)


_TAG = re.compile(
    r"</?[a-z!][^<>]*>|<(?:a|img|script|style|iframe|svg|br|div|span|p)\b", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|([a-z][a-z0-9]{1,30}));", re.IGNORECASE)


def html_mark(text: str) -> str:
    """The first tag or named or numbered entity."""
    tag = _TAG.search(text)
    if tag:
        return tag[0]
    for entity in _ENTITY.finditer(text):
        if entity[1] is None or f"{entity[1]};" in html.entities.html5:
            return entity[0]
    return ""


_E_MAIL = (
    r"(?<![\w.+-])[\w.+-]{1,64} ?@ ?[\w-]{1,63}(?: ?\. ?[\w-]{2,63}){1,4}",
    # written around the rule: name (at) shop (dot) com, name at shop dot com
    r"(?<![\w.+-])[\w.+-]{1,64} ?[(\[{] ?(?:at|ät|arroba|arobase|chiocciola|@) ?[)\]}] ?[\w-]{1,63}"
    r"(?:(?: ?[(\[{]? ?(?:\.|dot|punkt|point|punto) ?[)\]}]? ?)[a-z]{2,24})+",
    r"(?<![\w.+-])[\w.+-]{1,64} (?:at|ät|arroba|arobase|chiocciola) [\w-]{1,63} "
    r"(?:dot|punkt|point|punto) [a-z]{2,24}\b",
)

# Names in braces that nobody filled in, ours and those of other programs.
_UNFILLED = (r"\{ ?[a-z_][a-z_ ]{0,40} ?\}", r"\[\[[^\]]{1,40}\]\]")

_SHOPS_AND_NETWORKS = (
    r"(?:facebook|instagram|tiktok|twitter|pinterest|linkedin|snapchat|threads|reddit|discord"
    r"|ebay|etsy|walmart|aliexpress|alibaba|temu|shein|wish|shopify|myshopify|rakuten|mercari"
    r"|allegro|bol|zalando|otto|kaufland|cdiscount|fnac|manomano|trustpilot|paypal|whatsapp)"
)
# An address that hides where it leads.
_SHORTENERS = r"(?:bit\.ly|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly)"
_ENDINGS = (
    r"(?:com|net|org|info|biz|shop|store|online|site|app|eu|de|at|ch|fr|es|it|nl|pl|se|tr|br|jp|ca"
    r"|mx|au|in|ie|uk|co\.uk|co\.jp|com\.au|com\.br|com\.mx|com\.tr|com\.be)"
)
_FORBIDDEN_LINK = (
    rf"(?<![\w@.-])(?:https?://)?(?:[\w-]{{1,63}}\.){{0,3}}{_SHOPS_AND_NETWORKS}\.(?:{_ENDINGS}|gg)"
    r"(?![\w-])(?:[/?#]\S*)?",
    r"(?<![\w@.-])(?:https?://)?(?:www\.)?(?:x\.com|(?:t|wa|fb|m)\.me)(?![\w-])(?:[/?#]\S*)?",
    rf"(?<![\w@.-])(?:https?://)?{_SHORTENERS}/\S*",
    r"(?:https?://)?(?:www\.)?amazon\.[a-z.]{2,6}/\S*(?:review|feedback|/hz/|/ryp)\S*",
)
_LINK = (
    r"\bhttps?://\S+",
    r"\bwww\.\S+",
    r"\bhxxps?://\S+",
    rf"(?<![\w@.-])(?:[a-z0-9-]{{2,63}}\.){{1,3}}{_ENDINGS}/\S*",
    r"(?<![\w@.-])[a-z0-9-]{2,63}\.(?:com|net|org|shop|store|co\.uk|co\.jp|de|fr|it|es)\b(?!\.\w)",
)

_NUMBER = r"\+?\(?\d[\d ()/.-]{5,20}\d"
_ANNOUNCED_PHONE = (
    # the word for it before the number, or a number as one writes it for abroad
    r"\b(?:phone|tel|telephone|mobile|call(?: us)?|text us|hotline|fax|telefon\w*|handy\w*|mobil\w*"
    r"|anruf\w*|rufen sie|téléphone\w*|portable|appelez|appeler|teléfono\w*|móvil|llam\w+|telefono"
    r"|cellulare|chiam\w+)\b[^.!?\d\n]{0,30}[\s:.]" + _NUMBER,
    r"(?:電話|携帯|お電話|TEL)[^。\d]{0,12}" + _NUMBER,
    r"(?<![\w+])(?:\+[1-9]\d{0,2}[ ()/.-]{0,3}|00[1-9]\d{0,2}[ ()/.-]{1,3})"
    r"(?:\d[ ()/.-]{0,2}){7,11}\d(?!\w)",
)
_PHONE_SHAPED = (
    r"(?<![\w.,/-])(?!\d{1,2}[ /-]\d{1,2}[ /-]\d{4}\b)\(?0\d{1,4}[)\s/-]{1,3}(?:\d[\s/-]?){5,9}\d(?![\w-])",
    r"(?<![\w.,/-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])",
)

# All patterns, by name: those above, and the phrases of `messaging.wording`. Those are joined, since
# few long patterns take less time than many short ones; Japanese has no boundaries of words.
PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    name: tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    for name, patterns in {
        "e-mail": _E_MAIL,
        "unfilled": _UNFILLED,
        "forbidden link": _FORBIDDEN_LINK,
        "link": _LINK,
        "announced phone": _ANNOUNCED_PHONE,
        "phone": _PHONE_SHAPED,
        **{
            name: (
                # each begins like a word: what begins otherwise need not be compared with all
                r"\b(?=\w[\w '%-])(?:"
                + "|".join(one for key in phrases if key != "ja" for one in phrases[key])
                + ")",
                "|".join(phrases["ja"]),
            )
            for name, phrases in PHRASES.items()
        },
    }.items()
}


def finder(name: str) -> Finder:
    """What finds the first place, in the text's order, that a pattern of this name matches."""
    patterns = PATTERNS[name]

    def find(text: str) -> str:
        matches = [match for one in patterns if (match := one.search(text))]
        return min(matches, key=lambda match: match.start())[0].strip() if matches else ""

    return find


_SHOUTED_WORDS = 5
_WORD = re.compile(r"(?<![\w-])[^\W\d_]{2,}(?![\w-])")


def shouting(text: str) -> str:
    """Five words in a row that are all in capitals; keys and codes are no words."""
    run: list[str] = []
    for word in _WORD.findall(text):
        run = [*run, word] if word.isupper() and word.lower() != word else []
        if len(run) >= _SHOUTED_WORDS:
            return " ".join(run)
    return ""
