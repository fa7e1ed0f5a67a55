"""A log of 200,000 lines in a browser: how evenly it scrolls, and what it keeps in memory.

A task prints the same as for the measurement of logs. Headless Chromium shows it in the page of its
run, and scrolls from its beginning to its end in even steps, one for each frame that the browser
draws: no line of one frame is in the next, which is harder than any wheel.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from playwright.async_api import Page, async_playwright

from bench.logs import FLOOD, LINES, perform
from bench.report import Figure, percentile
from bench.site import Site, site
from tests.support.browser import DESKTOP, launching

FRAMES = 600
"""As many steps from the beginning to the end: ten seconds at 60 frames a second."""
PACE = 190
"""Pixels a frame for whoever reads on: ten lines, some 600 a second."""
READY_MS = 120_000

_SCROLL = """
async ([label, frames, pace]) => {
  const box = document.querySelector(`[aria-label="${label}"]`)
  box.scrollTop = 0
  const far = box.scrollHeight - box.clientHeight
  const step = pace ?? far / frames
  const frame = () => new Promise(requestAnimationFrame)
  for (let n = 0; n < 10; n += 1) await frame()
  const took = []
  let before = await frame()
  for (let n = 1; n <= frames; n += 1) {
    box.scrollTop = Math.min(far, n * step)
    const now = await frame()
    took.push(now - before)
    before = now
  }
  return { took, top: box.scrollTop, far }
}
"""


async def measure() -> list[Figure]:
    """Print, show, scroll."""
    async with site() as there:
        stack = await there.stack()
        run, version = await perform(there, stack, FLOOD)
        while (state := (await there.run(stack, run))["state"]) != "FINISHED":
            if state in ("FAILED", "STOPPED"):
                raise RuntimeError(f"the task ended as {state}")
            await asyncio.sleep(0.1)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**launching())
            context = await browser.new_context(base_url=there.up.url, viewport=DESKTOP)
            await _sign_in(there, context.request)
            page = await context.new_page()
            figures = await _look(page, f"/stack/{stack}/run/{run}", version)
            await browser.close()
            return figures


async def _sign_in(there: Site, request: Any) -> None:
    settings = there.up.core.settings
    password = settings.admin_password
    answer = await request.post(
        "/session",
        data={
            "username": settings.admin_username,
            "password": password.get_secret_value() if password else "",
        },
    )
    if not answer.ok:
        raise RuntimeError(f"signing in failed: {await answer.text()}")


async def _look(page: Page, path: str, version: int) -> list[Figure]:
    await page.goto(f"{path}/details")
    await page.get_by_role("table", name="Details").wait_for()
    without = await _heap(page)
    began = time.perf_counter()
    await page.goto(f"{path}?log={version}")
    await page.get_by_text("Complete", exact=True).wait_for(timeout=READY_MS)
    loaded = time.perf_counter() - began
    kept = await _heap(page) - without

    through = await _scroll(page, None)
    reading = await _scroll(page, PACE)

    size = f"{LINES} lines, 20 MB with colours, one line of 1 MB"
    frames = f"{FRAMES} frames by requestAnimationFrame, headless Chromium, {size}"
    longest = f"the longest of them; {frames}"
    return [
        Figure("log view", "from opening to complete", loaded, "s", None, size),
        Figure(
            "log view",
            "JS heap",
            kept,
            "MB",
            100.0,
            f"after collecting, minus that of the same page without a log; {size}",
        ),
        Figure(
            "log view",
            "p95 frame, through the whole log",
            percentile(through, 0.95),
            "ms",
            32.0,
            f"every line is new in every frame; {frames}",
        ),
        Figure("log view", "longest frame, through", max(through), "ms", None, longest),
        Figure(
            "log view",
            "p95 frame, reading on",
            percentile(reading, 0.95),
            "ms",
            32.0,
            f"ten lines a frame; {frames}",
        ),
        Figure("log view", "longest frame, reading on", max(reading), "ms", None, longest),
    ]


async def _scroll(page: Page, pace: int | None) -> list[float]:
    found = await page.evaluate(_SCROLL, ["Lines: performing", FRAMES, pace])
    if pace is None and (found["top"] < found["far"] - 1 or found["far"] < LINES * 10):
        raise RuntimeError(f"it did not scroll to the end: {found['top']} of {found['far']}")
    return [float(one) for one in found["took"]]


async def _heap(page: Page) -> float:
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    used = (await session.send("Runtime.getHeapUsage"))["usedSize"]
    await session.detach()
    return float(used) / 1024**2
