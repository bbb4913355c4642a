"""Our copies of reports while they are read: the kept columns alone, gone when the report is read.

A copy lets the reading go on where it stopped. If it is missing (another machine's disk), the report
is fetched again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from django.conf import settings

from orders.models import OrderReport, ReportStatus

T = TypeVar("T")


def copy_path(report: OrderReport) -> Path:
    """Where the copy of the report lies, or would."""
    return _folder() / f"{report.pk}.tsv"


def whole_document() -> BinaryIO:
    """A file for the report as it came, on disk but without a name: no kill leaves it behind."""
    return tempfile.TemporaryFile(dir=_made_folder())


def write_copy(report: OrderReport, write: Callable[[BinaryIO], T]) -> T:
    """The copy holds what `write` wrote, for this system user alone; returns what `write` did."""
    # of its own name, so that two workers, of whom one lost its claim, do not write into one file
    descriptor, draft = tempfile.mkstemp(
        dir=_made_folder(), prefix=f"{report.pk}.", suffix=".draft"
    )
    try:
        with open(descriptor, "wb") as file:
            written = write(file)
            file.flush()
            os.fsync(descriptor)
        Path(draft).replace(copy_path(report))
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return written


def delete_copy(report: OrderReport) -> None:
    """There is no copy of the report."""
    copy_path(report).unlink(missing_ok=True)


def delete_left_copies() -> None:
    """There are no copies but of reports that are being read: a kill may have left some."""
    folder = _folder()
    if not folder.is_dir():
        return
    kept = (ReportStatus.DOWNLOADING, ReportStatus.PARSING)
    names = {
        str(pk)
        for pk in OrderReport.objects.filter(status__in=kept)
        .order_by()
        .values_list("pk", flat=True)
    }
    for path in folder.iterdir():
        if path.name.partition(".")[0] not in names:
            with suppress(OSError):
                path.unlink()


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "reports"


def _made_folder() -> Path:
    folder = _folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
