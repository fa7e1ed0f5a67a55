"""What identity providers publish is asked for by one of many, and remembered; failures shortly."""

from __future__ import annotations

import asyncio

import pytest
from gantry.infra.provider_calls import FAILED, FRESH, NOW, Calls
from gantry.ports.outward import Answer
from gantry.ports.sign_on import ProviderUnusable

HOME = "https://idp.test"
KEYS = f"{HOME}/keys"


class Provider:
    """Answers as told, and not before others had their turn."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200

    async def get(self, url, **how):
        self.asked.append(url)
        await asyncio.sleep(0)
        return Answer(self.status, [], b'{"keys": []}')


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def calls(provider, now):
    return Calls(lambda host: provider, plain=False, clock=lambda: now[0])


async def test_of_many_at_once_one_asks(provider, calls):
    found = await asyncio.gather(*(calls.known_json(HOME, KEYS) for _ in range(5)))

    assert found == [{"keys": []}] * 5
    assert provider.asked == [KEYS]

    await asyncio.gather(*(calls.known_json(HOME, KEYS, at_most=FRESH) for _ in range(5)))
    assert provider.asked == [KEYS]


async def test_of_many_who_need_it_fresh_one_asks(provider, calls, now):
    await calls.known_json(HOME, KEYS)
    now[0] += FRESH

    await asyncio.gather(*(calls.known_json(HOME, KEYS, at_most=FRESH) for _ in range(5)))

    assert len(provider.asked) == 2


async def test_a_failure_is_remembered_for_some_seconds(provider, calls, now):
    provider.status = 500

    found = await asyncio.gather(
        *(calls.known_text(HOME, KEYS) for _ in range(5)), return_exceptions=True
    )

    assert all(isinstance(one, ProviderUnusable) for one in found)
    assert all("the status 500" in str(one) for one in found)
    assert len(provider.asked) == 1

    provider.status = 200
    with pytest.raises(ProviderUnusable):
        await calls.known_text(HOME, KEYS)
    # What an admin has just set is asked for whatever happened.
    assert await calls.known_text(HOME, KEYS, at_most=NOW)
    assert await calls.known_text(HOME, KEYS)

    provider.status, now[0] = 500, now[0] + FRESH
    with pytest.raises(ProviderUnusable):
        await calls.known_text(HOME, KEYS, at_most=FRESH)
    # Who can do with the old one has it.
    assert await calls.known_text(HOME, KEYS)
    now[0] += FAILED
    provider.status = 200
    assert await calls.known_text(HOME, KEYS, at_most=FRESH)
