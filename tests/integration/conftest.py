"""What most stories begin with: a pool, and a stack that runs on it."""

from __future__ import annotations

import pytest

# Imported when used, as in tests/conftest.py: tests of the worker do without the platform.


@pytest.fixture
async def pool(core):
    """A private pool; none of its workers is there yet."""
    from tests.support.given import given_a_pool

    return await given_a_pool(core)


@pytest.fixture
async def stack(core, pool):
    """A stack that runs on the pool, and tracks a commit whose tree is stored."""
    from tests.support.given import given_a_stack

    return await given_a_stack(core, pool)


@pytest.fixture
def receiver():
    """Somebody whom webhooks tell things."""
    from tests.support.receiver import Receiver

    with Receiver() as receiver:
        yield receiver
