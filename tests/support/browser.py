"""People at a real browser: Debian's Chromium, steered by role and label, as people steer it."""

from __future__ import annotations

import json
import os
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect

from tests.support.platform import ADMIN, PASSWORD

PATIENCE_MS = 20_000
"""For anything to appear: a run on a busy machine takes seconds."""
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"

BARRIERS = """async () => {
  // What is well is looked at as closely, and not described.
  const found = await axe.run(document, { resultTypes: ['violations'] })
  return JSON.stringify(found.violations.map((one) =>
    `${one.id}: ${one.help}: ${one.nodes[0].html} ${one.nodes[0].failureSummary}`))
}"""

QUIET = ("/events", "/graphql", "/logs", "/session", "net::ERR_")
"""What the browser itself complains of when a server goes away, or refuses a sign-in."""

BEYOND = """() => [...document.querySelectorAll('main *')]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .filter((one) => {
    for (let up = one; up; up = up.parentElement)
      if (up !== one && getComputedStyle(up).overflowX !== 'visible') return false
    return true
  })
  .slice(0, 3)
  .map((one) => one.outerHTML.slice(0, 200))"""
"""What stands beyond the screen, and not inside of something that scrolls."""


def chromium(playwright: Playwright) -> Browser:
    """A browser without a window."""
    expect.set_options(timeout=PATIENCE_MS)
    return playwright.chromium.launch(**launching())


def launching() -> dict[str, Any]:
    """What Playwright needs to know to start it."""
    program = shutil.which("chromium")
    assert program is not None
    # Chromium's own sandbox cannot start as root; what it opens here is our own.
    return {"executable_path": program, "args": ["--no-sandbox"] if os.geteuid() == 0 else []}


@cache
def _axe() -> str:
    return AXE.read_text()


class Person:
    """Somebody with a browser of their own at an installation.

    Notes what no page may do: throw, break its content security policy, or log an error.
    """

    def __init__(self, browser: Browser, address: str, **looks: Any) -> None:
        self.address = address
        self.context: BrowserContext = browser.new_context(
            **{"base_url": address, "viewport": DESKTOP, "color_scheme": "light", **looks}
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.faults: list[str] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        """Another tab of the same browser."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"thrown: {error}"))
        page.on("console", self._heard)
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        said = f"{message.text} ({message.location.get('url', '')})"
        if message.type == "error" and not any(word in said for word in QUIET):
            self.faults.append(said)

    def sign_in(self, name: str = ADMIN, password: str = PASSWORD) -> None:
        """Get the session's cookie, without the page."""
        answer = self.context.request.post(
            "/session", data={"username": name, "password": password}
        )
        assert answer.ok, answer.text()

    def open(self, path: str) -> Page:
        """Go to an address of the application."""
        self.page.goto(path)
        return self.page

    def sees(self, words: str | re.Pattern[str]) -> None:
        """Wait until the page shows these words."""
        expect(self.page.get_by_text(words).first).to_be_visible(timeout=PATIENCE_MS)

    def barriers(self, page: Page | None = None) -> list[str]:
        """What axe finds on the page: each with its rule, its advice and an element."""
        page = page or self.page
        # A hint that comes and goes with the mouse lies beside the page while it is there.
        page.mouse.move(0, 0)
        expect(page.get_by_role("tooltip")).to_have_count(0)
        if not page.evaluate("'axe' in window"):
            page.evaluate(_axe())
        return [str(one) for one in json.loads(page.evaluate(BARRIERS))]

    def barriers_in_every_look(self) -> list[str]:
        """What axe finds on the page, and what does not fit: on a desktop and on a phone, in light
        and dark. Afterwards it is in light, on a desktop.
        """
        found = []
        # Colours do not depend on the size, nor the order of things on the colours.
        for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size(size)
            found += self.barriers()
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            if wide > size["width"]:
                beyond = self.page.evaluate(BEYOND)
                found.append(f"{wide} px are needed at {size['width']}: {beyond}")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(DESKTOP)
        return found

    def leave(self) -> None:
        """Close the browser. Raises AssertionError if a page did what it must not."""
        self.context.close()
        assert not self.faults, self.faults
