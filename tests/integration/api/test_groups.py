"""Groups over the API: who is in them, what they may do because of it, and their end."""

from __future__ import annotations

from gantry.domains.people.admission import NotInvited
from gantry.domains.roles.rules import WRITER

from tests.integration.api.test_spaces_and_roles import space
from tests.integration.api.test_users import (
    EVERYTHING,
    GIVE_GROUP,
    GROUP,
    GROUPS,
    group,
    levels,
    rule,
)


async def test_members_of_a_group_may_do_what_it_was_given(ada, signs_in):
    team = await space(ada, "Team")
    makers = await group(ada, "Makers ", rule(team, "READ"))
    eve, ann = await signs_in("eve", "Makers "), await signs_in("ann", "Makers ", "others")
    assert isinstance(await signs_in("bob", "makers", "Makers"), NotInvited)

    made = await ada.ask(GIVE_GROUP, group=makers, role=WRITER.id, space="root")

    assert made["userGroupRoleBindingCreate"]["userGroup"] == {"groupName": "Makers "}
    for member in (eve, ann):
        assert await levels(member) == {"root": "WRITE", team: "WRITE"}
    (found,) = (await ada.ask(GROUPS))["managedUserGroups"]
    assert found.pop("lastLoginTime") is not None
    assert found == {
        "id": makers,
        "groupName": "Makers ",
        "description": "",
        "status": "ACTIVE",
        "identityProvider": "oidc",
        "memberCount": 2,
        "spaceCount": 2,
        "accessRules": [rule(team, "READ"), rule("root", "WRITE")],
    }
    heard = await ada.ask("{ availableUserGroups }")
    assert heard == {"availableUserGroups": ["Makers ", "others"]}


async def test_who_leaves_a_group_loses_it_with_the_next_sign_in_in_all_sessions(ada, signs_in):
    await group(ada, "makers", rule("root", "ADMIN"))
    first = await signs_in("eve", "makers")
    assert await levels(first) == {"root": "ADMIN"}

    second = await signs_in("eve")

    assert await levels(first) == await levels(second) == {}


async def test_a_deleted_group_gives_nothing_at_once(ada, signs_in, core):
    makers = await group(ada, "makers", rule("root", "READ"))
    eve = await signs_in("eve", "makers")

    await ada.ask("mutation ($id: ID!) { managedUserGroupDelete(id: $id) { id } }", id=makers)

    assert await levels(eve) == {}
    assert await core.rows("select 1 from role_binding") == []
    await group(ada, "makers")
    assert await levels(eve) == {}


async def test_groups_are_described_and_their_rules_replaced(ada):
    makers = await group(ada, "makers", rule("root", "READ"))
    v1 = """
    mutation ($input: ManagedUserGroupUpdateInput!) {
      managedUserGroupUpdate(input: $input) { description accessRules { spaceAccessLevel } }
    }
    """
    v2 = """
    mutation ($input: ManagedUserGroupUpdateInputV2!) {
      managedUserGroupUpdateV2(input: $input) { description accessRules { spaceAccessLevel } }
    }
    """

    first = await ada.ask(v2, input={"id": makers, "description": "who make"})
    rules = [rule("root", "WRITE")]
    second = await ada.ask(v1, input={"id": makers, "accessRules": rules})

    assert first["managedUserGroupUpdateV2"] == {
        "description": "who make",
        "accessRules": [{"spaceAccessLevel": "READ"}],
    }
    assert second["managedUserGroupUpdate"] == {
        "description": "who make",
        "accessRules": [{"spaceAccessLevel": "WRITE"}],
    }


async def test_a_group_that_is_there_or_cannot_be_is_refused(ada, core):
    await group(ada, "makers")
    before = await core.rows(EVERYTHING)

    for name, code in (("makers", "CONFLICT"), ("", "BAD_USER"), ("x" * 256, "BAD_USER")):
        given = {"groupName": name, "accessRules": []}
        assert (await ada.refusal(GROUP, input=given))[1] == code

    assert await core.rows(EVERYTHING) == before


async def test_channels_keep_what_is_allowed_in_them(ada, core):
    create = """
    mutation ($input: ManagedUserGroupIntegrationCreateInput!) {
      managedUserGroupIntegrationCreate(input: $input) {
        id integrationName integrationType slackChannelID accessRules { space spaceAccessLevel }
      }
    }
    """
    wanted = {
        "integrationName": "on call",
        "integrationType": "SLACK",
        "slackChannelID": "C024BE91L",
        "accessRules": [rule("root", "READ")],
    }
    made = (await ada.ask(create, input=wanted))["managedUserGroupIntegrationCreate"]
    assert made == {"id": made["id"], **wanted}
    assert (await ada.refusal(create, input=wanted))[1] == "CONFLICT"
    update = """
    mutation ($input: ManagedUserGroupIntegrationUpdateInput!) {
      managedUserGroupIntegrationUpdate(input: $input) { integrationName accessRules { space } }
    }
    """
    changed = await ada.ask(
        update, input={"id": made["id"], "integrationName": "calm", "accessRules": []}
    )
    assert changed["managedUserGroupIntegrationUpdate"] == {
        "integrationName": "calm",
        "accessRules": [],
    }
    listed = "{ managedUserGroupIntegrations(integrationType: SLACK) { id slackChannelID } }"
    assert (await ada.ask(listed))["managedUserGroupIntegrations"] == [
        {"id": made["id"], "slackChannelID": "C024BE91L"}
    ]
    gone = "mutation ($id: ID!) { managedUserGroupIntegrationDelete(id: $id) { id } }"
    await ada.ask(gone, id=made["id"])
    assert await core.rows("select 1 from chat_channel union all select 1 from role_binding") == []
