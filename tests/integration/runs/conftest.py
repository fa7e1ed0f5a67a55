"""What tests of runs start from, besides a pool and a stack."""

from __future__ import annotations

import pytest

from tests.support.given import given_a_worker


@pytest.fixture
async def worker(core, pool):
    return await given_a_worker(core, pool)
