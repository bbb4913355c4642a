"""Files that were uploaded for messages: what is known of each, not what is in it."""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

EXPIRES = 900
MOST_BYTES = 10 * 1024 * 1024
"""What the attachments of one message may have together."""

ENCRYPTION = "x-amz-server-side-encryption"


@dataclass(slots=True)
class Upload:
    """One destination; `size` and `sha256` are those of the file, -1 and "" before it came.

    `message` is the end of the operation's path, `until` the last moment at which a file is taken.
    """

    key: str
    seller: int
    order_id: str
    message: str
    md5: str
    content_type: str
    host: str
    until: int
    size: int = -1
    sha256: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What must come with the file, exactly so."""
        named = {"Content-MD5": self.md5, ENCRYPTION: "aws:kms"}
        return named | ({"Content-Type": self.content_type} if self.content_type else {})

    @property
    def path(self) -> str:
        """Where it lies; like Amazon's, with a slash that separates nothing."""
        return f"/message-uploads/{self.key}/%2F067"

    def query(self, secret: str) -> str:
        """The rest of its address, signed."""
        names = quote(";".join(sorted(self._signed())), safe="")
        return (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders={names}"
            f"&X-Amz-Expires={EXPIRES}&X-Amz-Signature={self.signature(secret, self._signed())}"
        )

    def signature(self, secret: str, headers: dict[str, str]) -> str:
        """What the address must be signed with if these headers come."""
        lines = [f"{name}:{headers.get(name, '')}" for name in sorted(self._signed())]
        text = "\n".join((self.key, str(self.until), *lines))
        return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()

    def is_signed(self, name: str) -> bool:
        """Whether the header of this name (lower case) is one of those that must come."""
        return name in self._signed()

    def _signed(self) -> dict[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return {"host": self.host, **headers}
