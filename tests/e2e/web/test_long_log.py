"""A long log is watched while servers restart: every line of it is seen once."""

from __future__ import annotations

import re

from playwright.sync_api import Request, expect

LINES = 30_000
"""As many before the restart as after it; each has a colour and letters of several bytes."""


def printed(first: int, last: int) -> str:
    return f"seq -f '%.f \x1b[32m✓\x1b[0m grün' {first} {last}"


def test_a_log_is_watched_through_restarts_of_the_servers(person, site, replicas):
    stack = site.stack("")
    middle = LINES // 2
    run = site.task(
        stack,
        f"{printed(1, middle)}; while [ ! -e go-on ]; do echo waiting; sleep 0.1; done;"
        f" {printed(middle + 1, LINES)}; printf 'the end'",
        skip_init=True,
    )
    page = person.page
    opened: list[str] = []

    def note(request: Request) -> None:
        if "/logs/" in request.url:
            opened.append(request.url)

    page.on("request", note)
    person.open(f"/stack/{stack}/run/{run}")
    lines = page.get_by_role("region", name="Lines: performing")
    expect(lines.get_by_text("waiting", exact=True).last).to_be_visible()

    for name in replicas.servers:
        replicas.restart_server(name)
    (site.source(run) / "go-on").touch()

    expect(lines.get_by_text("the end", exact=True)).to_be_visible()
    expect(page.get_by_text("Complete", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the log").click()
    kept = site.api.log(run, site.version(run, "PERFORMING"))
    seen = download.value.path().read_bytes()
    assert seen == kept
    numbers = [int(n) for n in re.findall(r"^(\d+) \x1b\[32m✓\x1b\[0m grün$", seen.decode(), re.M)]
    assert numbers == list(range(1, LINES + 1))
    assert len(opened) > 1

    # What is in the middle is a search away.
    page.get_by_label("Search the log").fill(f"{middle + 7} ✓")
    page.get_by_label("Search the log").press("Enter")
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()
    expect(lines.get_by_text(f"{middle + 7} ✓")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"find\.\d+={middle + 7}"))
    assert person.barriers() == []
