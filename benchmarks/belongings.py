"""What belongs to the orders of a filled database, made from them by INSERT SELECT.

In braces: `closes`, when the window of an order does; `big` and `size`, the orders of the first batch
and of each other; `operator` and `manager`, ids of people.
"""

from __future__ import annotations

_ITEM = """
INSERT INTO orders_orderitem
  (order_id, order_item_id, asin, sku, title, quantity, quantity_shipped, is_subscribe_and_save)
SELECT id, '{line}' || (10000000 + id), 'B0' || (10000000 + (id * 31 + {line}) % 900),
  'SKU-' || ((id * 31 + {line}) % 900), 'Enamel mug, 350 ml, colour ' || (id % 40), 1, 1, false
FROM orders_order WHERE {where} ORDER BY id
"""
STATEMENTS = (
    _ITEM.replace("{line}", "1").replace("{where}", "true"),
    _ITEM.replace("{line}", "2").replace("{where}", "id % 5 = 0"),
    # An action and its attempt have the id of their order, so that each statement knows the others'.
    # Attempts come first: SQLite looks for rows that wait for a new one, and has an index for these.
    """
INSERT INTO messaging_actionattempt
  (id, action_id, number, claimed_at, worker, finished_at, outcome, status_code, code, message,
   request_id, body, duration_ms)
SELECT id, id, 1, solicitation_at, 'host:1', solicitation_at,
  CASE solicitation WHEN 'sent' THEN 'accepted' WHEN 'refused' THEN 'rejected' ELSE 'unknown' END,
  CASE solicitation WHEN 'sent' THEN 201 WHEN 'refused' THEN 403 END,
  CASE solicitation WHEN 'refused' THEN 'Unauthorized' ELSE '' END,
  CASE solicitation WHEN 'refused' THEN 'You have already requested a review for this order.' ELSE '' END,
  'request-' || id, '{{}}', 150 + id % 200
FROM orders_order
WHERE solicitation IN ('sent', 'refused', 'unconfirmed', 'probably_sent', 'unresolved') ORDER BY id
""",
    """
INSERT INTO messaging_outgoingaction
  (id, account_id, order_id, kind, api, payload, payload_hash, status, status_at, reason, priority,
   look_at, not_before, not_after, offered_looks, absent_looks, looks, batch_id, requested_by_id,
   created_at, sent_attempt_id)
SELECT id, account_id, id, 'productReviewAndSellerFeedback', 'solicitations', '{{}}', '',
  solicitation, solicitation_at,
  CASE solicitation WHEN 'refused' THEN 'Refused: already requested' ELSE '' END,
  1, solicitation_at, solicitation_at, {closes}, 0, 0, 0,
  CASE WHEN id <= {big} THEN 1 ELSE 2 + (id - {big}) / {size} END,
  CASE WHEN id % 3 = 0 THEN {manager} ELSE {operator} END, solicitation_at,
  CASE solicitation WHEN 'sent' THEN id END
FROM orders_order WHERE solicitation <> '' ORDER BY id
""",
    """
INSERT INTO messaging_outgoingaction
  (id, account_id, order_id, kind, api, payload, payload_hash, status, status_at, reason, priority,
   look_at, not_before, not_after, offered_looks, absent_looks, looks, batch_id, requested_by_id,
   created_at)
SELECT id, account_id, id, 'productReviewAndSellerFeedback', 'solicitations', '{{}}', '',
  CASE id % 300 WHEN 1 THEN 'expired' ELSE 'cancelled' END, latest_delivery_at, 'Cancelled by operator',
  1, latest_delivery_at, latest_delivery_at, {closes}, 0, 0, 0,
  CASE WHEN id <= {big} THEN 1 ELSE 2 + (id - {big}) / {size} END, {operator}, latest_delivery_at
FROM orders_order
WHERE solicitation = '' AND fixed_refusal = '' AND id % 300 < 3
  AND latest_delivery_at < (SELECT MAX(solicitation_at) FROM orders_order) ORDER BY id
""",
    """
INSERT INTO messaging_actionevent (action_id, at, before, after, user_id, reason)
SELECT action_id, claimed_at, 'queued', 'sending', NULL, '' FROM messaging_actionattempt ORDER BY id
""",
    """
INSERT INTO messaging_actionevent (action_id, at, before, after, user_id, reason)
SELECT id, status_at, 'sending', 'unconfirmed', NULL, ''
FROM messaging_outgoingaction WHERE status IN ('probably_sent', 'unresolved') ORDER BY id
""",
    """
INSERT INTO messaging_actionevent (action_id, at, before, after, user_id, reason)
SELECT id, status_at,
  CASE WHEN status IN ('sent', 'refused', 'unconfirmed') THEN 'sending'
       WHEN status IN ('probably_sent', 'unresolved') THEN 'unconfirmed' ELSE 'queued' END,
  status, NULL, reason
FROM messaging_outgoingaction WHERE status <> 'queued' ORDER BY id
""",
    """
UPDATE messaging_batch SET queued =
  (SELECT COUNT(*) FROM messaging_outgoingaction WHERE batch_id = messaging_batch.id)
""",
    """
INSERT INTO audit_auditevent (at, kind, user_id, account_id, subject, detail)
SELECT o.solicitation_at, 'requested', {operator}, o.account_id, o.amazon_order_id, '{{}}'
FROM orders_order o WHERE o.solicitation <> '' AND o.id % 8 = 0 ORDER BY o.id
""",
)
