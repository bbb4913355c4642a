"""The User-Agent that Amazon demands of every call.

Form, escaping and the limit of 500 characters:
https://developer-docs.amazon.com/sp-api/docs/include-a-user-agent-header-in-all-requests
"""

import platform
import re

MAX_LENGTH = 500
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


def user_agent(application: str, version: str, **attributes: str) -> str:
    """The header's value: `application/version (Language=Python/3.x; Platform=…; …)`.

    `\\` is escaped everywhere, `/` in the application's name, `(` in the version, `=` in an
    attribute's name, `)` and `;` in its value. Raises ValueError for an empty or not printable
    part, and for a header of more than 500 characters, because Amazon turns such calls away.
    """
    said = {
        "Language": f"Python/{platform.python_version()}",
        "Platform": f"{platform.system() or 'unknown'}/{platform.machine() or 'unknown'}",
        **attributes,
    }
    parts = (application, version, *said, *said.values())
    if not all(_PRINTABLE.fullmatch(part) for part in parts):
        raise ValueError("every part of the User-Agent must be printable ASCII and not empty")
    listed = "; ".join(f"{_escape(name, '=')}={_escape(said[name], ');')}" for name in said)
    header = f"{_escape(application, '/')}/{_escape(version, '(')} ({listed})"
    if len(header) > MAX_LENGTH:
        raise ValueError(f"the User-Agent has {len(header)} characters, Amazon allows {MAX_LENGTH}")
    return header


def _escape(text: str, characters: str) -> str:
    for character in "\\" + characters:
        text = text.replace(character, "\\" + character)
    return text
