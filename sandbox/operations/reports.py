"""Reports 2021-06-30: which reports were ordered (`models/reports_2021-06-30.json`)."""

from sandbox.messages import Answer, json_answer
from sandbox.operations.parameters import refuse_unknown
from sandbox.operations.routing import Call, State

_KNOWN = (
    "reportTypes",
    "processingStatuses",
    "marketplaceIds",
    "pageSize",
    "createdSince",
    "createdUntil",
    "nextToken",
)


def get_reports(state: State, call: Call) -> Answer:
    """200 with no report: none was ever ordered here."""
    refuse_unknown(call.request, _KNOWN)
    return json_answer(200, {"reports": []})
