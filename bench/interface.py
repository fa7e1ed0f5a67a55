"""The web application's list of 5,000 stacks in a real browser: how soon it can be used, and how
much JavaScript that takes.

Each round is somebody who comes for the first time: an empty cache, signed in, at the address of
the list. It can be used when a page of rows is drawn and the browser has answered the next event.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import sys
from urllib.parse import urlsplit

from gantry.api.pages.application import BUILT
from playwright.async_api import Browser, async_playwright

from bench.report import Figure, percentile
from bench.scale import furnish
from bench.site import Site, site

STACKS = 5_000
RUNS = 20_000
"""Four of each stack: what the list shows of runs is one query for a page, however many there are
(see "large installation" for 200,000)."""
ROWS = 50
ROUNDS = 20
AIM_SECONDS = 1.5
AIM_BYTES = 300 * 1024

_WATCH = """
new MutationObserver((_, watching) => {
  if (document.querySelectorAll('tbody tr').length < ROWS) return
  watching.disconnect()
  requestAnimationFrame(() => setTimeout(() => { window.usableAt = performance.now() }))
}).observe(document, { childList: true, subtree: true })
"""

_USABLE = """
() => new Promise((tell) => {
  const look = () => window.usableAt === undefined ? setTimeout(look, 20) : tell(window.usableAt)
  look()
})
"""


async def measure() -> list[Figure]:
    """Furnish the installation, and come to its list again and again."""
    program = shutil.which("chromium")
    if program is None or not (BUILT / "index.html").is_file():
        sys.exit(
            "bench: interface needs Chromium, and the application: run tools/bootstrap.sh test"
        )
    async with site(worker=False) as there, async_playwright() as playwright:
        stack = await there.stack()
        await furnish(
            there.up.core.db.engine,
            stack,
            await there.trigger(stack),
            stacks=STACKS,
            runs=RUNS,
            waiting=0,
        )
        # Chromium's own sandbox cannot start as root; what it opens here is our own.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        await _visit(browser, there)  # the server has read its files once
        visits = [await _visit(browser, there) for _ in range(ROUNDS)]
        await browser.close()
    took = [seconds for seconds, _ in visits]
    about = (
        f"from the address to a page of {ROWS} of {STACKS} stacks that answers events: headless"
        f" Chromium on the same machine, empty cache, {ROUNDS} visits one after the other"
    )
    name = "interface: list of stacks can be used"
    return [
        Figure(name, "p95", percentile(took, 0.95), "s", AIM_SECONDS, about),
        Figure(name, "median", statistics.median(took), "s", None, about),
        Figure(
            "interface: first load of the list",
            "JavaScript, gzipped",
            max(size for _, size in visits) / 1024,
            "KB",
            AIM_BYTES / 1024,
            "all scripts that the browser fetches to show the list, each with gzip's level 9",
        ),
    ]


async def _visit(browser: Browser, there: Site) -> tuple[float, int]:
    """Seconds until the list can be used, and bytes of the scripts that came."""
    settings = there.up.core.settings
    password = settings.admin_password
    context = await browser.new_context(base_url=there.up.url)
    signed_in = await context.request.post(
        "/session",
        data={
            "username": settings.admin_username,
            "password": password.get_secret_value() if password else "",
        },
    )
    assert signed_in.ok, await signed_in.text()
    page = await context.new_page()
    scripts: set[str] = set()
    page.on(
        "response",
        lambda answer: (
            scripts.add(answer.url) if answer.request.resource_type == "script" else None
        ),
    )
    await page.add_init_script(_WATCH.replace("ROWS", str(ROWS)))
    await page.goto("/stacks")
    took = float(await page.evaluate(_USABLE)) / 1000
    await context.close()
    return took, sum(_size(url) for url in scripts)


def _size(url: str) -> int:
    file = BUILT / "assets" / urlsplit(url).path.rpartition("/")[2]
    return len(gzip.compress(file.read_bytes(), 9))
