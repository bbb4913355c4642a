"""Reports 2021-06-30: ordering reports, and fetching them."""

from collections.abc import Collection

from spapi.api import Api
from spapi.operations import GET_REPORTS
from spapi.reading import read_reports
from spapi.types import Report
from spapi.writing import query_text


class ReportsApi(Api):
    """https://developer-docs.amazon.com/sp-api/docs/reports-api-v2021-06-30-reference"""

    def get_reports(
        self, report_types: Collection[str], *, page_size: int = 10
    ) -> tuple[Report, ...]:
        """The newest reports of these types (1 to 10), as many as the first page holds (1 to 100)."""
        query = query_text(reportTypes=report_types, pageSize=[str(page_size)])
        return self._ask(GET_REPORTS, read_reports, query=query)
