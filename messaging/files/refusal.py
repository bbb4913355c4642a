"""What all refusals of a file have in common."""

from __future__ import annotations


class FileRefusedError(ValueError):
    """The file cannot go to a buyer; the message is a sentence for the person who brought it."""


class WrongContentError(Exception):
    """What is wrong with a content, as words that follow the file's name: "is empty."."""


ONLY = "Only PDF, PNG, JPEG and text files go to buyers."
