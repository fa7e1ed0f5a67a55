"""A browser for the stories of the web application."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.platform import Pool, make_pool
from tests.support.site import Site

PLANNED = """
variable "password" {
  default   = "open sesame"
  sensitive = true
}
resource "terraform_data" "network" { input = { cidr = "10.20.0.0/16" } }
resource "terraform_data" "gate" { input = var.password }
output "cidr" { value = "10.20.0.0/16" }
"""
STATE_SECRET = "S3cr3t-of-the-state-history"
STATES = """
resource "terraform_data" "size" { input = "WORD" }
resource "terraform_data" "key" { input = sensitive("SECRET-WORD") }
output "word" { value = "WORD" }
"""


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


@pytest.fixture(scope="package")
def idle(site: Site) -> Pool:
    """A pool without workers: its runs stay where people put them."""
    return make_pool(site.api, "pool without workers")


@pytest.fixture
def planned(site: Site) -> tuple[str, str]:
    """A stack, and a run of it whose plan waits to be confirmed."""
    stack = site.stack(PLANNED)
    return stack, site.planned(stack)


@pytest.fixture
def five(site: Site) -> Callable[..., list[str]]:
    """Makes five stacks of one label, called `<label> 1` to `<label> 5`; their ids."""

    def make(label: str, **settings: Any) -> list[str]:
        code = site.repository({"main.tf": ""})
        return [
            site.stack(
                code,
                name=f"{label} {number}",
                labels=[f"story:{label}", f"{label}:{number}"],
                **settings,
            )
            for number in range(1, 6)
        ]

    return make


@pytest.fixture(scope="package")
def applied(site: Site) -> tuple[str, list[str]]:
    """A stack that was applied twice, with other code in between; and the two runs."""

    def code(word: str) -> dict[str, str]:
        return {"main.tf": STATES.replace("WORD", word).replace("SECRET", STATE_SECRET)}

    repository = site.repository(code("small"))
    readable = {"terraform": {"externalStateAccessEnabled": True}}
    stack = site.stack(repository, name="story of states", vendorConfig=readable)
    first = site.applied(stack)
    repository.commit(code("large"), "Larger")
    site.api.ask("mutation ($id: ID!) { stackSyncCommit(id: $id) { id } }", id=stack)
    return stack, [first, site.applied(stack)]
