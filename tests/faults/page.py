"""What a run found, as a table for the terminal and as the page `docs/reliability.md`."""

from __future__ import annotations

from collections.abc import Iterable

from tests.faults.kills import Kills
from tests.faults.kinds import ALL_KINDS, INVOICE, MESSAGE, SOLICITATION
from tests.faults.points import Points
from tests.faults.results import Results, parts_in_order

_KIND = {SOLICITATION: "solicitation", MESSAGE: "message", INVOICE: "message with a file"}


def as_text(results: Results) -> str:
    """Everything in columns, for a terminal."""
    parts = [
        "\n".join("  ".join(cell.ljust(width) for cell, width in cells).rstrip() for cells in rows)
        for rows in (_padded(table) for _title, _text, table in _tables(results))
    ]
    breaches = _breaches(results)
    return "\n\n".join([*parts, *(["\n".join(breaches)] if breaches else [])])


def as_markdown(results: Results) -> str:
    """The page, with the date, the machine and the seed."""
    run = results.main_run
    lines = [
        "# What survives",
        "",
        f"Made by `python -m tests.faults --all --jobs {run.jobs} --write docs/reliability.md`,"
        f" begun {run.at}, seed {run.seed}, {run.machine}.{_run_again(results)}",
        "",
        _HOW,
    ]
    for title, text, table in _tables(results):
        lines += ["", f"## {title}", "", text, ""]
        head, *rows = table
        lines += [_pipe(head), _pipe(["---"] * len(head)), *map(_pipe, rows)]
    lines += ["", "## Shown elsewhere", "", *(f"- {line}" for line in _ELSEWHERE)]
    breaches = _breaches(results)
    if breaches:
        lines += ["", "## Broken promises", "", *(f"- {breach}" for breach in breaches)]
    return "\n".join(lines) + "\n"


_HOW = """\
The rig (`tests/faults`) runs the product's own workers as real processes against a PostgreSQL cluster,
a Redis-compatible server and a sandbox of Amazon, all of its own, and breaks them. Afterwards a checker
compares the database with Amazon's ledger and with the history of the run: nothing delivered twice,
nothing lost, nothing `sent` without the very answer of Amazon's that says so, no POST without a claim
committed before it, events that lead to the states, one open attempt at most; and `check_ledger` finds
no contradiction.

So that a day passes in a second, the rig shortens the product's waits from outside: an action's lease
is 3 s instead of 180, a call's deadline 0.8 s instead of 45, a shard's lease 1 s instead of 6, and the
looks at what is unconfirmed come within seconds. Recovery times are of that hurried product; with the
published figures add the difference of the leases. Where a row needs the real figures, it says so.
Several parts run at once on one machine: times are those of a busy one."""


def _run_again(results: Results) -> str:
    """Which parts are of another run than the rest, and of which."""
    times: dict[str, list[str]] = {}
    for part in parts_in_order(results.runs):
        run = results.runs[part]
        if run != results.main_run:
            seed = "" if run.seed == results.main_run.seed else f" with seed {run.seed}"
            times.setdefault(f"{run.at}{seed}", []).append(part)
    told = "; ".join(f"{', '.join(parts)} at {at}" for at, parts in times.items())
    return f" Run again on their own, by `--merge`: {told}." if told else ""


def _tables(results: Results) -> Iterable[tuple[str, str, list[list[str]]]]:
    if results.kills is not None:
        yield "Random kills", _KILLS, _kills_table(results.kills)
    if results.points is not None:
        yield "A kill at each point", _points_text(results.points), _points_table(results.points)
    if results.outcomes:
        yield "Every fault", _ROWS, _rows_table(results)


_KILLS = (
    "`kill -9` of a random child of a worker, or of a whole node, every 0.15 to 0.75 s, under load of"
    " three kinds (review requests, messages, messages with a file, whose uploads are cut, refused and"
    " expire), with 15 % of Amazon's lists empty and a fifth of its answers ambiguous (5xx before and"
    " after accepting, resets, cut and missing answers, silence). After every tenth kill the killing"
    " waits until something has been claimed since the last time. F1 and F2."
)


def _points_text(points: Points) -> str:
    """What the table of points shows, and what is not counted in it."""
    text = (
        "A worker's child kills itself at exactly that point of the send procedure. Seen: how many"
        " hits ended as predicted. F3."
    )
    if not points.stayed:
        return text
    stayed = ", ".join(f"{number} times “{reason}”" for reason, number in points.stayed.items())
    return (
        f"{text} Attempts that their own worker has recorded as never having left are not counted"
        f" ({stayed}): on a busy machine a driver may lose its lease of a second before the point is"
        " reached, and then the action is queued again and meets its kill in its next attempt."
    )


_ROWS = "By the numbers of the design's table of faults."
_ELSEWHERE = (
    "F3: the table of points, above.",
    "F9 (a child runs out of memory with a big attachment): `tests/messaging/test_uploading.py`, a file of"
    " 10 MB goes up in less than 1 MB of memory.",
    "F12 (32 who claim 200 rows at once, on PostgreSQL): exactly 200 wins, by"
    " `tests/messaging/test_delivery_claim_races.py`.",
    "F25: that pages say 503 and why while no connection is left, by `tests/test_outages.py`.",
    "F29 and F30 (a restored backup, a promoted replica that lags): not shown yet.",
    "F49 and F50 (an account is disconnected, and comes back): `tests/messaging/test_disconnecting.py`.",
    "F51 to F66 are no rows of this rig. What is shown of them stands with the tests of the parts that"
    " they concern; a day of faults at random (F65) and 500 starts and stops (F66) are not shown.",
)


def _kills_table(kills: Kills) -> list[list[str]]:
    report = kills.report
    states = ", ".join(f"{number} {state}" for state, number in sorted(report.states.items()))
    counted = sorted(kills.kinds.items(), key=lambda pair: ALL_KINDS.index(pair[0]))
    kinds = ", ".join(f"{number} of kind {_KIND[kind]}" for kind, number in counted)
    return [
        ["what", "figure"],
        ["kills", f"{kills.kills}: {kills.child_kills} children, {kills.node_kills} whole nodes"],
        ["actions", f"{report.actions}: {states}"],
        *([["of them", kinds]] if kinds else []),
        ["attempts, POSTs", f"{report.attempts}, {report.posts}"],
        ["delivered", str(report.delivered)],
        ["delivered twice", str(report.doubles)],
        ["lost", str(report.lost)],
        ["shown as sent without evidence", str(report.false_sent)],
        ["solicitations not resolved", str(report.unresolved)],
        ["messages left to a person", str(report.unconfirmed_messages)],
        ["POSTs for what Amazon had accepted before", str(report.repeats)],
        ["429s", str(report.throttled)],
        ["recovery p50, p99", f"{kills.recovery_p50:.1f} s, {kills.recovery_p99:.1f} s"],
        [
            "from kill to kill p50, p95, longest",
            f"{kills.pause_p50:.2f} s, {kills.pause_p95:.2f} s, {kills.longest_pause:.1f} s",
        ],
        ["largest process", f"{kills.peak_mb:.0f} MB"],
        ["duration", f"{kills.seconds:.0f} s"],
    ]


def _points_table(points: Points) -> list[list[str]]:
    rows = [["kind", "point", "predicted", "seen"]]
    for line in points.lines:
        others = [
            f"{number} times {state}"
            for state, number in line.seen.items()
            if state != line.predicted
        ]
        seen = "; ".join([f"{line.as_predicted} of {points.each}", *others])
        rows.append([_KIND[line.kind], line.point, str(line.predicted), seen])
    right = sum(line.as_predicted for line in points.lines)
    rows.append(["all", "", "", f"{right} of {points.each * len(points.lines)}"])
    return rows


def _rows_table(results: Results) -> list[list[str]]:
    rows = [["#", "fault", "passes when", "figure", ""]]
    for outcome in results.outcomes:
        row = outcome.row
        verdict = "passed" if outcome.passed else "FAILED"
        if (run := results.runs[row.key]) != results.main_run:
            verdict += f" (run again {run.at})"
        rows.append([row.key, row.fault, row.passes, outcome.figure, verdict])
    return rows


def _breaches(results: Results) -> list[str]:
    breaches = [f"{part}: not finished ({why})" for part, why in results.unfinished.items()]
    for part in (results.kills, results.points):
        if part is not None:
            breaches += part.report.breaches[:50]
    return breaches


def _padded(table: list[list[str]]) -> list[list[tuple[str, int]]]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return [list(zip(row, widths, strict=True)) for row in table]


def _pipe(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
