"""The pages of an account's templates."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from messaging.models import MessageTemplate
from sellers.models import Role, SellerAccount
from tests.factories import (
    MembershipFactory,
    MessageTemplateFactory,
    OrderFactory,
    OrderItemFactory,
    SellerAccountFactory,
)

pytestmark = pytest.mark.django_db

HOSTILE = '<img src=x onerror="alert(1)">'
FIELDS = {
    "name": "Address",
    "kind": "confirmOrderDetails",
    "language": "en",
    "text": "Is the address of {order_number} complete?",
}


@pytest.fixture
def account() -> SellerAccount:
    found: SellerAccount = SellerAccountFactory(name="Nordwind")
    return found


def client_of(account: SellerAccount, role: Role) -> Client:
    client = Client()
    client.force_login(MembershipFactory(account=account, role=role).user)
    return client


@pytest.fixture
def client(account: SellerAccount) -> Client:
    return client_of(account, Role.OPERATOR)


def page(client: Client, account: SellerAccount, rest: str = "") -> str:
    response = client.get(f"/accounts/{account.pk}/templates/{rest}")
    assert response.status_code == 200
    return response.content.decode()


def test_an_operator_adds_changes_and_deletes_a_template(
    client: Client, account: SellerAccount
) -> None:
    address = f"/accounts/{account.pk}/templates/"
    response = client.post(f"{address}add/", FIELDS, follow=True)
    assert "“Address” is added." in response.content.decode()
    template = MessageTemplate.objects.get()
    assert template.text == FIELDS["text"]
    form = page(client, account, f"{template.pk}/")
    assert "Is the address of {order_number} complete?</textarea>" in form
    said = FIELDS | {"text": "Which\r\nhouse number?"}
    response = client.post(f"{address}{template.pk}/", said, follow=True)
    assert "“Address” is changed." in response.content.decode()
    template.refresh_from_db()
    assert template.text == "Which\nhouse number?"
    response = client.post(f"{address}{template.pk}/", said, follow=True)
    assert "was like that already" in response.content.decode()
    response = client.post(f"{address}{template.pk}/delete/", follow=True)
    assert "No templates yet" in response.content.decode()
    assert client.get(f"{address}{template.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "n" * 81}, "more than 80 characters"),
        ({"kind": "sendInvoice"}, "Choose a message"),
        ({"language": "xx"}, "Choose a language"),
        ({"text": "  "}, "Write a text."),
        ({"text": "{nobody}"}, "There is no {nobody}"),
        ({"text": "<b>Hello</b>"}, "Amazon takes no HTML: “&lt;b&gt;”"),
        ({"text": "a" * 5_001}, "more than 5,000 characters"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(
    client: Client, account: SellerAccount, changes: dict[str, str], sentence: str
) -> None:
    response = client.post(f"/accounts/{account.pk}/templates/add/", FIELDS | changes)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not MessageTemplate.objects.exists()


def test_a_name_that_is_taken_is_said(client: Client, account: SellerAccount) -> None:
    MessageTemplateFactory(account=account, name="Address")
    response = client.post(f"/accounts/{account.pk}/templates/add/", FIELDS)
    assert response.status_code == 422
    assert "There is a template of that name" in response.content.decode()


def test_the_preview_has_the_facts_of_the_newest_order(
    client: Client, account: SellerAccount
) -> None:
    OrderItemFactory(order=OrderFactory(account=account), title="Old mug", quantity=1)
    newest = OrderFactory(account=account, purchased_at="2026-11-20T08:00:00Z")
    OrderItemFactory(order=newest, title=f"Mug {HOSTILE}")
    OrderFactory(purchased_at="2026-11-20T09:00:00Z")  # somebody else's
    template = MessageTemplateFactory(account=account, text="About {items} ({order_number}).")
    content = page(client, account, f"{template.pk}/")
    assert f"About Mug ({newest.amazon_order_id})." in content
    assert "{items} holds characters that cannot be sent as they are" in content
    assert HOSTILE not in content


def test_while_one_writes_the_text_is_judged_and_shown(
    client: Client, account: SellerAccount
) -> None:
    def said_of(**changes: str) -> str:
        address = f"/accounts/{account.pk}/templates/check/"
        response = client.post(address, FIELDS | changes, headers={"HX-Request": "true"})
        assert response.status_code == 200
        return response.content.decode()

    assert "With invented facts" in said_of()
    assert "302-1234567-1234567" in said_of()
    assert "asks for a review" in said_of(text="Leave us a review")
    assert "There is no {x}" in said_of(text="{x}")
    assert "belong to the purpose" in said_of(text="See https://maker.example/manual")
    assert "like English" in said_of(
        text=FIELDS["text"] + " We have not got your number.", language="de"
    )
    order = OrderFactory(account=account, latest_delivery_at=None, earliest_delivery_at=None)
    assert order.amazon_order_id in said_of(name="")
    assert "no day of delivery" in said_of(text="From {delivery_from}")
    assert "Write a text" in said_of(text="")
    assert not MessageTemplate.objects.exists()


def test_a_title_that_amazon_would_refuse_is_said_beforehand(
    client: Client, account: SellerAccount
) -> None:
    OrderItemFactory(order=OrderFactory(account=account), title="Mug, see bit.ly/mug")
    template = MessageTemplateFactory(account=account, text="About {items}.")
    assert "unknown place is not allowed: “bit.ly/mug.”" in page(client, account, f"{template.pk}/")


def test_a_viewer_reads_the_list_and_finds_nothing_to_press(account: SellerAccount) -> None:
    MessageTemplateFactory(account=account, name=HOSTILE)
    content = page(client_of(account, Role.VIEWER), account)
    assert "&lt;img src=x" in content
    assert HOSTILE not in content
    assert "Add a template" not in content
    assert "Delete" not in content


def test_the_list_costs_the_same_for_any_number_of_templates(
    client: Client, account: SellerAccount, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    MessageTemplateFactory.create_batch(30, account=account)
    MessageTemplateFactory(account=account, kind="of a later release")
    with django_assert_max_num_queries(12):
        assert page(client, account).count("<tr id=") == 30
