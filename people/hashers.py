"""How passwords are kept."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: the least that OWASP's cheat sheet on password
    storage allows. Django's own 100 MiB would let anybody fill the memory by logging in."""

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1
