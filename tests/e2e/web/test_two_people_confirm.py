"""Two people confirm one plan in the same moment: it is applied once, and both know."""

from __future__ import annotations

import re

from playwright.sync_api import Request, Response, Route, expect

from tests.support.run_page import address, shows
from tests.support.site import states


def confirms(request: Request) -> bool:
    return "ConfirmRun" in (request.post_data or "")


def answers(response: Response) -> bool:
    return confirms(response.request)


def test_of_two_people_who_confirm_at_once_one_does(visit, site, planned):
    pages = [visit(site.server.address).open(address(planned)) for _ in range(2)]
    held: list[Route] = []

    def hold(route: Route) -> None:
        if confirms(route.request):
            held.append(route)
        else:
            route.continue_()

    for page in pages:
        page.route("**/graphql", hold)
        page.get_by_role("button", name="Confirm", exact=True).click()
        dialog = page.get_by_role("dialog", name="Apply this plan?")
        with page.expect_request(confirms):
            dialog.get_by_role("button", name="Confirm", exact=True).click()
    assert len(held) == 2
    assert site.api.run(planned[1])["state"] == "UNCONFIRMED"

    # Each comes to a server of its own.
    with pages[0].expect_response(answers) as one, pages[1].expect_response(answers) as other:
        for route in held:
            route.continue_()

    told = ["errors" in answer.value.json() for answer in (one, other)]
    assert sorted(told) == [False, True]
    refusal = pages[told.index(True)].get_by_role("dialog").get_by_role("alert")
    expect(refusal).to_contain_text(re.compile(r"cannot confirm: the tracked run is \w+"))
    expect(refusal.get_by_role("link", name="ILLEGAL_RUN_TRANSITION")).to_be_visible()
    expect(pages[told.index(False)].get_by_role("dialog")).to_have_count(0)
    for page in pages:
        shows(page, "finished")
    went = states(site.api.run(planned[1]))
    assert (went.count("CONFIRMED"), went.count("APPLYING")) == (1, 1)
