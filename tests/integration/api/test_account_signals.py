"""Pages of the account hear that something changed, in the transaction that changed it; what it was
is not said, and who may not see it learns no more than that.
"""

from __future__ import annotations

import pytest
from gantry.api.live import events
from gantry.domains.audit import chain
from gantry.domains.audit.rules import is_of_account
from gantry.kernel.errors import NotFound

from tests.integration.api.conftest import PASSWORD
from tests.integration.api.test_spaces_and_roles import CREATE, space, wanted
from tests.support.given import STRANGER

ADMIN = "person:admin::ada"
LOCK = "mutation ($id: ID!) { stackLock(id: $id) { id } }"
END = "mutation ($id: ID!) { sessionDelete(id: $id) { id } }"


@pytest.fixture
async def heard(core, ada):
    """Which topics were signalled since the last look, sorted; and what was said with them."""
    seen = 0

    async def look() -> dict[str, list[dict]]:
        nonlocal seen
        rows = await core.rows(
            "select id, topic, payload from live_event where id > :seen order by id", seen=seen
        )
        seen = max([seen, *[row[0] for row in rows]])
        found: dict[str, list[dict]] = {}
        for _, topic, payload in rows:
            found.setdefault(topic, []).append(payload)
        return found

    await look()
    return look


async def test_what_the_account_shares_is_heard_of_and_not_what_it_was(ada, heard):
    await space(ada, "Team A")
    assert await heard() == {"audit": [{"kind": "audit"}], "account": [{"kind": "account"}]}

    message, _ = await ada.refusal(CREATE, input=wanted(""))
    assert message
    assert await heard() == {}, "what was refused is no news"


async def test_a_stack_has_signals_of_its_own_and_its_lock_is_no_news_of_the_account(
    ada, stack, heard
):
    await ada.ask(LOCK, id=stack.id)

    assert set(await heard()) == {"audit", "activity", f"stack:{stack.id}"}


async def test_signing_in_is_heard_by_whose_it_is_and_by_who_looks_after_sessions(nobody, heard):
    credentials = {"username": "ada", "password": PASSWORD}
    assert (await nobody.http.post("/admin-login", json=credentials)).status_code == 200
    assert set(await heard()) == {"audit", "sessions", ADMIN}

    wrong = await nobody.http.post("/admin-login", json={"username": "ada", "password": "x"})
    assert wrong.status_code == 401
    assert set(await heard()) == {"audit"}


async def test_the_end_of_a_session_is_heard_by_its_owner_whoever_ends_it(core, ada, robot, heard):
    key, _ = await robot()
    await heard()
    ((session,),) = await core.rows("select id from session where api_key_id = :key", key=key)

    await ada.ask(END, id=session)
    assert set(await heard()) == {"audit", "sessions", f"person:api::{key}"}

    await ada.ask("mutation { sessionDeleteAll(everybody: true) { id } }")
    assert set(await heard()) >= {"audit"}

    await ada.http.post("/logout", headers={**ada.headers, "origin": "https://gantry.test"})
    assert set(await heard()) == {"audit", "sessions", ADMIN}


async def test_entries_that_get_their_place_in_the_chain_are_heard_of_once(core, ada, heard):
    await chain.seal(core.db)
    assert set(await heard()) == {"audit"}

    await chain.seal(core.db)
    assert await heard() == {}


async def test_only_root_admins_follow_the_trail_and_who_signs_in(core, ada):
    async with core.db.read(STRANGER) as tx:
        await events._require(tx, "account")
        for topic in ("audit", "sessions"):
            with pytest.raises(NotFound):
                await events._require(tx, topic)
    ada.app.state.house.departure.begun.set()
    for topic in ("account", "audit", "sessions"):
        stream = await ada.http.get(f"/events?topic={topic}", headers=ada.headers)
        assert stream.status_code == 200
        assert "event: gone" not in stream.text
        assert (await ada.http.get(f"/events?topic={topic}")).status_code == 401


@pytest.mark.parametrize(
    ("action", "shared"),
    [
        ("role_binding.create", True),
        ("api_key.delete", True),
        ("context.attach", True),
        ("account.name", True),
        ("user_group_integration.create", True),
        ("stack.create", True),
        ("stack.lock", False),
        ("run.confirm", False),
        ("task.create", False),
        ("login", False),
        ("session.end", False),
    ],
)
def test_what_counts_as_shared_by_the_account(action, shared):
    assert is_of_account(action) is shared
