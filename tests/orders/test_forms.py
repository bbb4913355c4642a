"""What an address of the list may say, and the sentence for what it may not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orders.forms import OrderFilterForm
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import Reach
from tests.factories import GERMANY, AccountMarketplaceFactory, SellerAccountFactory


@pytest.fixture
def account(db: None) -> SellerAccount:
    """An account that sells in Germany."""
    found: SellerAccount = AccountMarketplaceFactory(account=SellerAccountFactory(pk=7)).account
    return found


def _form(query: str, *accounts: SellerAccount) -> OrderFilterForm:
    roles = {account.pk: Role.VIEWER for account in accounts}
    return OrderFilterForm(QueryDict(query), reach=Reach(accounts, roles))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=eligible&sort=closes&dir=desc",
        f"account=7&marketplace={GERMANY}&channel=fba",
        "from=2026-01-01&to=2026-12-31",
        "from=2024-02-29&to=2024-02-29",
        "q=" + "x" * 200,
        "utm_source=x&somebody_elses=1&somebody_elses=2",
    ],
)
def test_a_plain_address_is_valid(account: SellerAccount, query: str) -> None:
    form = _form(query, account)
    assert form.is_valid(), form.sentences()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "sort=password",
            "sort: “password” is not known here. It can be: purchased, closes, state.",
        ),
        ("sort=account__token", "sort: “account__token” is not known here."),
        ("dir=up", "dir: “up” is not known here. It can be: asc, desc."),
        ("state=x", "state: “x” is not known here. It can be: all, eligible, closing_soon,"),
        ("account=abc", "account: “abc” is not one that you can choose."),
        ("marketplace=X", "marketplace: “X” is not one that you can choose."),
        ("channel=x", "channel: “x” is not one that you can choose."),
        (
            "from=2025-02-29",
            "from: “2025-02-29” is not a day of the calendar. Write days like 2026-11-24.",
        ),
        ("to=03/04/2025", "to: “03/04/2025” is not a day of the calendar."),
        ("from=2026-03-02&to=2026-03-01", "from: “2026-03-02” is after 2026-03-01."),
        ("from=1900-01-01", "from: “1900-01-01” is before Amazon's first day."),
        ("to=1900-01-01", "to: “1900-01-01” is before Amazon's first day."),
        ("from=2020-01-01&to=2025-06-23", "At most 400 days at a time."),
        ("from=9999-12-31", "from: “9999-12-31” is still to come."),
        ("q=" + "x" * 201, "has more than 200 characters."),
        ("state=sent&state=sent", "“state” stands in the address more than once. Give it once."),
        ("from=2026-01-01&from=", "“from” stands in the address more than once. Give it once."),
        ("q=a%00b", "Null characters are not allowed."),
    ],
)
def test_a_fault_is_named_with_its_field_and_value(
    account: SellerAccount, query: str, sentence: str
) -> None:
    form = _form(query, account)
    assert not form.is_valid()
    assert sentence in "\n".join(form.sentences())


def test_an_open_end_counts_to_today(account: SellerAccount) -> None:
    today = timezone.localdate()
    assert _form(f"from={today - timedelta(days=400)}").is_valid()
    assert not _form(f"from={today - timedelta(days=401)}").is_valid()
    assert _form("from=2020-01-01&to=2020-12-31").is_valid()


def test_a_foreign_account_is_told_apart_from_nonsense(account: SellerAccount) -> None:
    other = SellerAccountFactory()
    for number, is_foreign in ((other.pk, True), (999_999, True), ("abc", False), (7, False)):
        form = _form(f"account={number}", account)
        assert form.is_valid() == (number == 7)
        assert form.names_foreign_account() == is_foreign


def test_marketplaces_are_those_of_the_accounts_that_one_sees(account: SellerAccount) -> None:
    elsewhere = AccountMarketplaceFactory(marketplace_id="A1F83G8C2ARO7P")
    AccountMarketplaceFactory(account=account, marketplace_id="ANEW", name="Amazon Moon")
    choices = _form("", account).fields["marketplace"].choices  # type: ignore[attr-defined]
    assert choices == [("", "All marketplaces"), ("ANEW", "Amazon Moon"), (GERMANY, "amazon.de")]
    assert elsewhere.account != account


@given(
    st.dictionaries(
        st.sampled_from(["state", "sort", "dir", "q", "account", "channel", "from", "to"]),
        st.text(max_size=250),
    )
)
def test_whatever_stands_in_an_address_is_valid_or_has_a_sentence(fields: dict[str, str]) -> None:
    query = QueryDict(mutable=True)
    query.update(fields)
    # Without an account no database is asked.
    form = OrderFilterForm(query, reach=Reach((), {}))
    if not form.is_valid():
        sentences = form.sentences()
        assert sentences
        assert all(sentence.endswith(".") for sentence in sentences)


def test_days_are_read_as_days(account: SellerAccount) -> None:
    form = _form("from=2026-01-02")
    assert form.is_valid()
    assert form.cleaned_data["day_from"] == date(2026, 1, 2)
