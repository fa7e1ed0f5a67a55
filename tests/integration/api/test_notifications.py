"""The inbox through the API: who finds what in it, and who dismisses it for whom."""

from __future__ import annotations

import pytest
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.roles.rules import ADMIN, READER, WRITER
from gantry.kernel.tx import SYSTEM

from tests.integration.api.test_spaces_and_roles import give, space
from tests.support.given import given_a_pool, given_a_stack

SEARCH = """
query ($input: SearchInput!) {
  searchNotifications(input: $input) {
    edges { node {
      title severity group about stack stackName times dismissed dismissedBy dismissedAt createdAt
      lastAt id
    } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
VALUES = """
query ($input: SearchSuggestionsInput!) {
  searchNotificationsSuggestions(input: $input) {
    total fields { field values { value label count } }
  }
}
"""
COUNT = "{ notificationCount }"
OF_STACK = "query ($id: ID!) { stack(id: $id) { notificationCount } }"
DISMISS = "mutation ($ids: [ID!]!) { dismissNotifications(ids: $ids) }"
DISMISS_GROUP = "mutation ($group: ID!) { dismissNotificationGroup(group: $group) }"
DISMISS_ALL = "mutation { dismissAllNotifications }"


async def tell(core, title, group=Group.WEBHOOK_SWITCHED_OFF, severity=Severity.WARNING, **where):
    async with core.db.write(SYSTEM) as tx:
        await notifications.tell(
            tx, group, title, severity=severity, title=title, body=f"About {title}.", **where
        )


async def found(caller, **search):
    edges = (await caller.ask(SEARCH, input=search))["searchNotifications"]["edges"]
    return [edge["node"] for edge in edges]


async def titles(caller, **search):
    return [one["title"] for one in await found(caller, **search)]


def only(field, **constraint):
    return {"predicates": [{"field": field, "constraint": constraint}]}


OPEN = only("dismissed", booleanEquals=[False])


async def counted(caller) -> int:
    return (await caller.ask(COUNT))["notificationCount"]


async def still_open(core):
    rows = await core.rows("select title from notification where closed_at is null order by title")
    return [row[0] for row in rows]


@pytest.fixture
async def told(core, ada, robot):
    """Notifications of the whole, of two spaces and of a stack in the second; who administers it,
    and its stack.
    """
    ours, theirs = await space(ada, "Ours", inherits=True), await space(ada, "Theirs")
    pool = await given_a_pool(core)
    stack = await given_a_stack(core, pool, "Network", space_id=ours)
    await tell(core, "whole", Group.REKEY_UNFINISHED, Severity.ERROR)
    await tell(core, "theirs", space_id=theirs)
    await tell(core, "ours", space_id=ours)
    await tell(core, "stack's", Group.SOURCE_UNREACHABLE, stack_id=stack.id)
    key, admin = await robot("admin")
    await give(ada, key, ADMIN.id, ours)
    return admin, stack


async def test_root_admins_find_everything_and_others_what_they_administer(ada, told):
    admin, stack = told

    assert await titles(ada) == ["stack's", "ours", "theirs", "whole"]
    assert await counted(ada) == 4
    assert await titles(admin) == ["stack's", "ours"]
    assert await counted(admin) == 2
    assert (await admin.ask(OF_STACK, id=stack.id))["stack"]["notificationCount"] == 1


async def test_who_reads_or_writes_and_administers_nothing_finds_nothing(core, ada, robot, told):
    _, stack = told
    for role in (READER.id, WRITER.id):
        key, caller = await robot("somebody")
        await give(ada, key, role, "root")

        assert (await titles(caller), await counted(caller)) == ([], 0)
        await core.change("update stack set space_id = 'root'")
        assert (await caller.ask(OF_STACK, id=stack.id))["stack"]["notificationCount"] == 0
        assert (await caller.refusal(DISMISS_ALL))[1] == "NOT_ALLOWED"
        ids = [str(row[0]) for row in await core.rows("select id from notification")]
        assert (await caller.refusal(DISMISS, ids=ids))[1] == "NOT_ALLOWED"
        group = Group.WEBHOOK_SWITCHED_OFF.value
        assert (await caller.refusal(DISMISS_GROUP, group=group))[1] == "NOT_ALLOWED"
    assert await still_open(core) == ["ours", "stack's", "theirs", "whole"]


async def test_a_stacks_notification_goes_with_it_into_another_space(core, ada, robot, told):
    admin, _ = told
    other = await space(ada, "Other")
    key, another = await robot("another")
    await give(ada, key, ADMIN.id, other)

    await core.change("update stack set space_id = :space", space=other)

    assert (await titles(admin), await titles(another)) == (["ours"], ["stack's"])


async def test_all_that_is_told_of_one_is_shown(ada, told):
    _, stack = told
    (one,) = await found(ada, **only("stack", stringMatches=[stack.id]))

    assert (one["group"], one["about"]) == ("SOURCE_UNREACHABLE", "stack's")
    assert (one["stack"], one["stackName"]) == (stack.id, "Network")
    assert (one["severity"], one["times"]) == ("WARNING", 1)
    assert (one["dismissed"], one["dismissedBy"], one["dismissedAt"]) == (False, None, None)
    assert one["createdAt"] == one["lastAt"] > 0


async def test_who_dismisses_does_so_for_everybody_and_the_trail_says_who(core, ada, told):
    admin, _ = told
    (one,) = await found(admin, fullTextSearch="ours")

    for _ in range(2):  # somebody else may have been quicker
        await admin.ask(DISMISS, ids=[one["id"]])

    assert await titles(ada, **OPEN) == ["stack's", "theirs", "whole"]
    (shown,) = await found(ada, **only("dismissed", booleanEquals=[True]))
    assert shown["title"] == "ours"
    assert shown["dismissedBy"].startswith("api::")
    assert shown["dismissedAt"] > 0
    trail = await core.rows(
        "select action, resource, body from audit_entry where resource = 'NOTIFICATION'"
    )
    assert [row[:2] for row in trail] == [("notification.dismiss", "NOTIFICATION")] * 2
    assert one["id"] in str(trail[0][2])


async def test_what_somebody_does_not_administer_they_do_not_dismiss(core, ada, told):
    admin, _ = told
    everything = [one["id"] for one in await found(ada)]

    message, code = await admin.refusal(DISMISS, ids=everything)

    assert (message, code) == ("notification not found", "NOT_FOUND")
    assert await counted(ada) == 4
    trail = await core.rows("select 1 from audit_entry where resource = 'NOTIFICATION'")
    assert trail == []


async def test_all_of_a_group_that_one_sees_are_dismissed(core, ada, told):
    admin, _ = told
    await admin.ask(DISMISS_GROUP, group="WEBHOOK_SWITCHED_OFF")
    assert await still_open(core) == ["stack's", "theirs", "whole"]

    assert (await ada.refusal(DISMISS_GROUP, group="NOTHING"))[1] == "NOT_FOUND"
    await ada.ask(DISMISS_GROUP, group="WEBHOOK_SWITCHED_OFF")
    assert await still_open(core) == ["stack's", "whole"]


async def test_all_that_one_sees_are_dismissed(core, ada, told):
    admin, _ = told
    await admin.ask(DISMISS_ALL)
    assert await still_open(core) == ["theirs", "whole"]
    await ada.ask(DISMISS_ALL)
    assert (await still_open(core), await counted(ada)) == ([], 0)


@pytest.mark.parametrize("ids", [[], ["x"] * 501])
async def test_none_and_more_than_a_page_are_not_dismissed_at_once(ada, told, ids):
    assert (await ada.refusal(DISMISS, ids=ids))[1] == "BAD_REQUEST"


async def test_the_list_comes_in_pages_and_by_its_fields(ada, told):
    first = (await ada.ask(SEARCH, input={"first": 3}))["searchNotifications"]
    assert first["pageInfo"]["hasNextPage"]
    rest = await titles(ada, first=3, after=first["pageInfo"]["endCursor"])
    assert rest == ["whole"]

    assert await titles(ada, **only("severity", enumEquals=["ERROR"])) == ["whole"]
    assert await titles(ada, **only("group", stringMatches=["REKEY_UNFINISHED"])) == ["whole"]
    (ours,) = (one["about"] for one in await found(ada, fullTextSearch="theirs"))
    assert ours == "theirs"
    assert (await ada.refusal(SEARCH, input=only("nothing", stringMatches=["a"])))[1] == (
        "BAD_SEARCH"
    )


async def test_what_it_can_be_narrowed_by_is_counted_among_ones_own(ada, told):
    admin, stack = told
    asked = {"fields": ["group", "severity", "space", "stack", "dismissed"]}

    values = (await admin.ask(VALUES, input=asked))["searchNotificationsSuggestions"]

    assert values["total"] == 2
    by_field = {one["field"]: one["values"] for one in values["fields"]}
    assert [one["label"] for one in by_field["space"]] == ["Ours"]
    assert by_field["stack"] == [{"value": stack.id, "label": "Network", "count": 1}]
    assert {one["value"] for one in by_field["group"]} == {
        "SOURCE_UNREACHABLE",
        "WEBHOOK_SWITCHED_OFF",
    }
    assert by_field["dismissed"] == [{"value": "false", "label": "false", "count": 2}]


async def test_only_who_administers_something_follows_them(ada, robot):
    key, reader = await robot("reader")
    await give(ada, key, READER.id, "root")

    refused = await reader.http.get("/events?topic=notifications", headers=reader.headers)

    assert refused.status_code == 404
