"""A passkey made of software: answers the dashboard's questions as a browser would."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

ORIGIN, HOST = "https://testserver", b"testserver"
_FLAG = AuthenticatorData.FLAG


class SoftKey:
    """A person's passkey. Without `verifies` it asks its owner for nothing but a touch."""

    def __init__(self, user: User, *, verifies: bool = True) -> None:
        self.user = user
        self.counter = 0
        """How often it has signed."""
        self.counts = True
        self._verifies = verifies
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._id = hashlib.sha256(user.username.encode()).digest()
        Authenticator.objects.create(
            user=user,
            type=Authenticator.Type.WEBAUTHN,
            data={"name": "Key", "credential": self._registration()},
        )

    def answer(self, request_options: dict[str, Any]) -> str:
        """The form's field `credential` for what the dashboard asks (`js_data.request_options`)."""
        told = self._client_data("webauthn.get", request_options["publicKey"]["challenge"])
        self.counter += 1 if self.counts else 0
        data = AuthenticatorData.create(self._host_digest(), self._flags(), self.counter)
        signed = self._private.sign(bytes(data) + told.hash, ec.ECDSA(hashes.SHA256()))
        handle = user_pk_to_url_str(self.user).encode()
        response = {
            "clientDataJSON": told.b64,
            "authenticatorData": websafe_encode(bytes(data)),
            "signature": websafe_encode(signed),
            "userHandle": websafe_encode(handle),
        }
        return json.dumps(self._as_credential(response))

    def registration(self) -> str:
        """The form's field `credential` when the key is added, for a question that nobody asked."""
        return json.dumps(self._registration())

    def _registration(self) -> dict[str, Any]:
        public = ES256.from_cryptography_key(self._private.public_key())
        data = AuthenticatorData.create(
            self._host_digest(),
            self._flags() | _FLAG.AT,
            0,
            bytes(AttestedCredentialData.create(b"\0" * 16, self._id, public)),
        )
        return self._as_credential(
            {
                "clientDataJSON": self._client_data("webauthn.create", websafe_encode(b"x")).b64,
                "attestationObject": websafe_encode(
                    bytes(AttestationObject.create("none", data, {}))
                ),
            }
        )

    def _as_credential(self, response: dict[str, str]) -> dict[str, Any]:
        identity = websafe_encode(self._id)
        return {
            "id": identity,
            "rawId": identity,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        }

    def _flags(self) -> AuthenticatorData.FLAG:
        return _FLAG.UP | (_FLAG.UV if self._verifies else _FLAG(0))

    @staticmethod
    def _host_digest() -> bytes:
        return hashlib.sha256(HOST).digest()

    @staticmethod
    def _client_data(kind: str, challenge: str) -> CollectedClientData:
        return CollectedClientData.create(type=kind, challenge=challenge, origin=ORIGIN)
