"""Secrets at rest: AES-256-GCM, with keys that live outside the database.

A stored secret is `key id (4 bytes) + nonce (12) + ciphertext`. The additional data binds it to the
row and field that it belongs to, so that two ciphertexts that were swapped cannot be read.
Keys come from `TOKEN_KEYS`: url-safe base64 of 32 bytes each; the first encrypts, all decrypt.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_ID_BYTES = 4
NONCE_BYTES = 12


class SecretUnreadableError(Exception):
    """A stored secret cannot be decrypted: its key is gone, or it is not in its own place."""


def encrypt_secret(secret: str, *, context: str) -> bytes:
    """The secret, encrypted with the first key and bound to `context` (row and field)."""
    key_id, key = _load_keys(settings.TOKEN_KEYS)[0]
    nonce = os.urandom(NONCE_BYTES)
    return key_id + nonce + AESGCM(key).encrypt(nonce, secret.encode(), context.encode())


def decrypt_secret(stored: bytes | memoryview[int], *, context: str) -> str:
    """The secret in the clear. Raises SecretUnreadableError when key or context do not fit."""
    stored = bytes(stored)
    key_id, rest = stored[:KEY_ID_BYTES], stored[KEY_ID_BYTES:]
    nonce, ciphertext = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
    for known_id, key in _load_keys(settings.TOKEN_KEYS):
        if known_id == key_id:
            try:
                return AESGCM(key).decrypt(nonce, ciphertext, context.encode()).decode()
            except (InvalidTag, ValueError) as error:  # ValueError: cut off before its end
                raise SecretUnreadableError("The stored secret does not belong here.") from error
    raise SecretUnreadableError("The key that encrypted this secret is not among TOKEN_KEYS.")


def known_key_ids() -> tuple[str, ...]:
    """The id of each of TOKEN_KEYS in hex, in their order; it says nothing about the key."""
    return tuple(key_id.hex() for key_id, _key in _load_keys(settings.TOKEN_KEYS))


def key_id_of(stored: bytes | memoryview[int]) -> str:
    """The id, in hex, of the key that a stored secret was encrypted with."""
    return bytes(stored)[:KEY_ID_BYTES].hex()


def _load_keys(encoded_keys: Sequence[str]) -> list[tuple[bytes, bytes]]:
    keys = []
    for encoded in encoded_keys:
        try:
            key = base64.urlsafe_b64decode(encoded)
        except (binascii.Error, ValueError) as error:
            raise ImproperlyConfigured("TOKEN_KEYS holds a key that is not base64.") from error
        if len(key) != 32:
            raise ImproperlyConfigured("TOKEN_KEYS holds a key that is not 32 bytes long.")
        keys.append((hashlib.sha256(key).digest()[:KEY_ID_BYTES], key))
    if not keys:
        raise ImproperlyConfigured("TOKEN_KEYS is empty: no secret can be stored.")
    return keys
