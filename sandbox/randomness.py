"""The one source of chance: the same key gives the same numbers on every machine."""

import random


def draw(*key: object) -> random.Random:
    """A generator of numbers that depends on nothing but `key`."""
    return random.Random("/".join(map(str, key)))  # noqa: S311 - invents data, guards nothing


def identifier(chance: random.Random) -> str:
    """A request id as Amazon writes them: a UUID in lower case."""
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
