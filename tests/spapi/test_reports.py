"""Reports: what is ordered, and what is read of how far it is."""

import json
from datetime import UTC, datetime

import pytest

import spapi
from spapi.reports import read_report, read_reports
from tests.spapi.conftest import US, Amazon
from tests.spapi.servers import reply

KIND = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_report_is_ordered_with_what_was_given(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(202, {"reportId": "R1"})
    ordered = client.create_report(
        KIND, (US,), data_start=NOON, data_end="2026-03-02T00:00:00Z", options={"a": "b"}
    )
    assert ordered == "R1"
    (request,) = amazon.calls
    assert json.loads(request.body) == {
        "reportType": KIND,
        "marketplaceIds": [US],
        "dataStartTime": "2026-03-01T12:00:00Z",
        "dataEndTime": "2026-03-02T00:00:00Z",
        "reportOptions": {"a": "b"},
    }


def test_report_may_be_ordered_without_times(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(202, {"reportId": "R1"})
    client.create_report(KIND, (US,))
    assert json.loads(amazon.calls[0].body) == {"reportType": KIND, "marketplaceIds": [US]}


@pytest.mark.parametrize("count", [0, 26])
def test_report_for_too_few_or_too_many_marketplaces_is_not_ordered(
    amazon: Amazon, client: spapi.Client, count: int
) -> None:
    with pytest.raises(ValueError, match="1 to 25"):
        client.create_report(KIND, ["A"] * count)
    assert amazon.seen == []


@pytest.mark.parametrize("answer", [reply(202, {}), reply(202, "no json"), reply(202, [])])
def test_order_whose_id_is_lost_may_have_been_taken(
    amazon: Amazon, client: spapi.Client, answer: bytes
) -> None:
    amazon.replies = lambda _: answer
    with pytest.raises(spapi.MalformedAnswer) as caught:
        client.create_report(KIND, (US,))
    assert caught.value.effect is spapi.Effect.UNKNOWN
    assert len(amazon.calls) == 1


def test_reports_are_searched_by_what_was_given(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"reports": []})
    client.get_reports(
        [KIND, "B"],
        processing_statuses=["DONE"],
        marketplace_ids=[US],
        created_since=NOON,
        page_size=100,
    )
    assert amazon.calls[0].query == {
        "reportTypes": [f"{KIND},B"],
        "processingStatuses": ["DONE"],
        "marketplaceIds": [US],
        "pageSize": ["100"],
        "createdSince": ["2026-03-01T12:00:00Z"],
    }


def test_document_of_a_report_is_read_whatever_its_status() -> None:
    for status in ("DONE", "FATAL", "SOMETHING_NEW"):
        found = read_report({"reportId": "R", "processingStatus": status, "reportDocumentId": "D"})
        assert found is not None
        assert (found.status, found.document_id, found.created_at) == (status, "D", None)


@pytest.mark.parametrize("entry", [None, [], {}, {"reportId": ""}, {"reportId": 3}])
def test_entry_without_an_id_is_no_report(entry: object) -> None:
    assert read_report(entry) is None
    assert read_reports({"reports": [entry]}) == ()


def test_odd_values_in_a_report_are_left_out() -> None:
    found = read_report(
        {"reportId": "R", "marketplaceIds": [US, None, 3], "createdTime": "soon", "dataEndTime": 5}
    )
    assert found == spapi.Report("R", "", "", marketplace_ids=(US,))


@pytest.mark.parametrize("answer", [{}, {"reportDocumentId": "D"}, {"url": "https://a"}, []])
def test_document_without_an_address_is_malformed(
    amazon: Amazon, client: spapi.Client, answer: object
) -> None:
    amazon.replies = lambda _: reply(200, answer)
    with pytest.raises(spapi.MalformedAnswer):
        client.get_report_document("D")
