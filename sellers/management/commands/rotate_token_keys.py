"""manage.py rotate_token_keys"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from people.key_rotation import count_seeds_by_key, rotate_seeds
from sellers.encryption import known_key_ids
from sellers.key_rotation import count_by_key, rotate_keys


class Command(BaseCommand):
    help = (
        "Encrypt all stored tokens, client secrets and seeds of second factors with the first key "
        "of TOKEN_KEYS. May be interrupted and started again. Ends with 0 only when no other key is "
        "used any more, so that the others may be removed; keys are told by their id, which is no secret."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; only say which keys are used"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            rotations = (rotate_keys(), rotate_seeds())
            self.stdout.write(f"Encrypted anew: {sum(rotation.done for rotation in rotations)}.")
            for rotation in rotations:
                for line in rotation.unreadable:
                    self.stderr.write(f"Unreadable: {line}")
        # counted in the database, not from what we believe to have done
        counts = count_by_key() + count_seeds_by_key()
        known = known_key_ids()
        for position, key_id in enumerate(known):
            self.stdout.write(_sentence(key_id, position, counts[key_id]))
        for key_id in sorted(set(counts) - set(known)):
            self.stdout.write(
                f"Key {key_id}: {counts[key_id]}, and it is not in TOKEN_KEYS. Put it back at the "
                "end of TOKEN_KEYS, or connect these accounts and set up these second factors again."
            )
        left = counts.total() - counts[known[0]]
        if left:
            raise CommandError(
                f"{left} left under another key than the first. Remove no key yet."
                + ("" if options["check"] else " Start again; if that does not help, see above."),
                returncode=1,
            )
        self.stdout.write("0 left under another key than the first.")


def _sentence(key_id: str, position: int, count: int) -> str:
    if position == 0:
        return f"Key {key_id} (the first): {count}."
    if count:
        return f"Key {key_id}: {count}; it is still needed."
    return f"Key {key_id}: 0; it may be removed from TOKEN_KEYS."
