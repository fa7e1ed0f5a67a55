"""A whole run in an installation of separate processes is one trace."""

from __future__ import annotations

import json
import secrets

import httpx2
import pytest

from tests.support.collector import Collector
from tests.support.site import Site

CODE = 'resource "terraform_data" "it" { input = "a secret of commits" }\n'

STATES = [
    *("QUEUED", "READY", "PREPARING", "INITIALIZING", "PLANNING", "UNCONFIRMED"),
    *("CONFIRMED", "PREPARING_APPLY", "APPLYING"),
]


@pytest.fixture(scope="module")
def collector():
    there = Collector()
    yield there
    there.close()


@pytest.fixture(scope="module")
def site(new_platform, collector):
    """An installation that sends its traces to the collector, ten times a second."""
    platform = new_platform(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100"
    )
    site = Site(platform, platform.start())
    site.start_workers(1)
    return site


def test_a_whole_run_is_one_trace_with_its_states_and_the_steps_of_its_workers(site, collector):
    stack = site.stack(CODE)
    run = site.planned(stack)

    # Somebody else's trace leads to the confirmation.
    caller = (secrets.token_hex(16), secrets.token_hex(8))
    document = "mutation ($stack: ID!, $run: ID!) { runConfirm(stack: $stack, run: $run) { id } }"
    confirmed = httpx2.post(
        f"{site.server.address}/graphql",
        json={"query": document, "variables": {"stack": stack, "run": run}},
        headers={
            "authorization": f"Bearer {site.api.token}",
            "traceparent": f"00-{caller[0]}-{caller[1]}-01",
        },
    )
    assert "errors" not in confirmed.json(), confirmed.text
    site.api.wait_for(run, "FINISHED")

    spans = collector.wait(
        lambda spans: (
            any(span.name == "run TRACKED" for span in spans)
            and any(span.name == "tool apply" for span in spans)
            and any(span.trace == caller[0] for span in spans)
            and {*STATES} <= {span.name for span in spans}
        )
    )
    (whole,) = [span for span in spans if span.name == "run TRACKED"]
    ours = [span for span in spans if span.trace == whole.trace]
    states = sorted((s for s in ours if s.parent == whole.id), key=lambda span: span.began)
    assert [span.name for span in states] == STATES
    assert [span.began for span in states[1:]] == [span.ended for span in states[:-1]]
    assert (whole.began, whole.ended) == (states[0].began, states[-1].ended)
    assert whole.attributes["gantry.run.outcome"] == "FINISHED"

    steps = {
        state.name: [span.name for span in ours if span.parent == state.id] for state in states
    }
    assert steps == {
        **{name: [] for name in STATES},
        "PREPARING": ["fetch source", "unpack source", "write files", "find tool"],
        "INITIALIZING": ["tool init"],
        "PLANNING": [
            *("tool plan", "keep plan", "tool show", "read plan", "upload plan"),
            "store workspace",
        ],
        "PREPARING_APPLY": ["fetch workspace", "unpack workspace", "write files", "find tool"],
        "APPLYING": ["tool apply"],
    }
    for span in ours:
        assert whole.began <= span.began <= span.ended <= whole.ended, span.name
    assert not [span.name for span in ours if span.failed]

    (asked,) = [span for span in spans if span.trace == caller[0]]
    (unconfirmed,) = [span for span in states if span.name == "UNCONFIRMED"]
    assert (asked.name, asked.parent) == ("POST /graphql", caller[1])
    assert unconfirmed.links == [(asked.trace, asked.id)]
    assert asked.attributes["gantry.request.id"]

    reports = [s for s in spans if s.name == "POST /worker/v1/runs/{run}/report"]
    assert {span.attributes["gantry.run.id"] for span in reports} == {run}
    assert not [span for span in spans if span.name.endswith(("heartbeat", "/next", "readiness"))]
    assert {span.service for span in spans} <= {"server", "drain"}
    assert {"server", "drain"} >= {span.service for span in ours}
    assert "a secret of commits" not in json.dumps([span.attributes for span in spans])
    assert "The beginning" not in json.dumps([span.attributes for span in spans])


def test_a_collector_that_goes_away_harms_no_run(site, collector):
    collector.close()

    run = site.trigger(site.stack(CODE), "PROPOSED")

    site.api.wait_for(run, "FINISHED")
