"""Which orders were selected: by their ids, or all that a signed filter matches."""

from __future__ import annotations

import pytest
from django.core import signing
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, QueryDict
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from orders.views.selection import (
    MOST_ORDERS,
    UNREADABLE,
    ListChangedError,
    Selection,
    TooManyOrdersError,
    read_selection,
    sign_all_matching,
)
from sellers.models import Role
from solicit_dashboard.access import RoleTooLowError, get_reach
from tests.factories import OrderFactory, SellerAccountFactory
from tests.orders.views.conftest import Person

pytestmark = pytest.mark.django_db


def _read(someone: Person, **fields: str | list[str | int]) -> Selection:
    request = HttpRequest()
    request.method, request.path = "POST", "/orders/request-reviews/"
    request.user = someone.user
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(name, [str(one) for one in value] if isinstance(value, list) else [value])
    request.POST = data
    return read_selection(request, get_reach(request), at=timezone.now())


def _pks(selection: Selection) -> set[int]:
    return set(selection.orders.values_list("pk", flat=True))


def test_ids_select_their_orders(ann: Person) -> None:
    one, two, _other = ann.order(), ann.order(), ann.order()
    selection = _read(ann, order=[one.pk, two.pk])
    assert _pks(selection) == {one.pk, two.pk}
    assert (selection.repeats, selection.promised) == (0, None)


def test_repeats_are_counted_and_ignored(ann: Person) -> None:
    order = ann.order()
    selection = _read(ann, order=[order.pk] * 50)
    assert (_pks(selection), selection.ids, selection.repeats) == ({order.pk}, (order.pk,), 49)


def test_one_foreign_id_refuses_all_and_is_written_down(ann: Person, stranger: Person) -> None:
    mine, theirs = ann.order(), [stranger.order(), stranger.order()]
    with pytest.raises(Http404):
        _read(ann, order=[mine.pk, *(order.pk for order in theirs)])
    event = AuditEvent.objects.get(kind=AuditKind.DENIED)
    assert (event.user, event.detail["rows"]) == (ann.user, 2)


def test_a_missing_id_is_the_same_404(ann: Person) -> None:
    with pytest.raises(Http404):
        _read(ann, order=[ann.order().pk, 987_654_321])
    assert not AuditEvent.objects.filter(kind=AuditKind.DENIED).exists()


def test_orders_that_one_only_sees_are_refused_and_that_is_written_down(viewer: Person) -> None:
    order = viewer.order()
    with pytest.raises(RoleTooLowError, match=r"^Your role \(Viewer\) cannot send\.$"):
        _read(viewer, order=[order.pk])
    event = AuditEvent.objects.get(kind=AuditKind.DENIED)
    assert (event.account_id, event.detail["role"]) == (viewer.account.pk, "viewer")


@pytest.mark.parametrize("value", ["", "abc", "-1", "1.0", "1 ", "9" * 19, "²", "1; DROP TABLE"])
def test_what_is_no_id_is_named(ann: Person, value: str) -> None:
    with pytest.raises(BadRequest, match="is not the id of an order"):
        _read(ann, order=[value])


def test_nothing_selected_is_said(ann: Person) -> None:
    with pytest.raises(BadRequest, match="No orders were selected"):
        _read(ann)


def test_five_thousand_orders_are_the_most(ann: Person) -> None:
    with pytest.raises(TooManyOrdersError):
        _read(ann, order=list(range(1, MOST_ORDERS + 2)))
    with pytest.raises(Http404):
        _read(ann, order=list(range(1, MOST_ORDERS + 1)))


def test_all_that_match_are_those_that_match_now(ann: Person) -> None:
    eligible = ann.order()
    ann.order(too_early=True)
    selection = _read(ann, all_matching=sign_all_matching(ann.user, "state=eligible", 1))
    assert _pks(selection) == {eligible.pk}
    assert selection.description == "Eligible now"
    selection.check(1)
    with pytest.raises(
        ListChangedError, match=r"^The list changed from 1 to 2 orders\. Look again"
    ):
        selection.check(2)


def test_a_number_that_was_not_counted_promises_nothing(ann: Person) -> None:
    selection = _read(ann, all_matching=sign_all_matching(ann.user, "", None))
    selection.check(1_000_000)


def test_all_that_match_keeps_to_the_accounts_that_one_may_send_for(ann: Person) -> None:
    mine = ann.order()
    seen = SellerAccountFactory()
    seen.membership_set.create(user=ann.user, role=Role.VIEWER)
    OrderFactory(account=seen)
    selection = _read(ann, all_matching=sign_all_matching(ann.user, "", 1))
    assert _pks(selection) == {mine.pk}


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "x" + token,
        lambda token: "nonsense",
        lambda token: signing.dumps({"query": "", "number": None}),
    ],
)
def test_a_filter_that_we_did_not_sign_is_refused(ann: Person, change: object) -> None:
    token = sign_all_matching(ann.user, "", None)
    with pytest.raises(BadRequest, match=UNREADABLE):
        _read(ann, all_matching=change(token))  # type: ignore[operator]


def test_a_filter_is_good_for_one_person(ann: Person, stranger: Person) -> None:
    token = sign_all_matching(ann.user, "", None)
    with pytest.raises(BadRequest, match=UNREADABLE):
        _read(stranger, all_matching=token)


def test_a_filter_is_good_for_twelve_hours(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign_all_matching(ann.user, "", None)
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 12 * 3600 + 5)
    with pytest.raises(BadRequest, match=UNREADABLE):
        _read(ann, all_matching=token)


def test_a_filter_on_an_account_that_one_lost_is_refused(ann: Person) -> None:
    other = SellerAccountFactory()
    token = sign_all_matching(ann.user, f"account={other.pk}", None)
    with pytest.raises(BadRequest, match=UNREADABLE):
        _read(ann, all_matching=token)


def test_a_viewer_cannot_select_all(viewer: Person) -> None:
    viewer.order()
    with pytest.raises(RoleTooLowError):
        _read(viewer, all_matching=sign_all_matching(viewer.user, "", 1))


def test_a_stranger_to_all_accounts_finds_nothing(ann: Person) -> None:
    ann.user.membership_set.all().delete()
    with pytest.raises(Http404):
        _read(ann, all_matching=sign_all_matching(ann.user, "", 1))


def test_the_field_must_not_come_twice(ann: Person) -> None:
    token = sign_all_matching(ann.user, "", None)
    with pytest.raises(BadRequest, match="was given 2 times"):
        _read(ann, all_matching=[token, token])
