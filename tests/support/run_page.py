"""A run's page, as people use it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def address(run: tuple[str, str], tab: str = "") -> str:
    """Of a run, which is a stack's id and its own."""
    return f"/stack/{run[0]}/run/{run[1]}{tab}"


def decide(page: Page, what: str, title: str, note: str = "") -> None:
    """Press the button, say why, and press it again."""
    page.get_by_role("button", name=what, exact=True).click()
    settle(page, what, title, note)


def decide_in_menu(page: Page, what: str, title: str, note: str = "") -> None:
    """The same for what is seldom decided: it stands behind "More"."""
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name=what, exact=True).click()
    settle(page, what, title, note)


def settle(page: Page, what: str, title: str, note: str = "") -> None:
    """Answer what the page asks before it does it; return when it has been done."""
    dialog = page.get_by_role("dialog", name=title)
    if note:
        dialog.get_by_label("Note").fill(note)
    dialog.get_by_role("button", name=what, exact=True).click()
    expect(dialog).to_have_count(0)


def history(page: Page) -> Locator:
    """Through which states the run went."""
    return page.get_by_label("History, newest first")


def shows(page: Page, state: str) -> None:
    """Wait until the run has been in the state, by the page."""
    expect(history(page).get_by_text(state, exact=True).first).to_be_visible()
