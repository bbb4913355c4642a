"""Files for messages, as they are kept: a row, and the content in pieces."""

from __future__ import annotations

from hashlib import sha256

from django.contrib.auth.models import User
from django.utils import timezone

from messaging.models import FilePiece, StoredFile
from sellers.models import SellerAccount
from tests.factories import UserFactory


def keep_file(
    account: SellerAccount,
    content: bytes,
    *,
    name: str = "Invoice.pdf",
    piece: int = 256 * 1024,
    user: User | None = None,
) -> StoredFile:
    """A file of this content is kept for the account, in pieces of so many bytes."""
    file = StoredFile.objects.create(
        account=account,
        name=name,
        content_type="application/pdf",
        size=len(content),
        sha256=sha256(content).hexdigest(),
        uploaded_by=user or UserFactory(),
        uploaded_at=timezone.now(),
    )
    FilePiece.objects.bulk_create(
        FilePiece(file=file, number=number, data=content[start : start + piece])
        for number, start in enumerate(range(0, len(content), piece))
    )
    return file
