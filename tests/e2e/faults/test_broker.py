"""What workers are rung for is lost, late or repeated; the broker is away, or another one."""

from __future__ import annotations

import pytest


def test_a_run_goes_through_while_no_worker_hears_the_bell(house):
    stack = house.stack(autodeploy=True)

    house.line.take_away()
    try:
        run = house.site.trigger(stack)
        house.site.api.wait_for(run, "FINISHED")
        assert house.line.refused.is_set()
    finally:
        house.line.bring_back()

    house.check_applied(stack, run)
    house.check_next(stack)


@pytest.mark.parametrize("how", ["lost", "late and twice"])
def test_runs_start_and_stop_whatever_becomes_of_their_rings(house, how):
    applied, stopped = house.stack(autodeploy=True), house.stack()
    house.hold(stopped, "plan")
    house.until(house.workers_listen, "the workers to be connected")

    with house.line.with_rings(how):
        first, second = house.site.trigger(applied), house.site.trigger(stopped)
        house.site.api.wait_for(first, "FINISHED")
        house.talking(second, "plan")
        house.site.decide("runStop", stopped, second)
        house.site.api.wait_for(second, "STOPPED")
        assert how in house.line.rung

    house.check_applied(applied, first)
    assert house.applied()[second] == 0
    house.check_let_go(stopped, second)
    house.check_next(applied, stopped)


def test_idle_workers_listen_to_a_broker_that_was_restarted(house):
    stack = house.stack(autodeploy=True)

    house.kill("server")
    house.until(lambda: not house.line.listening, "the workers to be cut off")
    house.start("server")
    house.until(house.workers_listen, "the workers to be back")

    with house.line.with_rings("heard"):
        run = house.site.trigger(stack)
        house.site.api.wait_for(run, "FINISHED")
        assert house.line.rung
    house.check_applied(stack, run)
