"""An installation with one data key, and a drain."""

from __future__ import annotations

import pytest
from gantry.apps.keys import RsaKeyring

from tests.support.rekeying import Member, keep_first_key, member, rings


@pytest.fixture
async def ring(core):
    ring = rings(RsaKeyring(core.keys.private))
    await keep_first_key(core.db, ring, core.keys.vault.data_keys[1])
    return ring


@pytest.fixture
async def drain(core, ring) -> Member:
    return await member(core.db, core.objects, core.url, ring)
