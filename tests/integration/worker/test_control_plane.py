"""Whose words count for a worker, and for how long it repeats its own."""

import pytest
from gantry_protocol.calls import Failed, Held
from gantry_protocol.words import Phase
from gantry_worker import control_plane
from gantry_worker.control_plane import ControlPlane, Refused, ServerAway, StillFailing

from tests.integration.worker.stand_in import standing_in

LEASE = Held(run_id="RUN", fence=1)


@pytest.fixture
async def there():
    async with standing_in() as server:
        yield server


@pytest.fixture
async def plane(there):
    made = ControlPlane(there.url, "POOL", lambda: "proof")
    yield made
    await made.close()


@pytest.mark.parametrize(
    "answer",
    [
        (404, b"<html>default backend</html>"),
        (403, {"error": "forbidden"}),
        (409, {"code": 7, "message": ["no"]}),
        (302, b""),
        (200, b"<html>sign in first</html>"),
        (200, {"unheard": "of"}),
        (503, b""),
        (500, {"code": "INTERNAL", "message": "masked"}),
    ],
)
async def test_what_is_not_the_servers_own_word_means_that_it_is_away(there, plane, answer):
    there.answers["manifest"] = [answer]

    with pytest.raises(ServerAway):
        await plane._once("runs/RUN/manifest", LEASE, control_plane.Sealed)


async def test_the_servers_own_word_is_a_refusal(there, plane):
    there.answers["next"] = [(409, {"code": "CONFLICT", "message": "Register first."})]

    with pytest.raises(Refused, match="Register first"):
        await plane.ask([LEASE])


async def test_a_report_on_which_the_server_fails_is_not_repeated_for_ever(
    there, plane, monkeypatch
):
    monkeypatch.setattr(control_plane, "FAILING_LIMIT", 0.0)
    there.answers["report"] = [(503, b""), (500, b""), (503, b""), (500, b"")]

    with pytest.raises(StillFailing):
        await plane.report(LEASE, Failed(phase=Phase.PLAN, reason="x"))

    assert len(there.asked) == 5  # an ingress's 503 in between begins the count anew


async def test_a_download_ends_at_its_limit(there, plane, tmp_path):
    there.answers["object"] = [(200, b"x" * 100)]

    with pytest.raises(Refused, match="more than 99 bytes"):
        await plane.download(f"{there.url}/object", tmp_path / "it", limit=99)
    await plane.download(f"{there.url}/object", tmp_path / "it", limit=100)

    assert (tmp_path / "it").read_bytes() == b"x" * 100
