"""Files that go with messages: kept until no message needs them any more."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from messaging.models.actions import OutgoingAction
from messaging.states import OPEN
from sellers.models import SellerAccount


class FileType(models.TextChoices):
    """What a file may be, told by its content; the value is what Amazon's storage is told."""

    PDF = "application/pdf", "PDF"
    PNG = "image/png", "PNG"
    JPEG = "image/jpeg", "JPEG"
    TEXT = "text/plain", "text"


class StoredFileQuerySet(models.QuerySet["StoredFile"]):
    def needed(self) -> Self:
        """Those that belong to an action which is still moving and may still be sent.

        An unconfirmed message whose words were deleted waits for a person's word, and no longer for
        its files: nobody can have it sent again.
        """
        moving = ActionFile.objects.filter(action__status__in=OPEN, action__text_forgotten_at=None)
        return self.filter(Exists(moving.filter(file=OuterRef("pk"))))


class StoredFile(models.Model):
    """One file that somebody brought for messages of one account. Its content goes, the row stays."""

    account = models.ForeignKey(SellerAccount, on_delete=models.PROTECT)
    name = models.CharField(max_length=120, help_text="What the buyer sees, with its ending.")
    content_type = models.CharField(max_length=20, choices=FileType)
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    is_scanned = models.BooleanField(
        default=False, help_text="Whether a scanner has looked at it and found nothing."
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField()
    emptied_at = models.DateTimeField(
        null=True, blank=True, help_text="When its content was deleted here."
    )

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            # the clean-up: those that have a content still
            models.Index(
                fields=["uploaded_at"],
                condition=models.Q(emptied_at=None),
                name="file_with_content",
            )
        ]

    def __str__(self) -> str:
        return self.name


class FilePiece(models.Model):
    """A piece of a file's content, so that no process ever holds the whole of it."""

    file = models.ForeignKey(
        StoredFile, on_delete=models.CASCADE, related_name="pieces", db_index=False
    )
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="pieces_are_numbered_per_file")
        ]

    def __str__(self) -> str:
        return f"Piece {self.number} of file {self.file_id}"


class ActionFile(models.Model):
    """A file goes with an action, in this place and under this name."""

    action = models.ForeignKey(
        OutgoingAction, on_delete=models.PROTECT, related_name="files", db_index=False
    )
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="uses")
    place = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=130, help_text="As the buyer sees it; unlike all others.")

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["action", "place"], name="one_file_in_each_place")
        ]

    def __str__(self) -> str:
        return self.name
