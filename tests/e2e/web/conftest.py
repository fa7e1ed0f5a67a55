"""A browser for the stories of the web application."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.site import Site


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser that all stories share; each person in them has a profile of their own."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    from tests.support.browser import chromium

    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium) -> Iterator[Callable[..., Any]]:
    """Makes people at browsers: `visit(address)`, with Playwright's options of a context."""
    from tests.support.browser import Person

    people: list[Person] = []

    def come(address: str, *, signed_in: bool = True, **looks: Any) -> Person:
        person = Person(chromium, address, **looks)
        people.append(person)
        if signed_in:
            person.sign_in()
        return person

    yield come
    for person in people:
        person.leave()


@pytest.fixture
def person(visit, site: Site) -> Any:
    """The administrator at a desktop, signed in to the installation that stories share."""
    return visit(site.server.address)
