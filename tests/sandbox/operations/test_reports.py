from tests.sandbox.conftest import document
from tests.sandbox.schemas import Model

PATH = "/reports/2021-06-30/reports"


def test_a_seller_who_ordered_no_report_has_none_as_the_model_has_it(desk):
    answer = desk.ask("GET", f"{PATH}?reportTypes=GET_MERCHANT_LISTINGS_ALL_DATA")
    assert Model("reports_2021-06-30.json").faults("GetReportsResponse", document(answer)) == []
    assert document(answer) == {"reports": []}
    assert answer.headers["x-amzn-RateLimit-Limit"] == "0.0222"


def test_a_parameter_that_the_model_does_not_know_is_refused(desk):
    assert desk.ask("GET", f"{PATH}?reportType=X").status == 400
