"""Users over the API: who lets them in, what they may do because of it, and their end."""

from __future__ import annotations

from gantry.domains.people import admission
from gantry.domains.people.admission import NotInvited
from gantry.domains.people.service import FAILURES_ALLOWED
from gantry.domains.roles.rules import ADMIN, READER, WRITER
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM

from tests.integration.api.test_spaces_and_roles import give, space

INVITE = """
mutation ($input: ManagedUserInviteInput!) {
  managedUserInvite(input: $input) {
    id username invitationEmail loginMethod status lastLoginTime spaceCount groupCount
    accessRules { space spaceAccessLevel }
  }
}
"""
INVITE_V2 = """
mutation ($input: ManagedUserInviteInputV2!) {
  managedUserInviteV2(input: $input) { id username invitationEmail accessRules { space } }
}
"""
AGAIN = "mutation ($id: ID!) { managedUserResendInvite(id: $id) { id status } }"
UPDATE = """
mutation ($input: ManagedUserUpdateInput!) {
  managedUserUpdate(input: $input) { accessRules { space spaceAccessLevel } slackMemberID }
}
"""
STANDING = """
query ($id: ID!) { managedUser(id: $id) { invitedBy invitationExpiresAt openSessions } }
"""
DELETE = "mutation ($id: ID!) { managedUserDelete(id: $id) { id username } }"
USERS = "{ managedUsers { id username status loginMethod lastLoginTime } }"
GROUP = """
mutation ($input: ManagedUserGroupCreateInput!) {
  managedUserGroupCreate(input: $input) { id groupName accessRules { space spaceAccessLevel } }
}
"""
GROUPS = """
{ managedUserGroups {
    id groupName description status identityProvider memberCount spaceCount lastLoginTime
    accessRules { space spaceAccessLevel }
} }
"""
GIVE_USER = """
mutation ($user: ID!, $role: ID!, $space: ID!) {
  userRoleBindingCreate(input: {userID: $user, roleID: $role, spaceID: $space}) {
    id roleID role { slug } spaceID userID user { username invitationEmail }
  }
}
"""
GIVE_GROUP = """
mutation ($group: ID!, $role: ID!, $space: ID!) {
  userGroupRoleBindingCreate(input: {userGroupID: $group, roleID: $role, spaceID: $space}) {
    id roleID spaceID userGroup { groupName }
  }
}
"""
LEVELS = "{ spaces { id accessLevel } }"
EVERYTHING = """
select 'user', row::text from app_user row union all select 'group', row::text from user_group row
union all select 'binding', row::text from role_binding row
union all select 'channel', row::text from chat_channel row
union all select 'management', row::text from management row order by 1, 2
"""


def rule(where: str, level: str) -> dict[str, str]:
    return {"space": where, "spaceAccessLevel": level}


async def invited(ada, username="eve", *rules, **more):
    given = {"username": username, "accessRules": list(rules), **more}
    return (await ada.ask(INVITE, input=given))["managedUserInvite"]


async def group(ada, name, *rules):
    made = await ada.ask(GROUP, input={"groupName": name, "accessRules": list(rules)})
    return str(made["managedUserGroupCreate"]["id"])


async def levels(caller):
    found = (await caller.ask(LEVELS))["spaces"]
    return {one["id"]: one["accessLevel"] for one in found}


# -- invitations


async def test_somebody_is_invited_comes_and_may_do_what_the_invitation_said(ada, signs_in):
    team = await space(ada, "Team")
    user = await invited(ada, "eve", rule(team, "WRITE"), invitationEmail="eve@example.com")
    assert user == {
        "id": user["id"],
        "username": "eve",
        "invitationEmail": "eve@example.com",
        "loginMethod": None,
        "status": "PENDING",
        "lastLoginTime": None,
        "spaceCount": 1,
        "groupCount": 0,
        "accessRules": [rule(team, "WRITE")],
    }

    eve = await signs_in("eve", "makers", email="eve@example.com")

    assert await levels(eve) == {team: "WRITE"}
    (now,) = (await ada.ask(USERS))["managedUsers"]
    assert (now["id"], now["status"], now["loginMethod"]) == (user["id"], "ACTIVE", "oidc")
    assert now["lastLoginTime"] is not None
    assert await eve.ask("{ viewer { login type } }") == {
        "viewer": {"login": "oidc::eve", "type": "user"}
    }


async def test_administrators_see_how_long_an_invitation_counts_and_who_is_signed_in(
    ada, signs_in, core
):
    user = await invited(ada, "eve")
    waiting = (await ada.ask(STANDING, id=user["id"]))["managedUser"]
    ((until,),) = await core.rows(
        "select invitation_expires_at from app_user where username = 'eve'"
    )
    assert waiting == {
        "invitedBy": "admin::ada",
        "invitationExpiresAt": int(until.timestamp()),
        "openSessions": 0,
    }

    await signs_in("eve")

    come = (await ada.ask(STANDING, id=user["id"]))["managedUser"]
    assert (come["invitationExpiresAt"], come["openSessions"]) == (None, 1)


async def test_the_second_form_of_an_invitation_allows_nothing_yet(ada, signs_in):
    made = await ada.ask(INVITE_V2, input={"username": "eve", "email": "eve@example.com"})
    assert made["managedUserInviteV2"]["invitationEmail"] == "eve@example.com"
    assert made["managedUserInviteV2"]["accessRules"] == []

    assert await levels(await signs_in("eve", email="eve@example.com")) == {}


async def test_whoever_is_invited_or_has_come_is_not_invited_again(ada, signs_in, core):
    await invited(ada, "eve", invitationEmail="eve@example.com")
    await invited(ada, "ann")
    await signs_in("ann")
    before = await core.rows(EVERYTHING)

    for username, email in (("eve", None), ("x", "EVE@example.com"), ("ann", None)):
        given = {"username": username, "invitationEmail": email, "accessRules": []}
        assert (await ada.refusal(INVITE, input=given))[1] == "CONFLICT"

    assert await core.rows(EVERYTHING) == before


async def test_an_invitation_lasts_a_day_and_is_sent_again(ada, signs_in, core):
    user = await invited(ada, "eve")
    await core.change("update app_user set invitation_expires_at = now()")
    assert [one["status"] for one in (await ada.ask(USERS))["managedUsers"]] == ["EXPIRED"]
    assert isinstance(await signs_in("eve"), NotInvited)

    again = await ada.ask(AGAIN, id=user["id"])

    assert again["managedUserResendInvite"] == {"id": user["id"], "status": "PENDING"}
    await signs_in("eve")
    assert (await ada.refusal(AGAIN, id=user["id"]))[1] == "CONFLICT"


async def test_an_invitation_that_cannot_be_leaves_nothing(ada, core):
    before = await core.rows(EVERYTHING)
    for wrong in (
        {"username": " ", "accessRules": []},
        {"username": "x" * 256, "accessRules": []},
        {"username": "eve", "invitationEmail": "no address", "accessRules": []},
    ):
        assert (await ada.refusal(INVITE, input=wrong))[1] == "BAD_USER"
    given = {"username": "eve", "accessRules": [rule("nowhere", "READ")]}
    assert (await ada.refusal(INVITE, input=given))[1] == "NOT_FOUND"
    assert await core.rows(EVERYTHING) == before


async def test_whom_a_provider_brought_that_is_no_more_is_invited_anew(ada, signs_in, core):
    user = await invited(ada, "eve", rule("root", "READ"))
    eve = await signs_in("eve")
    async with core.db.write(SYSTEM) as tx:
        await admission.provider_changed(tx)
    assert (await eve.refusal(LEVELS))[1] == "UNAUTHENTICATED"
    assert [one["status"] for one in (await ada.ask(USERS))["managedUsers"]] == ["INACTIVE"]
    assert isinstance(await signs_in("eve"), NotInvited)

    await ada.ask(AGAIN, id=user["id"])

    assert await levels(await signs_in("eve")) == {"root": "READ"}
    assert len((await ada.ask(USERS))["managedUsers"]) == 1


# -- what users are allowed


async def test_a_users_rules_become_exactly_those_and_other_roles_stay(ada, signs_in, core):
    one, two = await space(ada, "One"), await space(ada, "Two")
    user = await invited(ada, "eve", rule(one, "READ"), rule(two, "READ"))
    controller = "01J0000000000000000P00CTR0"
    await ada.ask(GIVE_USER, user=user["id"], role=controller, space=one)
    eve = await signs_in("eve")
    (kept,) = await core.rows("select id from role_binding where space_id = :id and role_id != :c",
                              id=two, c=controller)  # fmt: skip

    wanted = [rule(one, "ADMIN"), rule(two, "READ")]
    changed = await ada.ask(UPDATE, input={"id": user["id"], "accessRules": wanted})

    assert sorted(
        (one["space"], one["spaceAccessLevel"])
        for one in changed["managedUserUpdate"]["accessRules"]
    ) == sorted([(one, "ADMIN"), (two, "READ")])
    assert await levels(eve) == {one: "ADMIN", two: "READ"}
    assert kept in await core.rows("select id from role_binding")
    assert [controller] in [
        list(row) for row in await core.rows("select role_id from role_binding")
    ]

    await ada.ask(UPDATE, input={"id": user["id"], "accessRules": []})
    assert await levels(eve) == {one: "READ"}
    slack = await ada.ask(UPDATE, input={"id": user["id"], "slackMemberID": "U024BE7LH"})
    assert slack["managedUserUpdate"] == {"accessRules": [], "slackMemberID": "U024BE7LH"}
    assert (await ada.refusal(UPDATE, input={"id": user["id"], "slackMemberID": "eve"}))[1] == (
        "BAD_USER"
    )


async def test_what_is_given_to_a_user_counts_with_the_next_request(ada, signs_in):
    user = await invited(ada, "eve")
    eve = await signs_in("eve")

    made = await ada.ask(GIVE_USER, user=user["id"], role=WRITER.id, space="root")

    binding = made["userRoleBindingCreate"]
    assert binding == {
        "id": binding["id"],
        "roleID": WRITER.id,
        "role": {"slug": "space-writer"},
        "spaceID": "root",
        "userID": user["id"],
        "user": {"username": "eve", "invitationEmail": None},
    }
    assert await levels(eve) == {"root": "WRITE"}
    found = "query ($id: ID!) { userRoleBinding(id: $id) { userID role { name } } }"
    assert (await ada.ask(found, id=binding["id"]))["userRoleBinding"]["userID"] == user["id"]
    change = """
    mutation ($id: ID!, $input: UserRoleBindingInput!) {
      userRoleBindingUpdate(id: $id, input: $input) { id }
    }
    """
    given = {"userID": user["id"], "roleID": READER.id, "spaceID": "root"}
    changed = (await ada.ask(change, id=binding["id"], input=given))["userRoleBindingUpdate"]
    assert await levels(eve) == {"root": "READ"}

    taken = "mutation ($id: ID!) { userRoleBindingDelete(id: $id) { id } }"
    await ada.ask(taken, id=changed["id"])

    assert await levels(eve) == {}
    assert "not found" in (await ada.refusal(taken, id=changed["id"]))[0]


async def test_several_bindings_come_in_order_or_not_at_all(ada, core):
    eve, ann = await invited(ada, "eve"), await invited(ada, "ann")
    batch = """
    mutation ($bindings: [UserRoleBindingInput!]!) {
      userRoleBindingBatchCreate(input: {bindings: $bindings}) { userID roleID }
    }
    """
    gifts = [{"userID": one["id"], "roleID": READER.id, "spaceID": "root"} for one in (ann, eve)]
    stray = {"userID": new_id(), "roleID": READER.id, "spaceID": "root"}
    assert (await ada.refusal(batch, bindings=[*gifts, stray]))[0] == "user not found"
    assert await core.rows("select 1 from role_binding") == []

    made = (await ada.ask(batch, bindings=gifts))["userRoleBindingBatchCreate"]

    assert [one["userID"] for one in made] == [ann["id"], eve["id"]]


async def test_an_admin_of_a_space_gives_roles_there_and_sees_no_more_of_the_user(
    ada, signs_in, core
):
    team = await space(ada, "Team")
    user = await invited(ada, "eve", rule("root", "ADMIN"), invitationEmail="eve@example.com")
    await invited(ada, "tim", rule(team, "ADMIN"))
    tim = await signs_in("tim")
    document = GIVE_USER.replace(
        "user { username",
        "user { email name invitedBy invitationExpiresAt openSessions"
        " spaceCount accessRules { space } username",
    )

    made = await tim.ask(document, user=user["id"], role=READER.id, space=team)

    assert made["userRoleBindingCreate"]["user"] == {
        "username": "eve",
        "invitationEmail": None,
        "email": None,
        "name": None,
        "invitedBy": None,
        "invitationExpiresAt": None,
        "openSessions": 0,
        "spaceCount": 1,
        "accessRules": [{"space": team}],
    }
    before = await core.rows(EVERYTHING)
    refused = await tim.refusal(document, user=user["id"], role=READER.id, space="root")
    assert refused[1] in ("NOT_ALLOWED", "NOT_FOUND")
    assert await core.rows(EVERYTHING) == before


# -- the end of it


async def test_a_deleted_user_is_out_at_once_and_leaves_nothing(ada, signs_in, core):
    user = await invited(ada, "eve", rule("root", "READ"))
    eve = await signs_in("eve")

    assert (await ada.ask(DELETE, id=user["id"]))["managedUserDelete"]["username"] == "eve"

    assert (await eve.refusal(LEVELS))[1] == "UNAUTHENTICATED"
    assert isinstance(await signs_in("eve"), NotInvited)
    assert await core.rows("select 1 from role_binding") == []
    assert (await ada.ask(USERS))["managedUsers"] == []
    assert (await ada.refusal(DELETE, id=user["id"]))[0] == "user not found"
    again = await invited(ada, "eve")
    assert again["id"] != user["id"]
    assert await levels(await signs_in("eve")) == {}


async def test_the_built_in_admin_is_no_user_to_be_managed(ada, core):
    ((admin,),) = await core.rows("select id from app_user")

    assert (await ada.ask(USERS))["managedUsers"] == []
    assert (await ada.refusal(DELETE, id=admin))[0] == "user not found"
    assert (await ada.refusal(AGAIN, id=admin))[0] == "user not found"
    given = await ada.refusal(GIVE_USER, user=admin, role=READER.id, space="root")
    assert given[0] == "user not found"
    one = await ada.ask("query ($id: ID!) { managedUser(id: $id) { id } }", id=admin)
    assert one == {"managedUser": None}


# -- who may manage


async def test_only_root_admins_see_and_manage_people(ada, robot, core):
    user, makers = await invited(ada, "eve"), await group(ada, "makers")
    key, caller = await robot()
    await give(ada, key, ADMIN.id, await space(ada, "Team"))
    before = await core.rows(EVERYTHING)

    for document, variables in (
        (USERS, {}),
        (GROUPS, {}),
        ("{ availableUserGroups }", {}),
        ("{ managedUserGroupIntegrations { id } }", {}),
        ("query ($id: ID!) { managedUser(id: $id) { id } }", {"id": user["id"]}),
        ("query ($id: ID!) { managedUserGroup(id: $id) { id } }", {"id": makers}),
        ("query ($id: ID!) { managedUserGroupIntegration(id: $id) { id } }", {"id": makers}),
        (INVITE, {"input": {"username": "tim", "accessRules": []}}),
        (INVITE_V2, {"input": {"username": "tim"}}),
        (AGAIN, {"id": user["id"]}),
        (UPDATE, {"input": {"id": user["id"], "accessRules": []}}),
        (DELETE, {"id": user["id"]}),
        (GROUP, {"input": {"groupName": "others", "accessRules": []}}),
        ("mutation ($id: ID!) { managedUserGroupDelete(id: $id) { id } }", {"id": makers}),
        ("mutation { apiKeyEnableNonRootManagers(enable: true) }", {}),
        ("mutation { accountUpdateAuthorizationScheme(authorizationScheme: USER_MANAGEMENT) }", {}),
    ):
        assert (await caller.refusal(document, **variables))[1] == "NOT_ALLOWED", document

    assert await core.rows(EVERYTHING) == before


async def test_somebody_asks_to_be_invited_and_the_trail_tells(nobody, core):
    ask = """
    mutation ($name: String!) {
      managedUserRequestInvite(email: "eve@example.com", userName: $name)
    }
    """
    assert (await nobody.refusal(ask, name=""))[1] == "BAD_USER"
    for _ in range(FAILURES_ALLOWED):
        assert (await nobody.ask(ask, name="eve"))["managedUserRequestInvite"] is True

    assert (await nobody.refusal(ask, name="eve"))[1] == "TOO_MANY_REQUESTS"

    told = await core.rows("select action, actor, body from audit_entry")
    assert len(told) == FAILURES_ALLOWED
    assert told[0][:2] == ("user.ask_to_be_invited", "anonymous")
    assert "eve@example.com" in str(told[0][2])
    assert await core.rows("select 1 from app_user") == []


async def test_somebody_asks_for_rights_and_the_trail_tells(robot, core):
    _, caller = await robot()
    ask = """
    mutation ($space: ID!) {
      managedUserRequestRoleChange(spaceId: $space, requestedAccessLevel: ADMIN)
    }
    """
    for where in ("root", "no-such-space"):
        assert (await caller.ask(ask, space=where))["managedUserRequestRoleChange"] is True

    told = await core.rows(
        "select resource, resource_id from audit_entry where action = 'user.ask_for_rights'"
    )
    assert sorted(told) == [("SPACE", "no-such-space"), ("SPACE", "root")]
    assert await core.rows("select 1 from role_binding") == []


# -- the management strategy


async def test_login_policies_are_refused_in_words(ada, core):
    change = """
    mutation ($to: AuthorizationScheme!) {
      accountUpdateAuthorizationScheme(authorizationScheme: $to)
    }
    """
    assert await ada.ask("{ authorizationScheme }") == {"authorizationScheme": "USER_MANAGEMENT"}
    assert await ada.refusal(change, to="LOGIN_POLICY") == (
        "This release has no login policies; people are let in by invitation.",
        "NOT_OFFERED",
    )
    assert await ada.ask("{ authorizationScheme }") == {"authorizationScheme": "USER_MANAGEMENT"}


async def test_another_strategy_ends_all_sessions_but_one_and_begins_the_invitations(
    ada, robot, core, signs_in
):
    change = "mutation { accountUpdateAuthorizationScheme(authorizationScheme: USER_MANAGEMENT) }"
    _, caller = await robot()
    await ada.ask(change)
    assert await caller.ask("{ viewer { id } }")
    await core.change("update management set scheme = 'LOGIN_POLICY'")
    assert (await invited(ada, "eve"))["status"] == "QUEUED"
    assert isinstance(await signs_in("eve"), NotInvited)

    await ada.ask(change)

    assert (await caller.refusal(LEVELS))[1] == "UNAUTHENTICATED"
    assert [one["status"] for one in (await ada.ask(USERS))["managedUsers"]] == ["PENDING"]
    assert await levels(await signs_in("eve")) == {}
