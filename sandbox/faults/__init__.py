"""Misbehaviour on request: rules that say when, and what goes wrong then.

Rules are JSON, from `--faults FILE` at the start or `POST /_faults` at any time (a list of rules, or
`{"rules": [...]}`; it replaces all earlier ones). The first rule that fires for a request is used:

    {"operation": "createProductReviewAndSellerFeedbackSolicitation",
     "seller": "A2X…", "order": "306-…",
     "when": {"every": 3, "times": 10},
     "do": {"kind": "status", "status": 500, "accept_first": true}}

`operation`: `lwa`, an operation of Amazon's (`searchOrders`; those of Orders v0 as `getOrderV0`),
`downloadReportDocument`, `uploadToDestination` (the PUT of a file), `*` (any of these), `connection`
(each accepted connection, before a byte is read; only `reset`), `uploadBody` (each file whose upload
begins; only `cut_upload`), or `notification` (each message on its way to a queue; only `lose`,
`duplicate`, `late` and `poison`).
`seller` (selling partner id) and `order` narrow it and may be left out.

`when` may hold several conditions, and all must be true; without it the rule always fires.
Counting starts with the rule and counts the requests that it matches.

    nth: [1, 4]         the first and the fourth of them
    every: n            every n-th
    times: n            at most n times
    share: p            with probability p, 0 to 1, seeded
    after_s, until_s    seconds since the rules were set

`do.kind`, and what else `do` may hold (defaults in brackets). `accept_first`: whether the operation
is carried out before it goes wrong, so that a solicitation *is* sent although no good answer comes.

    status              status, body [Amazon's error of that status], content_type, headers,
                        accept_first [false]
    forbidden           text, details [""]: 403 with that message
    empty_list          Amazon's list of actions is empty
    listed_although_accepted   the list still offers an order that was asked already
    offer               name (`sendInvoice`): only for messages and their list: it is offered for any
                        order, whatever its state; with the operation `*` it is also delivered
    reset               at: before_read (before the request is looked at), after_read,
                        after_accept (carried out first) [after_read]
    close               accept_first [false]: the connection ends without an answer
    hang                seconds, accept_first [false]: silence, then the connection ends
    drip                seconds (for each byte), accept_first [true]: the whole answer, slowly; with
                        false it is a 503
    cut_body            how: length | chunked [length]: carried out; the answer breaks off in its body
    half_status_line    accept_first [false]: "HTTP/1.1 20" and the end
    redirect            status [307], location
    body                one of text | base64 (raw bytes) | size (bytes of filling) |
                        gzip_bomb (bytes when unpacked); status [200], content_type, accept_first [false]
    malformed_json      carried out; the answer's JSON lacks its end
    buyer               carried out; each object of the answer's JSON has an invented buyer in it
    latency             ms: carried out, that much later
    lwa_error           error, description [""], status [400, invalid_client 401]: only for lwa
    refuse_data_set     data_set (`FULFILLMENT`): only for searchOrders and getOrder, 400 for requests
                        that include it
    report_fatal        only for createReport: the report will end as FATAL
    expired             only for uploadToDestination: the address counts as expired
    cut_upload          only for uploadBody: share [0.5]: reset when so much of the file has come
    lose                the message never arrives
    duplicate           times: it arrives so many times
    late                seconds: so much later, and so behind others
    poison              text [the first half of its JSON]: that arrives instead

Requests that Amazon would turn away at the door (no token, empty bucket) are not counted and do not
meet their fault. A fault takes a token of the bucket as any request does.
"""

from sandbox.faults.checks import FaultError
from sandbox.faults.rules import Faults, Rule, parse_rules

__all__ = ["FaultError", "Faults", "Rule", "parse_rules"]
