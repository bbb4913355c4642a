"""What a form with a picker of files brings: files that are kept here already, and fresh ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.http import HttpRequest

from messaging.action_types import MESSAGES, Limits
from messaging.files.checking import MOST_MEGABYTES
from messaging.files.refusal import FileRefusedError
from messaging.files.scanning import has_scanner
from messaging.files.storing import GONE, find_files, store_file
from messaging.models import StoredFile
from sellers.models import SellerAccount
from spapi import MOST_UPLOAD_BYTES

# The most that any message takes.
MOST_FILES = max(kind.files.most for kind in MESSAGES.values() if kind.files is not None)


@dataclass(frozen=True)
class Picker:
    """What messaging/_files.html draws, as `picker` of its context: in a multipart form.

    `files` are those picked so far, `faults` sentences for those that were not taken.
    """

    account: SellerAccount
    limits: Limits
    files: Sequence[StoredFile] = ()
    faults: Sequence[str] = ()

    @property
    def has_scanner(self) -> bool:
        """Whether files are looked at for viruses."""
        return has_scanner()

    @property
    def most_megabytes(self) -> int:
        """How large all files together may be."""
        return MOST_MEGABYTES


def read_files(
    request: HttpRequest, account: SellerAccount, *, at: datetime
) -> tuple[list[StoredFile], list[str]]:
    """The files that the form names, stored; and a sentence for each that was not taken.

    `file` has ids of files of this account, `upload` has fresh files. `at` in UTC. The view must be
    decorated with `messaging.views.files.takes_files`.
    """
    faults: list[str] = []
    ids = _ids(request.POST.getlist("file"))
    files = find_files(account, ids)
    if len(files) < len(ids):
        faults.append(GONE)
    fresh = [upload for upload in request.FILES.getlist("upload") if upload is not None]
    number = len(files) + len(fresh)
    if number > MOST_FILES:
        return files, [*faults, f"These are {number} files; at most {MOST_FILES} go together."]
    size = sum(file.size for file in files) + sum(upload.size or 0 for upload in fresh)
    if number > 1 and size > MOST_UPLOAD_BYTES:
        return files, [
            *faults,
            f"The files have more than {MOST_MEGABYTES} MB together; Amazon takes no more.",
        ]
    if not isinstance(request.user, User):
        raise TypeError("files are brought by somebody")
    for upload in fresh:
        try:
            files.append(store_file(account, upload, user=request.user, at=at))
        except FileRefusedError as refusal:
            faults.append(str(refusal))
    return files, faults


def _ids(given: Sequence[object]) -> list[int]:
    """Ids, each once; 0, which no row has, for what is none."""
    words = [str(one) for one in given[: 10 * MOST_FILES]]
    ids = [
        int(word) if word.isascii() and word.isdigit() and len(word) < 19 else 0 for word in words
    ]
    return list(dict.fromkeys(ids))
