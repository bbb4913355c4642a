"""The User-Agent, as Amazon demands it."""

import platform

import pytest

from spapi.user_agent import MAX_LENGTH, user_agent


def test_header_names_application_language_and_platform() -> None:
    header = user_agent("SolicitDashboard", "0.1.0")
    assert header.startswith(
        f"SolicitDashboard/0.1.0 (Language=Python/{platform.python_version()}; "
    )
    assert f"Platform={platform.system()}/" in header
    assert header.endswith(")")


def test_further_attributes_follow() -> None:
    assert user_agent("A", "1", Host="x").endswith("; Host=x)")


def test_each_part_has_its_own_escapes() -> None:
    header = user_agent("a\\b/c(d", "1\\2(3/4", **{"n\\a=me": "v\\a)l;ue=/("})
    assert header.startswith("a\\\\b\\/c(d/1\\\\2\\(3/4 (")
    assert header.endswith("; n\\\\a\\=me=v\\\\a\\)l\\;ue=/()")


def test_header_of_500_characters_is_the_longest() -> None:
    rest = len(user_agent("A", "1")) - 1
    assert len(user_agent("A" * (MAX_LENGTH - rest), "1")) == 500
    with pytest.raises(ValueError, match="501 characters"):
        user_agent("A" * (MAX_LENGTH - rest + 1), "1")


@pytest.mark.parametrize("part", ["", "a\r\nX-Evil: 1", "ä", "a\tb", "\x00"])
def test_part_that_cannot_stand_in_a_header_is_refused(part: str) -> None:
    for arguments in ((part, "1"), ("A", part)):
        with pytest.raises(ValueError, match="printable"):
            user_agent(*arguments)
    with pytest.raises(ValueError, match="printable"):
        user_agent("A", "1", Name=part)
