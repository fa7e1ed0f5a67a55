"""The plain pages: what a person reads of a stack and its runs."""

from __future__ import annotations

from gantry_protocol.words import Phase

from tests.support.given import given_a_run, given_a_worker


async def page(caller, path):
    response = await caller.http.get(path, headers=caller.headers)
    assert response.status_code == 200, response.text
    return response.text


async def test_a_run_that_waits_says_for_what_on_both_pages(core, ada, stack):
    run = await given_a_run(core, stack)

    for path in (f"/stack/{stack.id}", f"/stack/{stack.id}/run/{run.id}"):
        assert "waits for a worker: none of pool builders is connected" in await page(ada, path)


async def test_a_run_that_failed_says_why_and_no_markup_of_its_code_is_followed(
    core, ada, pool, stack
):
    run = await given_a_run(core, stack)
    worker = await given_a_worker(core, pool)
    await worker.take(run)
    await worker.fail(run, Phase.PREPARE, "<script>alert(1)</script>")

    for path in (f"/stack/{stack.id}", f"/stack/{stack.id}/run/{run.id}"):
        shown = await page(ada, path)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "<script" not in shown
        assert "waits for" not in shown
