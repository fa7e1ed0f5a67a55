"""What becomes of runs whose lease is lost, asked for anew, or answered for too late."""

import asyncio
from types import SimpleNamespace

from gantry_protocol.calls import Beaten, Held, LeaseAnswer
from gantry_worker.holds import Holds, heed


def lease(fence=1):
    return Held(run_id="RUN", fence=fence)


def answer(*, held, stop=False):
    return Beaten(leases=[LeaseAnswer(run_id="RUN", held=held, stop=stop)])


async def working(hold, *, executing):
    hold.session = SimpleNamespace(executing=executing, lost=False)
    hold.work = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    return hold


async def test_a_lost_lease_ends_the_work_at_once_before_anything_is_changed():
    hold = await working(Holds().take(lease()), executing=False)

    heed([hold], answer(held=False), 0.0)
    await asyncio.wait({hold.work})

    assert hold.work.cancelled()
    assert hold.session.lost


async def test_a_lost_lease_asks_what_changes_something_to_stop_in_order():
    hold = await working(Holds().take(lease()), executing=True)

    heed([hold], answer(held=False), 0.0)
    await asyncio.sleep(0)

    assert hold.stop.is_set()
    assert hold.session.lost
    assert not hold.work.done()
    hold.work.cancel()


async def test_an_offer_of_a_held_run_under_the_same_fence_changes_nothing():
    holds = Holds()
    hold = holds.take(lease())

    assert holds.take(lease()) is None
    assert holds.all() == [hold]


async def test_the_end_of_an_old_hold_leaves_the_new_one_of_the_same_run():
    holds = Holds()
    old = await working(holds.take(lease(1)), executing=True)
    new = holds.take(lease(2))

    holds.drop(old)

    assert old.lost
    assert holds.all() == [new]
    assert not new.lost
    old.work.cancel()


async def test_a_late_answer_concerns_only_what_was_asked_about():
    holds = Holds()
    asked = holds.kept()
    new = holds.take(lease(2))

    heed(asked, answer(held=False, stop=True), 0.0)

    assert not new.lost
    assert not new.stop.is_set()


async def test_an_answer_confirms_the_lease_as_of_when_it_was_asked_for():
    hold = Holds().take(lease())

    heed([hold], answer(held=True, stop=True), 12.5)

    assert hold.confirmed == 12.5
    assert hold.stop.is_set()
