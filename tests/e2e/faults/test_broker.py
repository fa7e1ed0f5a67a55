"""What workers are rung for is lost, late or repeated; the broker is away, or another one."""

from __future__ import annotations


def test_runs_start_and_stop_though_their_rings_are_lost_and_then_the_line_is_cut(house):
    applied, stopped = house.stack(autodeploy=True), house.stack()
    house.hold(stopped, "plan")
    house.until(house.workers_listen, "the workers to be connected")

    with house.line.with_rings("lost"):
        first, second = house.site.trigger(applied), house.site.trigger(stopped)
        house.site.api.wait_for(first, "FINISHED")
        house.talking(second, "plan")
        assert set(house.line.rung) == {"lost"}
    house.line.take_away()
    try:
        house.site.decide("runStop", stopped, second)
        house.site.api.wait_for(second, "STOPPED")
        assert house.line.refused.is_set()
    finally:
        house.line.bring_back()

    check_one_applied_and_one_stopped(house, (applied, first), (stopped, second))


def test_rings_that_come_late_and_twice_do_no_harm(house):
    applied, stopped = house.stack(autodeploy=True), house.stack()
    house.hold(stopped, "plan")
    house.until(house.workers_listen, "the workers to be connected")

    with house.line.with_rings("late and twice"):
        first, second = house.site.trigger(applied), house.site.trigger(stopped)
        house.site.api.wait_for(first, "FINISHED")
        house.talking(second, "plan")
        house.site.decide("runStop", stopped, second)
        house.site.api.wait_for(second, "STOPPED")
        assert "late and twice" in house.line.rung

    check_one_applied_and_one_stopped(house, (applied, first), (stopped, second))


def test_runs_at_work_outlive_a_broker_that_is_restarted_and_workers_listen_to_it_again(house):
    idle, planned, applied = house.stack(autodeploy=True), house.stack(), house.stack()
    planning, applying = house.planning(planned), house.applying(applied)

    house.kill("server")
    house.until(lambda: not house.line.listening, "the workers to be cut off")
    house.start("server")
    house.until(house.workers_listen, "the workers to be back")

    with house.line.with_rings("heard"):
        run = house.site.trigger(idle)
        house.site.api.wait_for(run, "FINISHED")
        rung = len(house.line.rung)
        assert rung
        house.site.decide("runStop", planned, planning)
        house.site.api.wait_for(planning, "STOPPED")
        assert len(house.line.rung) > rung
    house.go_on(applied)
    house.site.api.wait_for(applying, "FINISHED")
    house.check_applied(applied, applying)
    house.check_applied(idle, run)
    assert house.applied()[planning] == 0
    house.check_let_go(planned, planning)
    house.check_next(planned)


def check_one_applied_and_one_stopped(house, applied, stopped):
    """Both are over, and their stacks take other runs."""
    house.check_applied(*applied)
    _, run = stopped
    assert house.applied()[run] == 0
    house.check_let_go(*stopped)
    house.check_next(applied[0], stopped[0])
