"""The bar at a terminal."""

import io

from solicit_dashboard.terminal import BAR_WIDTH, ProgressBar, drawn


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_shows_the_share() -> None:
    assert drawn(0, 4).startswith(f"[{'-' * BAR_WIDTH}]")
    assert drawn(2, 4) == f"[{'#' * 15}{'-' * 15}] 2 of 4"
    assert drawn(4, 4).startswith(f"[{'#' * BAR_WIDTH}]")
    assert drawn(0, 0).startswith(f"[{'#' * BAR_WIDTH}]")


def test_a_terminal_sees_the_bar_and_then_an_empty_line() -> None:
    terminal = Terminal()
    with ProgressBar(terminal) as bar:
        bar.show(1, 2, "1 sent")
    assert "1 of 2 1 sent" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_file_stays_untouched() -> None:
    file = io.StringIO()
    with ProgressBar(file) as bar:
        bar.show(1, 2)
    assert file.getvalue() == ""
