import pytest
@pytest.mark.parametrize("n", range(10))
async def test_x(core, n):
    assert await core.rows("select state from commit") 
    await core.drain()
