"""Whoever an identity provider vouches for is let in when they were invited or are in a group."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from gantry.domains.people import admission
from gantry.domains.people import service as people
from gantry.domains.people.admission import MAX_GROUPS, NotInvited
from gantry.domains.people.model import Identity, Scheme, UserGroup
from gantry.domains.roles import rights
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM
from gantry.ports.vault import InvalidToken

from tests.support.core import BASE_URL

EVE = Identity(
    source="oidc",
    subject="0001",
    username="eve",
    email="eve@example.com",
    email_verified=True,
    name="Eve",
    groups=frozenset(),
)


async def admit(core, identity=EVE):
    async with core.db.write(SYSTEM) as tx:
        return await admission.admit(
            tx,
            core.vault,
            identity,
            audience=BASE_URL,
            lasts=timedelta(hours=10),
            address="203.0.113.1",
        )


async def recognise(core, signed_in):
    async with core.db.read(SYSTEM) as tx:
        actor = await people.recognise(
            tx, core.vault, signed_in.token.reveal(), audience=BASE_URL, admin_password=None
        )
        return await rights.of_signed_in(tx, actor)


async def invited(core, username="eve", *, email=None, hours=24):
    user_id = new_id()
    await core.change(
        "insert into app_user (id, source, username, admin, created_at, last_seen_at, invited_at,"
        " invitation_email, invitation_expires_at) values (:id, '', :username, false, now(), now(),"
        " now(), :email, now() + make_interval(hours => :hours))",
        id=user_id,
        username=username,
        email=email,
        hours=hours,
    )
    return user_id


async def known_group(core, name):
    async with core.db.write(SYSTEM) as tx:
        tx.session.add(UserGroup(name=name, created_at=tx.now, created_by=""))


async def users(core):
    return await core.rows("select id, source, username from app_user order by id")


async def trail(core):
    return await core.rows("select action, actor, body from audit_entry order by id")


# -- who may enter


@pytest.mark.parametrize("groups", [frozenset(), frozenset({"Others"})])
async def test_whom_nobody_invited_is_refused_and_the_trail_says_so(core, groups):
    await known_group(core, "others")

    refused = await admit(core, replace(EVE, groups=groups))

    assert isinstance(refused, NotInvited)
    assert "nobody has invited you" in refused.message
    assert await users(core) == []
    assert await core.rows("select 1 from session") == []
    ((action, actor, body),) = await trail(core)
    assert (action, actor) == ("login.refused", "oidc::eve")
    assert "nobody has invited you" in body


@pytest.mark.parametrize(
    ("username", "email"),
    [("eve", None), ("eve", "eve@example.com"), ("e.v.e", "Eve@Example.com")],
    ids=["by name", "by both", "by address"],
)
async def test_an_invitation_is_accepted_by_its_name_or_by_its_address(core, username, email):
    user_id = await invited(core, username, email=email)

    signed_in = await admit(core)

    assert await users(core) == [(user_id, "oidc", username)]
    actor = await recognise(core, signed_in)
    assert (actor.id, actor.name) == (user_id, f"oidc::{username}")
    assert (actor.everywhere, dict(actor.by_space)) == (frozenset(), {})
    assert [row[:2] for row in await trail(core)] == [("login", f"oidc::{username}")]


@pytest.mark.parametrize(
    "identity",
    [
        replace(EVE, username="mallory", email_verified=False),
        replace(EVE, username="Eve", email=None),
        replace(EVE, username="eve ", email=None),
        replace(EVE, username="mallory", email="eve@example.com.evil.test"),
        replace(EVE, username=""),
        replace(EVE, username="x" * 256),
        replace(EVE, username="eve\0"),
    ],
    ids=lambda identity: f"{identity.username[:9]!r} {identity.email}",
)
async def test_nobody_else_accepts_an_invitation(core, identity):
    user_id = await invited(core, "eve", email="eve@example.com")
    if identity.email_verified and identity.email == EVE.email:
        await core.change("update app_user set invitation_email = null")

    assert isinstance(await admit(core, identity), NotInvited)

    assert await users(core) == [(user_id, "", "eve")]
    assert await core.rows("select 1 from session") == []


@pytest.mark.parametrize(
    ("username", "email", "identity"),
    [
        ("eve@example.com", None, replace(EVE, username="eve@example.com", email_verified=False)),
        ("eve@example.com", None, replace(EVE, username="eve@example.com", email="m@evil.test")),
        ("eve", "eve@example.com", replace(EVE, email_verified=False)),
        ("eve", "eve@example.com", replace(EVE, email="m@evil.test")),
        ("eve", "eve@example.com", replace(EVE, email=None)),
    ],
    ids=["unverified", "chosen", "unverified, by name", "another's", "without"],
)
async def test_a_name_alone_takes_no_invitation_of_an_address(core, username, email, identity):
    user_id = await invited(core, username, email=email)

    refused = await admit(core, identity)

    assert isinstance(refused, NotInvited)
    assert "is verified as yours" in refused.message
    assert await users(core) == [(user_id, "", username)]
    assert await core.rows("select 1 from session") == []


async def test_an_invited_name_may_be_the_verified_address(core):
    user_id = await invited(core, "eve@example.com")

    await admit(core, replace(EVE, username="eve@example.com", email="Eve@example.com"))

    assert await users(core) == [(user_id, "oidc", "eve@example.com")]


async def test_an_expired_invitation_is_refused(core):
    user_id = await invited(core, hours=0)

    refused = await admit(core)

    assert isinstance(refused, NotInvited)
    assert "has expired" in refused.message
    assert await users(core) == [(user_id, "", "eve")]


async def test_a_member_of_a_known_group_enters_without_an_invitation(core):
    await known_group(core, "Platform ")

    signed_in = await admit(core, replace(EVE, groups=frozenset({"Platform ", "others"})))

    actor = await recognise(core, signed_in)
    assert actor.name == "oidc::eve"
    assert actor.groups == {"Platform ", "others"}


async def test_an_expired_invitation_promises_nothing_to_who_comes_with_a_group(core):
    user_id = await invited(core, hours=0)
    await known_group(core, "team")

    signed_in = await admit(core, replace(EVE, groups=frozenset({"team"})))

    assert signed_in.actor.id != user_id
    assert (user_id, "", "eve") in await users(core)


@pytest.mark.parametrize("subject", ["", "x" * 1001, "a\0b", "\ud800"], ids=repr)
async def test_who_has_no_usable_id_is_refused(core, subject):
    await invited(core)

    assert isinstance(await admit(core, replace(EVE, subject=subject)), NotInvited)

    assert await core.rows("select 1 from session") == []


async def test_whoever_was_let_in_is_known_by_the_providers_id_alone(core):
    await invited(core)
    first = await admit(core)

    again = await admit(core, replace(EVE, username="married", email=None, name="E"))
    other = await admit(core, replace(EVE, subject="0002"))

    assert not isinstance(again, NotInvited)
    assert again.actor.id == first.actor.id
    assert again.actor.name == "oidc::eve"
    assert isinstance(other, NotInvited)


async def test_a_name_that_somebody_had_before_is_not_taken_over(core):
    await known_group(core, "team")
    member = replace(EVE, groups=frozenset({"team"}))
    await admit(core, member)

    refused = await admit(core, replace(member, subject="0002"))

    assert isinstance(refused, NotInvited)
    assert "somebody else signed in" in refused.message
    assert len(await users(core)) == 1


async def test_two_first_sign_ins_at_once_make_one_user(core):
    await known_group(core, "team")
    member = replace(EVE, groups=frozenset({"team"}))

    first, second = await asyncio.gather(admit(core, member), admit(core, member))

    assert first.actor.id == second.actor.id
    assert len(await users(core)) == 1


async def test_two_at_once_accept_an_invitation_once(core):
    await invited(core)

    answers = await asyncio.gather(admit(core), admit(core, replace(EVE, subject="0002")))

    assert sorted(isinstance(one, NotInvited) for one in answers) == [False, True]
    assert len(await users(core)) == 1


async def test_under_another_strategy_nobody_new_enters(core):
    await invited(core)
    await core.change("update management set scheme = :to", to=Scheme.LOGIN_POLICY)

    assert isinstance(await admit(core), NotInvited)


async def test_too_many_groups_leave_those_that_the_account_knows(core):
    await known_group(core, "zz")
    many = frozenset(f"g{number}" for number in range(MAX_GROUPS + 5)) | {"zz", "x" * 256, "a\0b"}

    signed_in = await admit(core, replace(EVE, groups=many))

    assert "zz" in signed_in.actor.groups
    assert len(signed_in.actor.groups) == MAX_GROUPS


# -- what a session outlives


async def test_with_another_provider_nobody_is_known_any_more(core):
    await invited(core)
    signed_in = await admit(core)
    async with core.db.write(SYSTEM) as tx:
        await admission.provider_changed(tx)

    with pytest.raises(InvalidToken):
        await recognise(core, signed_in)
    refused = await admit(core)

    assert isinstance(refused, NotInvited)
    assert "nobody has invited you" in refused.message


@pytest.mark.parametrize("own", ["", "admin", "api"])
async def test_no_provider_speaks_for_the_accounts_own_names(core, own):
    with pytest.raises(ValueError, match="source of its own"):
        await admit(core, replace(EVE, source=own))
