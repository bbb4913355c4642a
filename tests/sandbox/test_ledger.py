import json

import pytest

from sandbox.keeping import KeepingError, keep
from sandbox.options import Options
from tests.sandbox.conftest import NOW, Desk


def test_a_restart_with_the_same_directory_remembers_what_was_asked(tmp_path):
    options = Options(orders=300, seed=7, data=tmp_path / "kept")
    desk = Desk(options)
    life = desk.eligible_life()
    desk.solicit(life)
    desk.solicit(life)
    before = desk.amazon.ledger.as_json()
    stop(desk)
    again = Desk(Options(data=options.data), clock=NOW + 3_600)
    assert again.amazon.world.plan == desk.amazon.world.plan
    assert again.amazon.ledger.as_json() == before
    assert again.solicit(life).status == 403
    entry = again.amazon.ledger.accepted[again.seller.selling_partner_id, again.order_id(life)]
    assert (entry.times_asked, entry.eligible, entry.history) == (3, True, False)
    stop(again)


def test_what_was_accepted_is_in_the_journal_before_the_answer_is_written(tmp_path):
    desk = Desk(Options(orders=300, seed=7, data=tmp_path))
    life = desk.eligible_life()
    assert desk.solicit(life).status == 201
    [line] = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert json.loads(line)["order_id"] == desk.order_id(life)
    stop(desk)


def test_a_journal_whose_last_line_was_cut_is_read_up_to_it(tmp_path):
    options = Options(orders=300, seed=7, data=tmp_path)
    desk = Desk(options)
    desk.solicit(desk.eligible_life())
    stop(desk)
    journal = tmp_path / "ledger.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"seller": "A')
    again = Desk(options)
    assert len(again.amazon.ledger.posts) == 1
    again.solicit(again.eligible_life())
    stop(again)
    assert len([json.loads(line) for line in journal.read_text().splitlines()]) == 2


def test_what_was_kept_wins_over_other_options_and_says_so(tmp_path):
    keep(Options(orders=20, seed=7, data=tmp_path), NOW).close()
    kept = keep(Options(orders=30, seed=7, data=tmp_path), NOW + 100)
    assert (kept.plan.orders, kept.plan.epoch) == (20, NOW)
    assert kept.overruled == ("orders",)
    kept.close()


def test_one_directory_serves_one_sandbox_at_a_time(tmp_path):
    first = keep(Options(data=tmp_path), NOW)
    with pytest.raises(KeepingError, match="used by another sandbox"):
        keep(Options(data=tmp_path), NOW)
    first.close()
    keep(Options(data=tmp_path), NOW).close()


def test_a_directory_of_something_else_is_refused(tmp_path):
    (tmp_path / "sandbox.json").write_text("[]")
    with pytest.raises(KeepingError, match="not a sandbox's"):
        keep(Options(data=tmp_path), NOW)
    (tmp_path / "file").write_text("")
    with pytest.raises(KeepingError, match="cannot be used"):
        keep(Options(data=tmp_path / "file"), NOW)


def test_what_is_kept_is_private(tmp_path):
    data = tmp_path / "new"
    desk = Desk(Options(orders=5, data=data))
    stop(desk)
    assert data.stat().st_mode & 0o777 == 0o700
    for name in ("sandbox.json", "ledger.jsonl"):
        assert (data / name).stat().st_mode & 0o777 == 0o600


def test_every_post_is_on_the_record_with_its_answer(desk):
    life = desk.eligible_life()
    desk.solicit(life, x_amz_access_token=None)
    desk.solicit(life)
    desk.solicit(life)
    posts = desk.amazon.ledger.posts
    assert [(post.status, post.accepted, post.eligible) for post in posts] == [
        (403, False, False),
        (201, True, True),
        (403, False, False),
    ]
    assert posts[2].answer == "You have already requested a review for this order."
    assert len({post.request_id for post in posts}) == 3


def test_a_restart_remembers_what_was_delivered(tmp_path):
    options = Options(orders=1_000, seed=7, data=tmp_path)
    desk = Desk(options)
    life = desk.unshipped_life()
    for text in ("Which size?", "Which size?", "Größe? \U0001f642"):
        assert desk.write(life, text).status == 201
    before = desk.amazon.ledger.as_json()
    stop(desk)
    again = Desk(options)
    assert again.amazon.ledger.as_json() == before
    assert [entry["times"] for entry in before["messages"]] == [2, 1]
    assert again.write(life).status == 201
    assert again.amazon.ledger.message_duplicates().total() == 2
    stop(again)


def test_a_journal_from_before_there_were_messages_is_read(tmp_path):
    options = Options(orders=300, seed=7, data=tmp_path)
    desk = Desk(options)
    desk.solicit(desk.eligible_life())
    before = desk.amazon.ledger.as_json()
    stop(desk)
    journal = tmp_path / "ledger.jsonl"
    line = json.loads(journal.read_text())
    for name in ("operation", "text", "text_length", "text_sha256", "attachments", "coverage"):
        del line[name]
    journal.write_text(json.dumps(line) + "\n")
    again = Desk(options)
    assert again.amazon.ledger.as_json() == before
    stop(again)


def stop(desk: Desk) -> None:
    desk.amazon.ledger.close()
    desk.kept.close()
