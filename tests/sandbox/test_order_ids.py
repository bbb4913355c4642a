import re

import pytest

from sandbox.marketplaces import MARKETPLACES
from sandbox.order_ids import OrderIds

GERMANY = MARKETPLACES["DE"]


def test_an_id_looks_like_amazons_and_reads_back():
    ids = OrderIds(1)
    for seller in (0, 1, 999):
        for order in (0, 1, 12_345_678):
            text = ids.encode(seller, order, GERMANY)
            assert re.fullmatch(r"\d{3}-\d{7}-\d{7}", text)
            assert text[:3] in GERMANY.prefixes
            assert ids.decode(text) == (seller, order)


def test_ids_differ_from_each_other_and_with_the_seed():
    ids = [OrderIds(1).encode(0, order, GERMANY) for order in range(5_000)]
    assert len(set(ids)) == 5_000
    assert len({text[-7:] for text in ids}) > 4_900
    others = {OrderIds(2).encode(0, order, GERMANY) for order in range(5_000)}
    assert not others & set(ids)


@pytest.mark.parametrize(
    "text", ["", "302-1234567", "302-1234567-123456x", "1-2-3", "३०२-1234567-1234567"]
)
def test_other_texts_are_no_ids(text):
    assert OrderIds(1).decode(text) is None
