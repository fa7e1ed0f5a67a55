"""Who signs in is recognised until the session ends, and whoever guesses is slowed down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from gantry.domains.people import api_keys, repo
from gantry.domains.people import service as people
from gantry.domains.people.access import EVERYTHING
from gantry.domains.people.api_keys import Wanted
from gantry.domains.people.service import FAILURES_ALLOWED
from gantry.kernel.errors import NotAllowed, NotFound, TooMany, Unauthenticated
from gantry.kernel.ids import new_id
from gantry.kernel.secret import Secret
from gantry.kernel.tx import ANONYMOUS, SYSTEM
from gantry.ports.vault import InvalidToken
from joserfc import jws

from tests.support.core import BASE_URL
from tests.support.given import ADMIN, READER, STRANGER

PASSWORD = Secret("correct horse")
HERE, THERE = "203.0.113.1", "203.0.113.2"


async def sign_in(core, username="root", password="correct horse", **changes):
    how = {
        "expected_username": "root",
        "expected_password": PASSWORD,
        "audience": BASE_URL,
        "lasts": timedelta(hours=10),
        "address": HERE,
        **changes,
    }
    async with core.db.write(SYSTEM) as tx:
        found = await people.sign_in_admin(
            tx, core.vault, username=username, password=password, **how
        )
    return people.arrived(found)


async def recognise(core, token, *, audience=BASE_URL, password=PASSWORD):
    async with core.db.read(SYSTEM) as tx:
        return await people.recognise(
            tx, core.vault, token, audience=audience, admin_password=password
        )


async def new_key(core, *, admin=False, by=ADMIN):
    async with core.db.write(by) as tx:
        return await api_keys.create(tx, core.passwords, Wanted("ci", admin=admin))


async def exchange(core, key_id, secret, *, address=HERE):
    async with core.db.write(SYSTEM) as tx:
        found = await people.sign_in_api_key(
            tx,
            core.vault,
            core.passwords,
            key_id=key_id,
            secret=secret,
            audience=BASE_URL,
            address=address,
        )
    return people.arrived(found)


async def refusals(core):
    """Who was not let in, and why, as the trail has it."""
    told = "select actor, body from audit_entry where action = 'login.refused' order by at, id"
    return [tuple(row) for row in await core.rows(told)]


async def sessions(core):
    return await core.rows("select id, ended_at is null from session order by id")


# -- the admin


async def test_the_admin_signs_in_and_is_recognised(core):
    signed_in = await sign_in(core)

    actor = await recognise(core, signed_in.token.reveal())
    assert actor == signed_in.actor
    assert (actor.kind, actor.name, actor.everywhere) == ("user", "admin::root", EVERYTHING)
    in_ten_hours = datetime.now(UTC) + timedelta(hours=10)
    assert abs(signed_in.valid_until - in_ten_hours.timestamp()) < 60


async def test_the_token_is_what_existing_clients_expect(core):
    token = (await sign_in(core)).token.reveal()
    claims = core.vault.verify(token, audience=BASE_URL, purpose="session").claims
    assert claims["aud"] == [BASE_URL]
    assert claims["iss"] == "gantry"
    assert isinstance(claims["exp"], int)
    assert jws.extract_compact(token.encode()).headers()["alg"] == "RS256"


async def test_signing_in_twice_makes_one_user_and_two_sessions(core):
    first, second = await asyncio.gather(sign_in(core), sign_in(core))

    assert first.actor.id == second.actor.id
    assert first.actor.session_id != second.actor.session_id
    assert await core.rows("select source, username, admin from app_user") == [
        ("admin", "root", True)
    ]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("root", "wrong"),
        ("root", ""),
        ("root", "correct horse "),
        ("Root", "correct horse"),
        ("", "correct horse"),
        ("", ""),
        ("root\0", "correct horse"),
        ("\ud800", "\ud800"),
        ("x" * 16_000, "y"),
    ],
    ids=lambda text: repr(text)[:20],
)
async def test_a_wrong_name_or_password_is_refused_and_makes_nothing(core, username, password):
    assert await sign_in(core, username, password) is None
    assert await sessions(core) == []
    assert await core.rows("select 1 from app_user") == []
    assert await core.rows("select count(*) from login_failure") == [(1,)]


@pytest.mark.parametrize(
    "off",
    [
        {"expected_username": None, "expected_password": None},
        {"expected_username": "", "expected_password": Secret("")},
        {"expected_username": "root", "expected_password": None},
        {"expected_username": "root", "expected_password": Secret("")},
        {"expected_username": None, "expected_password": PASSWORD},
        {"expected_username": "", "expected_password": PASSWORD},
    ],
)
async def test_where_admin_sign_in_is_off_nothing_opens_it(core, off):
    for username in ("", "root"):
        for password in ("", "correct horse"):
            assert await sign_in(core, username, password, **off) is None
    assert await sessions(core) == []


# -- throttling


async def fail(core, times, **where):
    for _ in range(times):
        assert await sign_in(core, password="wrong", **where) is None


async def test_after_too_many_failures_even_the_right_password_waits(core):
    await fail(core, FAILURES_ALLOWED)

    with pytest.raises(TooMany, match="wait five minutes"):
        await sign_in(core)

    assert await sessions(core) == []


async def test_one_failure_fewer_does_not_make_anybody_wait(core):
    await fail(core, FAILURES_ALLOWED - 1)
    assert await sign_in(core) is not None


async def test_failures_elsewhere_or_of_others_make_nobody_wait(core):
    await fail(core, FAILURES_ALLOWED)
    assert await sign_in(core, address=THERE) is not None
    assert await sign_in(core, username="somebody") is None  # refused, and not made to wait


async def test_after_five_minutes_failures_count_no_more(core):
    await fail(core, FAILURES_ALLOWED)
    await core.change("update login_failure set at = at - interval '301 seconds'")
    assert await sign_in(core) is not None


async def test_while_one_waits_further_attempts_do_not_prolong_the_wait(core):
    await fail(core, FAILURES_ALLOWED)
    with pytest.raises(TooMany):
        await sign_in(core, password="wrong")
    assert await core.rows("select count(*) from login_failure") == [(FAILURES_ALLOWED,)]


async def test_of_many_guesses_at_once_no_more_are_looked_at_than_one_after_another(core):
    guesses = [sign_in(core, password=f"guess {n}") for n in range(4 * FAILURES_ALLOWED)]

    found = await asyncio.gather(*guesses, return_exceptions=True)

    assert found.count(None) == FAILURES_ALLOWED
    assert sum(isinstance(one, TooMany) for one in found) == 3 * FAILURES_ALLOWED
    assert await core.rows("select count(*) from login_failure") == [(FAILURES_ALLOWED,)]
    assert await sessions(core) == []


async def test_guesses_of_a_key_at_once_do_not_get_past_the_wait(core):
    key, secret = await new_key(core)
    guesses = [exchange(core, key.id, f"guess {n}") for n in range(FAILURES_ALLOWED + 4)]

    found = await asyncio.gather(*guesses, return_exceptions=True)

    assert found.count(None) == FAILURES_ALLOWED
    assert sum(isinstance(one, TooMany) for one in found) == 4
    with pytest.raises(TooMany):
        await exchange(core, key.id, secret.reveal())
    assert await sessions(core) == []


async def test_who_waits_leaves_an_entry_with_each_attempt(core):
    await fail(core, FAILURES_ALLOWED)
    for _ in range(2):
        with pytest.raises(TooMany):
            await sign_in(core)

    noted = await refusals(core)

    assert [actor for actor, _ in noted] == ["admin::root"] * (FAILURES_ALLOWED + 2)
    assert ["wait five minutes" in body for _, body in noted[-3:]] == [False, True, True]


async def test_what_is_no_keys_id_counts_and_leaves_an_entry(core):
    for _ in range(FAILURES_ALLOWED):
        assert await exchange(core, "no-key", "secret") is None
    with pytest.raises(TooMany):
        await exchange(core, "no-key", "secret")

    assert [actor for actor, _ in await refusals(core)] == ["api::no-key"] * (FAILURES_ALLOWED + 1)
    assert await core.rows("select count(*) from login_failure") == [(FAILURES_ALLOWED,)]


async def test_no_name_or_password_is_written_down_with_a_failure(core):
    await sign_in(core, username="my-password-by-mistake", password="s3cr3t")
    rows = str(await core.rows("select t::text from login_failure t"))
    assert "my-password" not in rows
    assert "s3cr3t" not in rows


async def test_keys_are_throttled_too(core):
    key, secret = await new_key(core)
    assert await exchange(core, key.id, "wrong") is None
    # The others at once: hashing is slow on purpose.
    await core.change(
        "insert into login_failure (id, subject, at) select id || n, subject, at"
        " from login_failure, generate_series(2, :allowed) n",
        allowed=FAILURES_ALLOWED,
    )

    with pytest.raises(TooMany):
        await exchange(core, key.id, secret.reveal())
    assert await exchange(core, key.id, secret.reveal(), address=THERE) is not None


# -- keys


async def test_a_key_is_exchanged_for_a_token_of_an_hour(core):
    key, secret = await new_key(core)

    signed_in = await exchange(core, key.id, secret.reveal())

    actor = await recognise(core, signed_in.token.reveal())
    assert actor == signed_in.actor
    assert (actor.kind, actor.id, actor.name) == ("api_key", key.id, f"api::{key.id}")
    assert actor.actions_in("root") == frozenset()  # until it is given a role
    assert actor.actions_in("other") == frozenset()
    claims = core.vault.verify(
        signed_in.token.reveal(), audience=BASE_URL, purpose="session"
    ).claims
    assert (claims["iss"], claims["exp"] - claims["iat"]) == ("api-key", 3600)
    ((used,),) = await core.rows("select last_used_at is not null from api_key")
    assert used


async def test_an_admin_key_may_do_everything(core):
    key, secret = await new_key(core, admin=True)
    signed_in = await exchange(core, key.id, secret.reveal())
    actor = await recognise(core, signed_in.token.reveal())
    assert actor.actions_in("anywhere") == EVERYTHING


async def test_the_secret_of_a_key_is_shown_once_and_stored_as_a_hash(core):
    _, secret = await new_key(core)
    assert len(secret.reveal()) == 64
    ((stored,),) = await core.rows("select secret_hash from api_key")
    assert stored.startswith("$argon2id$")
    assert secret.reveal() not in str(await core.rows("select t::text from api_key t"))


@pytest.mark.parametrize("key_id", ["", "root", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "\0", "\ud800"])
async def test_a_key_that_does_not_exist_opens_nothing(core, key_id):
    assert await exchange(core, key_id, "secret") is None
    assert await sessions(core) == []


async def test_the_secret_of_another_key_opens_nothing(core):
    key, _ = await new_key(core)
    _, theirs = await new_key(core)
    for wrong in (theirs.reveal(), ""):
        assert await exchange(core, key.id, wrong) is None
    assert await sessions(core) == []


async def test_a_deleted_key_and_its_sessions_open_nothing(core):
    key, secret = await new_key(core)
    other, others = await new_key(core)
    token = (await exchange(core, key.id, secret.reveal())).token.reveal()
    unhurt = (await exchange(core, other.id, others.reveal())).token.reveal()

    async with core.db.write(ADMIN) as tx:
        await api_keys.delete(tx, key.id)

    assert await exchange(core, key.id, secret.reveal()) is None
    with pytest.raises(InvalidToken, match="sign in again"):
        await recognise(core, token)
    assert (await recognise(core, unhurt)).id == other.id
    async with core.db.read(ADMIN) as tx:
        assert [found.id for found in await api_keys.listed(tx)] == [other.id]


async def test_only_admins_make_list_and_delete_keys(core):
    key, _ = await new_key(core)
    before = await core.rows("select t::text from api_key t")

    for actor, error in (
        (READER, NotAllowed),
        (STRANGER, NotAllowed),
        (ANONYMOUS, Unauthenticated),
    ):
        with pytest.raises(error):
            await new_key(core, by=actor)
        for act in (api_keys.listed, lambda tx: api_keys.delete(tx, key.id)):
            with pytest.raises(error):
                async with core.db.write(actor) as tx:
                    await act(tx)

    assert await core.rows("select t::text from api_key t") == before


async def test_a_key_is_deleted_once(core):
    key, _ = await new_key(core)
    for _ in range(2):
        with pytest.raises(NotFound, match="could not find api key"):
            async with core.db.write(ADMIN) as tx:
                await api_keys.delete(tx, new_id())
    async with core.db.write(ADMIN) as tx:
        await api_keys.delete(tx, key.id)
    with pytest.raises(NotFound, match="could not find api key"):
        async with core.db.write(ADMIN) as tx:
            await api_keys.delete(tx, key.id)


# -- sessions


async def test_a_session_that_was_ended_opens_nothing(core):
    ended = await sign_in(core)
    other = await sign_in(core)

    async with core.db.write(ended.actor) as tx:
        await people.sign_out(tx)

    with pytest.raises(InvalidToken, match="the session has ended"):
        await recognise(core, ended.token.reveal())
    assert (await recognise(core, other.token.reveal())).id == other.actor.id


async def test_nobody_signs_out_who_did_not_sign_in(core):
    for actor in (ANONYMOUS, ADMIN):
        with pytest.raises(Unauthenticated):
            async with core.db.write(actor) as tx:
                await people.sign_out(tx)


async def test_a_session_that_was_revoked_in_the_database_opens_nothing(core):
    token = (await sign_in(core)).token.reveal()
    await core.change("update session set expires_at = now() - interval '1 second'")
    with pytest.raises(InvalidToken):
        await recognise(core, token)
    await core.change("delete from session")
    with pytest.raises(InvalidToken):
        await recognise(core, token)


async def test_the_admins_sessions_end_with_the_password(core):
    token = (await sign_in(core)).token.reveal()

    for changed in (Secret("another"), Secret(""), None):
        with pytest.raises(InvalidToken):
            await recognise(core, token, password=changed)
    assert await recognise(core, token)


async def test_a_token_is_good_for_its_own_purpose_and_installation_only(core):
    signed_in = await sign_in(core)
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": "gantry",
        "aud": [BASE_URL],
        "sub": signed_in.actor.session_id,
        "purpose": "session",
        "iat": now,
        "exp": now + 600,
    }
    assert await recognise(core, core.vault.sign(claims))

    wrong = [
        {"purpose": "run"},
        {"purpose": "state"},
        {"aud": ["https://elsewhere.example.com"]},
        {"exp": now - 60},
        {"sub": new_id()},
    ]
    for change in wrong:
        with pytest.raises(InvalidToken):
            await recognise(core, core.vault.sign({**claims, **change}))
    with pytest.raises(InvalidToken):
        await recognise(core, signed_in.token.reveal(), audience="https://elsewhere.example.com")


async def test_a_forged_token_opens_nothing(core, keys):
    token = (await sign_in(core)).token.reveal()
    head, body, signature = token.split(".")
    for forged in ("", "x", f"{head}.{body}.", f"{head}.{body}x.{signature}", token[:-4], "a.b.c"):
        with pytest.raises(InvalidToken, match="unauthorized"):
            await recognise(core, forged)


async def test_what_no_longer_matters_is_forgotten(core):
    old = await sign_in(core)
    recent = await sign_in(core)
    await sign_in(core, password="wrong")
    await core.change(
        "update session set expires_at = now() - interval '25 hours' where id = :id",
        id=old.actor.session_id,
    )
    await core.change("update login_failure set at = at - interval '25 hours'")

    async with core.db.write(SYSTEM) as tx:
        await people.forget_old(tx)

    assert await sessions(core) == [(recent.actor.session_id, True)]
    assert await core.rows("select 1 from login_failure") == []
    async with core.db.read(SYSTEM) as tx:
        assert await repo.session_with_owner(tx, recent.actor.session_id)
