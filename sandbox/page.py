"""The record as a plain page for a person: no script, nothing from elsewhere."""

from base64 import b64encode
from collections.abc import Container, Iterable, Sequence
from hashlib import sha256
from html import escape

from sandbox.amazon import Amazon
from sandbox.ledger import SOLICITATION, Post
from sandbox.moments import to_exact_text
from sandbox.world import Seller

_LATEST = 100
_NUMBER = ' class="n"'
_STYLE = """
:root { color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin-top: 2rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .75rem .35rem 0; text-align: left; border-bottom: 1px solid #8885; }
.n { text-align: right; }
"""
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def record_page(amazon: Amazon) -> str:
    """The whole page: sellers with their counts, operations, and the latest requests and messages."""
    now = to_exact_text(amazon.now())[:19].replace("T", " ")
    links = ", ".join(
        f'<a href="/_{name}">{name}</a>'
        for name in (
            "stats",
            "ledger",
            "eligible",
            "messageable",
            "message_offers",
            "history",
            "faults",
            "time",
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sandbox: what Amazon received</title><style>{_STYLE}</style></head><body><main>"
        "<h1>What Amazon received</h1>"
        f"<p>This is the sandbox, not Amazon. Its clock reads {now} UTC. As JSON: {links}.</p>"
        f"{_sellers(amazon)}{_operations(amazon)}{_posts(amazon)}</main></body></html>"
    )


def _sellers(amazon: Amazon) -> str:
    accepted: dict[tuple[str, bool], int] = {}
    for entry in amazon.ledger.accepted.values():
        key = (entry.seller, entry.history)
        accepted[key] = accepted.get(key, 0) + 1

    duplicates = amazon.ledger.duplicates()
    throttled = amazon.tally.throttled()

    def row(seller: Seller) -> list[str | int]:
        partner = seller.selling_partner_id
        return [
            seller.name,
            partner,
            len(amazon.world.orders_at(seller, amazon.now())),
            len(amazon.eligible(seller)),
            accepted.get((partner, False), 0),
            accepted.get((partner, True), 0),
            duplicates[partner],
            throttled[partner],
        ]

    heads = (
        "Seller",
        "Selling partner",
        "Orders",
        "May be asked now",
        "Asked",
        "Asked before the start",
        "Asked again",
        "Throttled",
    )
    return _table("Sellers", heads, map(row, amazon.world.sellers), numbers=range(2, 8))


def _operations(amazon: Amazon) -> str:
    names = {seller.selling_partner_id: seller.name for seller in amazon.world.sellers}
    rows: Iterable[list[str | int]] = (
        [
            names.get(partner, "(nobody)"),
            operation,
            ", ".join(f"{status}: {count}" for status, count in sorted(line.statuses.items())),
            to_exact_text(line.first_at),
            to_exact_text(line.last_at),
        ]
        for (partner, operation), line in sorted(amazon.tally.lines.items())
    )
    return _table("Operations", ("Seller", "Operation", "Answers", "First", "Last"), rows)


def _posts(amazon: Amazon) -> str:
    def row(post: Post) -> list[str | int]:
        fault = f" (fault: {post.fault})" if post.fault else ""
        return [
            to_exact_text(post.at),
            post.order_id,
            post.marketplace_id,
            "review" if post.operation == SOLICITATION else _message(post),
            "yes" if post.accepted else "no",
            f"{post.status or 'none'}{fault}",
            post.answer,
        ]

    heads = ("Time (UTC)", "Order", "Marketplace", "What", "Accepted", "Status", "Answer")
    posts = amazon.ledger.posts
    title = f"Requests for reviews, and messages: latest {min(_LATEST, len(posts))} of {len(posts)}"
    return _table(title, heads, map(row, reversed(posts[-_LATEST:])))


def _message(post: Post) -> str:
    """What the buyer got, or would have: kind, text, its length and hash, files and their hashes."""
    parts = [f"message: {post.operation}"]
    if post.text:
        parts.append(f"“{post.text[:80]}” ({post.text_length}, {post.text_sha256[:12]})")
    parts += [f"{one['file_name']} ({one['sha256'][:12] or 'none'})" for one in post.attachments]
    parts += [" to ".join(post.coverage)] if post.coverage else []
    return ", ".join(parts)


def _table(
    title: str,
    heads: Sequence[str],
    rows: Iterable[list[str | int]],
    numbers: Container[int] = (),
) -> str:
    """A table under a heading; `numbers` are the columns that hold some. All of it is text."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    head = "".join(
        f'<th scope="col"{_NUMBER if place in numbers else ""}>{escape(text)}</th>'
        for place, text in enumerate(heads)
    )
    shown = f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    return f"<h2>{escape(title)}</h2>{shown if body else '<p>Nothing yet.</p>'}"


def _cell(value: str | int) -> str:
    if isinstance(value, int):
        return f"<td{_NUMBER}>{value:,}</td>"
    return f"<td>{escape(value)}</td>"
