"""Mistakes that the machine must find: each puts one into the product for as long as it lasts."""

from __future__ import annotations

from tests.model import bugs_of_answers, bugs_of_claims, bugs_of_people
from tests.model.mistakes import BUGS

MODULES = (bugs_of_claims, bugs_of_answers, bugs_of_people)

__all__ = ["BUGS", "MODULES"]
