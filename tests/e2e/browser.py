"""A real browser, people who are logged in, and an eye on everything that goes wrong in a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    StorageState,
    sync_playwright,
)

from tests.browser import REMEDY, NoBrowserError, find_browser

WIDE, NARROW = (1360, 900), (390, 844)
# One machine by two names: a passkey is bound to a name, and an address is none.
OURS = {"127.0.0.1", "localhost"}
TIMEOUT_MS = 20_000  # of one step, on a machine that is busy with other tests
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TELL_OF_TROUBLE = """
window.attack = () => console.error("an attack was executed");
addEventListener('securitypolicyviolation', event => console.error(
    `CSP: ${event.violatedDirective} forbids ${event.blockedURI || 'inline'} ${event.sample}`));
"""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A Chromium that runs as long as the block; NoBrowserError, with the remedy, if there is none."""
    program = find_browser()
    if program is None:
        raise NoBrowserError(REMEDY)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitors:
    """Opens pages as somebody; `problems` has what went wrong in any of them."""

    browser: Browser
    url: str
    passwords: dict[str, str] = field(repr=False)
    problems: list[str] = field(default_factory=list)
    open: list[BrowserContext] = field(default_factory=list)
    _states: dict[str, StorageState] = field(default_factory=dict, repr=False)

    def visit(
        self,
        person: str | None,
        *,
        size: tuple[int, int] = WIDE,
        dark: bool = False,
        script: bool = True,
    ) -> Page:
        """A page of a browser session of its own, nothing opened yet; `person` is logged in."""
        if person is not None and person not in self._states:
            self._states[person] = self._log_in(person)
        context = self.browser.new_context(
            base_url=self.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
            storage_state=self._states[person] if person else None,
            service_workers="block",
        )
        context.set_default_timeout(TIMEOUT_MS)
        if script:
            context.add_init_script(_TELL_OF_TROUBLE)
        self._watch(context)
        self.open.append(context)
        return context.new_page()

    def close(self) -> None:
        """All sessions are closed and the problems forgotten."""
        for context in self.open:
            context.close()
        self.open.clear()
        self.problems.clear()

    def shoot(self, directory: Path) -> list[Path]:
        """A picture of every open page."""
        directory.mkdir(parents=True, exist_ok=True)
        pages = [page for context in self.open for page in context.pages if not page.is_closed()]
        paths = [directory / f"{number}.png" for number in range(len(pages))]
        for page, path in zip(pages, paths, strict=True):
            page.screenshot(path=path, full_page=True)
        return paths

    def _log_in(self, person: str) -> StorageState:
        with self.browser.new_context(base_url=self.url) as context:
            context.set_default_timeout(TIMEOUT_MS)
            log_in(context.new_page(), person, self.passwords[person])
            return context.storage_state()

    def _watch(self, context: BrowserContext) -> None:
        ours = urlsplit(self.url).netloc

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                where = message.page.url if message.page else ""
                self.problems.append(f"console {message.type} on {where}: {message.text}")

        def on_request(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme not in {"data", "blob"} and address.hostname not in OURS:
                self.problems.append(f"request to another host than {ours}: {request.url}")

        def on_failed(request: Request) -> None:
            # A page that is left takes the requests with it that are under way.
            if request.failure != "net::ERR_ABORTED":
                self.problems.append(f"request failed: {request.url}: {request.failure}")

        def on_response(response: Response) -> None:
            if response.status >= 400:
                self.problems.append(f"{response.status} for {response.url}")

        context.on("console", on_console)
        context.on("request", on_request)
        context.on("requestfailed", on_failed)
        context.on("response", on_response)
        context.on("weberror", lambda error: self.problems.append(f"script error: {error.error}"))
        context.on("dialog", self._on_dialog)

    def _on_dialog(self, dialog: object) -> None:
        self.problems.append(f"a dialog of the browser opened: {dialog}")
        dialog.dismiss()  # type: ignore[attr-defined]


def log_in(page: Page, person: str, password: str) -> None:
    """The person is logged in, by the form that people see."""
    page.goto("/login/?next=/orders/")
    page.get_by_label("User name or e-mail address").fill(person)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Log out").wait_for()
