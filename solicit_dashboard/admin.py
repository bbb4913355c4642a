"""People in the admin: superusers keep them, and nobody deletes them, because the record names them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.decorators import method_decorator

from audit.models import AuditKind
from audit.services import record_event
from people.confirmation import confirmed_recently
from people.sessions import end_other_sessions

admin.site.unregister(User)
admin.site.unregister(Group)


@method_decorator(confirmed_recently, name="changeform_view")
@method_decorator(confirmed_recently, name="user_change_password")
@admin.register(User)
class PeopleAdmin(UserAdmin):
    """A permission to change people would be one to make oneself a superuser.

    What superusers change of people stands in the audit trail. Who is no longer active is logged
    out everywhere, and stays so when they are active again.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            end_other_sessions(request, obj, why="no longer active")

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> LogEntry:
        record_event(AuditKind.PERSON_ADDED, user=request.user, subject=obj.get_username())
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> LogEntry:
        record_event(
            AuditKind.PERSON_CHANGED,
            user=request.user,
            subject=obj.get_username(),
            is_active=obj.is_active,
            is_staff=obj.is_staff,
            is_superuser=obj.is_superuser,
            changes=message,
        )
        return super().log_change(request, obj, message)


@method_decorator(confirmed_recently, name="changeform_view")
@method_decorator(confirmed_recently, name="delete_view")
@admin.register(Group)
class PeopleGroupAdmin(GroupAdmin):
    """A group's permissions are its members': what is changed of them stands in the audit trail."""

    actions = None  # each on its own page, so that each stands in the audit trail

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def log_addition(self, request: HttpRequest, obj: Group, message: Any) -> LogEntry:
        _record_group(request, obj, change="added")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Group, message: Any) -> LogEntry:
        _record_group(request, obj, change="changed")
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        _record_group(request, obj, change="deleted")
        super().delete_model(request, obj)


def _record_group(request: HttpRequest, group: Group, *, change: str) -> None:
    record_event(
        AuditKind.GROUP_CHANGED,
        user=request.user,
        subject=group.name,
        change=change,
        permissions=sorted(group.permissions.values_list("codename", flat=True)),
        members=sorted(group.user_set.values_list("username", flat=True)),
    )


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
