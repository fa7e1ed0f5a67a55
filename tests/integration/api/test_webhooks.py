"""Webhooks through the API: who may set them, what is never shown, and what is refused."""

from __future__ import annotations

import json

import pytest
from gantry.domains.people.model import UserGroup
from gantry.domains.roles import bindings
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject
from gantry.domains.roles.rules import ADMIN, READER
from gantry.domains.webhooks import deliveries
from gantry.kernel.tx import SYSTEM

from tests.integration.api.test_spaces_and_roles import give, space
from tests.support.given import given_a_pool, given_a_stack

NAMED = """
fragment Named on NamedWebhooksIntegration {
  id name enabled endpoint labels retryOnFailure secret secretHeaders space { id } hasSecret
}
"""
CREATE = (
    NAMED
    + """
mutation ($input: NamedWebhooksIntegrationInput!) {
  namedWebhooksIntegrationCreate(input: $input) { ...Named }
}
"""
)
UPDATE = (
    NAMED
    + """
mutation ($id: ID!, $input: NamedWebhooksIntegrationInput!) {
  namedWebhooksIntegrationUpdate(id: $id, input: $input) { ...Named }
}
"""
)
DELETE = "mutation ($id: ID!) { namedWebhooksIntegrationDelete(id: $id) { id } }"
SET = """
mutation ($id: ID!, $input: NamedWebhookHeaderInput!) {
  namedWebhooksIntegrationSetHeaders(id: $id, input: $input) { id secretHeaders }
}
"""
UNSET = """
mutation ($id: ID!, $keys: [String!]!) {
  namedWebhooksIntegrationDeleteHeaders(id: $id, headerKeys: $keys) { id secretHeaders }
}
"""
ONE = NAMED + "query ($id: ID!) { namedWebhooksIntegration(id: $id) { ...Named } }"
SEARCH = """
query ($input: SearchInput!) {
  searchNamedWebhooksIntegrations(input: $input) { edges { node { name } } }
}
"""
VALUES = """
query ($input: SearchSuggestionsInput!) {
  searchNamedWebhooksIntegrationsSuggestions(input: $input) {
    total fields { field values { value label count } }
  }
}
"""
STACK_CREATE = """
mutation ($stack: ID!, $input: WebhooksIntegrationInput!) {
  webhooksIntegrationCreate(stack: $stack, input: $input) {
    id enabled endpoint secret deleted retryOnFailure
  }
}
"""
STACK_UPDATE = """
mutation ($stack: ID!, $id: ID!, $input: WebhooksIntegrationInput!) {
  webhooksIntegrationUpdate(stack: $stack, id: $id, input: $input) { id enabled endpoint }
}
"""
STACK_DELETE = """
mutation ($stack: ID!, $id: ID!) { webhooksIntegrationDelete(stack: $stack, id: $id) { deleted } }
"""
OF_STACK = """
query ($id: ID!) { stack(id: $id) { integrations { webhooks { id endpoint enabled secret } } } }
"""
AUDIT_SET = """
mutation ($input: AuditTrailWebhookInput!) {
  auditTrailSetWebhook(input: $input) { enabled endpoint includeRuns secret secretHeaders }
}
"""
AUDIT = "{ auditTrailWebhook { enabled endpoint includeRuns secret retryOnFailure } }"
AUDIT_DELETE = "mutation { auditTrailDeleteWebhook { endpoint } }"
TEST = """
mutation ($id: ID!) { webhookTest(webhook: $id) { id state statusCode attempts error event } }
"""
LOG = """
query ($id: ID!) {
  searchWebhookDeliveries(webhook: $id, input: {}) { edges { node { id event state } } }
}
"""
TRACE = """
query ($webhook: ID!, $id: ID!) {
  webhookDelivery(webhook: $webhook, id: $id) {
    state durationMs
    trace { requestBody requestHeaders { key value } privateHeaders answerBody answerCut }
  }
}
"""


@pytest.fixture
async def stack(core):
    return await given_a_stack(core, await given_a_pool(core))


def named(endpoint: str, name: str = "pager", where: str = "root", **more):
    return {
        "name": name,
        "endpoint": endpoint,
        "enabled": True,
        "space": where,
        "labels": [],
        "secret": "s3cret",
        **more,
    }


def of_stack(endpoint: str, **more):
    return {"endpoint": endpoint, "enabled": True, "secret": "s3cret", **more}


def of_audit(endpoint: str, **more):
    return {
        "endpoint": endpoint,
        "enabled": True,
        "includeRuns": False,
        "secret": "s3cret",
        **more,
    }


async def make(caller, endpoint: str, name: str = "pager", where: str = "root", **more) -> str:
    made = await caller.ask(CREATE, input=named(endpoint, name, where, **more))
    return str(made["namedWebhooksIntegrationCreate"]["id"])


async def webhooks(core):
    return await core.rows("select to_jsonb(w) from webhook w order by id")


# -- named ones


async def test_a_named_webhook_keeps_its_secret_until_it_is_given_another(core, ada):
    made = await make(ada, "https://hooks.example.com/in", labels=["a", "a", " b "])
    before = await core.rows("select secret_sealed from webhook")

    wanted = named("https://hooks.example.com/other", secret=None, retryOnFailure=True)
    changed = await ada.ask(UPDATE, id=made, input=wanted)

    assert changed["namedWebhooksIntegrationUpdate"] == {
        "id": made,
        "name": "pager",
        "enabled": True,
        "endpoint": "https://hooks.example.com/other",
        "labels": [],
        "retryOnFailure": True,
        "secret": None,
        "secretHeaders": [],
        "space": {"id": "root"},
        "hasSecret": True,
    }
    assert await core.rows("select secret_sealed from webhook") == before


async def test_headers_are_set_one_by_one_and_only_their_names_are_shown(core, ada):
    made = await make(ada, "https://hooks.example.com/in")

    async def put(**pairs: str):
        entries = [{"key": k.replace("_", "-"), "value": v} for k, v in pairs.items()]
        answer = await ada.ask(SET, id=made, input={"entries": entries})
        return answer["namedWebhooksIntegrationSetHeaders"]["secretHeaders"]

    assert await put(X_One="1") == ["X-One"]
    assert await put(X_Two="2") == ["X-One", "X-Two"]
    assert await put(x_one="3") == ["x-one", "X-Two"]
    left = await ada.ask(UNSET, id=made, keys=["X-ONE", "never there"])
    assert left["namedWebhooksIntegrationDeleteHeaders"]["secretHeaders"] == ["X-Two"]
    trail = await core.rows("select body from audit_entry where action like 'named_webhook.%'")
    assert "s3cret" not in str(trail)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("X-A\r\nHost", "x"),
        ("X-A", "a\r\nX-B: c"),
        ("Host", "x"),
        ("content-length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("X-Signature-256", "sha256=0"),
        ("", "x"),
        ("X A", "x"),
        ("X-A", "ä"),
        ("X-A", "a" * 5000),
    ],
)
async def test_headers_that_would_change_the_request_are_refused(core, ada, key, value):
    made = await make(ada, "https://hooks.example.com/in")

    entries = [{"key": "X-Fine", "value": "1"}, {"key": key, "value": value}]
    _, code = await ada.refusal(SET, id=made, input={"entries": entries})

    assert code == "BAD_WEBHOOK"
    assert await core.rows("select 1 from webhook_header") == []


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("https:/x", "BAD_WEBHOOK"),
        ("", "BAD_WEBHOOK"),
        ("ftp://hooks.example.com/", "BAD_WEBHOOK"),
        ("https://me:pw@hooks.example.com/", "BAD_WEBHOOK"),
        ("http://169.254.169.254/latest/", "ADDRESS_REFUSED"),
        ("http://localhost/", "ADDRESS_REFUSED"),
        ("http://[::ffff:10.0.0.1]/", "ADDRESS_REFUSED"),
    ],
)
async def test_endpoints_that_are_none_or_lead_inside_are_refused(core, ada, stack, endpoint, code):
    for document, given in (
        (CREATE, {"input": named(endpoint)}),
        (STACK_CREATE, {"stack": stack.id, "input": of_stack(endpoint)}),
        (AUDIT_SET, {"input": of_audit(endpoint)}),
    ):
        message, found = await ada.refusal(document, **given)
        assert found == code
        assert ("endpoint must be a valid URL" in message) == (code == "BAD_WEBHOOK")

    assert await webhooks(core) == []


async def test_webhooks_are_seen_in_their_space_and_changed_by_its_admins(core, ada, robot):
    here, there = await space(ada, "Here"), await space(ada, "There")
    mine = await make(ada, "https://hooks.example.com/a", "mine", here)
    hidden = await make(ada, "https://hooks.example.com/b", "hidden", there)
    key, reader = await robot("reader")
    await give(ada, key, READER.id, here)
    key, admin = await robot("admin")
    await give(ada, key, ADMIN.id, here)

    for caller in (reader, admin):
        found = await caller.ask(SEARCH, input={})
        assert found["searchNamedWebhooksIntegrations"]["edges"] == [{"node": {"name": "mine"}}]
        assert (await caller.ask(ONE, id=hidden))["namedWebhooksIntegration"] is None
        counted = await caller.ask(VALUES, input={"fields": ["space", "enabled", "label"]})
        shown = counted["searchNamedWebhooksIntegrationsSuggestions"]
        assert shown["total"] == 1
        assert shown["fields"][0]["values"] == [{"value": here, "label": "Here", "count": 1}]
    before = await webhooks(core)
    for caller, webhook, code in (
        (reader, mine, "NOT_ALLOWED"),
        (reader, hidden, "NOT_FOUND"),
        (admin, hidden, "NOT_FOUND"),
    ):
        assert (await caller.refusal(DELETE, id=webhook))[1] == code
        assert (await caller.refusal(TEST, id=webhook))[1] == code
        assert (await caller.refusal(LOG, id=webhook))[1] == code
        assert (await caller.refusal(TRACE, webhook=webhook, id="x"))[1] == code
        assert (await caller.refusal(SET, id=webhook, input={"entries": []}))[1] == code
        assert (await caller.refusal(UNSET, id=webhook, keys=[]))[1] == code
        wanted = named("https://evil.example.com/", where=here)
        assert (await caller.refusal(UPDATE, id=webhook, input=wanted))[1] == code
    # Nor may it be moved to where one may not make any.
    moved = named("https://hooks.example.com/a", "mine", there)
    assert (await admin.refusal(UPDATE, id=mine, input=moved))[1] == "NOT_FOUND"
    assert await webhooks(core) == before
    await admin.ask(DELETE, id=mine)
    assert len(await webhooks(core)) == 1


async def test_a_space_that_holds_a_webhook_is_not_empty(core, ada):
    here = await space(ada, "Here")
    await make(ada, "https://hooks.example.com/a", "mine", here)

    message, code = await ada.refusal(
        "mutation ($space: ID!) { spaceDelete(space: $space) { id } }", space=here
    )

    assert code == "SPACE_NOT_EMPTY"
    assert "1 webhook" in message


# -- trying one out


async def test_a_test_is_sent_at_once_and_shows_what_came_of_it(core, ada, receiver):
    made = await make(ada, f"{receiver.url}/in", enabled=False)
    entries = [{"key": "Authorization", "value": "Bearer s3cret-token"}]
    await ada.ask(SET, id=made, input={"entries": entries})

    tested = (await ada.ask(TEST, id=made))["webhookTest"]

    assert (tested["state"], tested["statusCode"], tested["attempts"]) == ("DELIVERED", 200, 1)
    (call,) = receiver.calls
    assert call.headers["authorization"] == "Bearer s3cret-token"
    assert json.loads(call.body)["event"] == "test"
    found = await ada.ask(TRACE, webhook=made, id=tested["id"])
    trace = found["webhookDelivery"]["trace"]
    assert trace["requestBody"] == call.body.decode()
    assert trace["answerBody"] == "thank you"
    assert trace["privateHeaders"] == ["Authorization"]
    assert "s3cret" not in json.dumps(found)


async def test_a_test_that_fails_says_why_and_counts_for_nothing(core, ada, receiver):
    made = await make(ada, f"{receiver.url}/500")

    tested = (await ada.ask(TEST, id=made))["webhookTest"]

    assert (tested["state"], tested["error"]) == ("FAILED", "The endpoint answered 500.")
    assert await core.rows("select failures from webhook") == [(0,)]


async def test_deliveries_are_listed_the_newest_first_in_pages(core, ada, receiver):
    made = await make(ada, f"{receiver.url}/in")
    ids = [(await ada.ask(TEST, id=made))["webhookTest"]["id"] for _ in range(3)]

    page = """
    query ($id: ID!, $after: String) {
      searchWebhookDeliveries(webhook: $id, input: {first: 2, after: $after}) {
        edges { node { id } } pageInfo { endCursor hasNextPage }
      }
    }
    """
    first = (await ada.ask(page, id=made))["searchWebhookDeliveries"]
    after = first["pageInfo"]["endCursor"]
    second = (await ada.ask(page, id=made, after=after))["searchWebhookDeliveries"]

    shown = [edge["node"]["id"] for edge in first["edges"] + second["edges"]]
    assert shown == ids[::-1]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


async def test_a_delivery_is_found_under_its_own_webhook_only(core, ada, receiver):
    one, other = await make(ada, f"{receiver.url}/a"), await make(ada, f"{receiver.url}/b", "other")
    tested = (await ada.ask(TEST, id=one))["webhookTest"]["id"]

    assert (await ada.ask(TRACE, webhook=other, id=tested))["webhookDelivery"] is None


# -- those of stacks


async def test_a_stacks_webhooks_are_read_with_the_stack(core, ada, stack):
    made = await ada.ask(
        STACK_CREATE, stack=stack.id, input=of_stack("https://hooks.example.com/in")
    )
    made = made["webhooksIntegrationCreate"]
    assert (made["enabled"], made["secret"], made["deleted"]) == (True, "", False)
    sealed = await core.rows("select secret_sealed from webhook")

    wanted = of_stack("https://hooks.example.com/other", enabled=False, secret="")
    await ada.ask(STACK_UPDATE, stack=stack.id, id=made["id"], input=wanted)

    shown = (await ada.ask(OF_STACK, id=stack.id))["stack"]["integrations"]["webhooks"]
    assert shown == [
        {
            "id": made["id"],
            "endpoint": "https://hooks.example.com/other",
            "enabled": False,
            "secret": "",
        }
    ]
    assert await core.rows("select secret_sealed from webhook") == sealed
    gone = await ada.ask(STACK_DELETE, stack=stack.id, id=made["id"])
    assert gone["webhooksIntegrationDelete"]["deleted"] is True
    assert await webhooks(core) == []


async def test_only_whoever_manages_a_stack_sets_its_webhooks(core, ada, robot, stack):
    made = await ada.ask(
        STACK_CREATE, stack=stack.id, input=of_stack("https://hooks.example.com/in")
    )
    webhook = made["webhooksIntegrationCreate"]["id"]
    key, reader = await robot("reader")
    await give(ada, key, READER.id, "root")
    _, stranger = await robot("stranger")
    before = await webhooks(core)

    for caller, code in ((reader, "NOT_ALLOWED"), (stranger, "NOT_FOUND")):
        wanted = of_stack("https://evil.example.com/")
        for document, given in (
            (STACK_CREATE, {"stack": stack.id, "input": wanted}),
            (STACK_UPDATE, {"stack": stack.id, "id": webhook, "input": wanted}),
            (STACK_DELETE, {"stack": stack.id, "id": webhook}),
            (TEST, {"id": webhook}),
            (LOG, {"id": webhook}),
        ):
            assert (await caller.refusal(document, **given))[1] == code

    assert await webhooks(core) == before


async def test_a_webhook_is_not_reached_through_another_stack(core, ada, stack):
    other = await given_a_stack(core, await given_a_pool(core, "others", key=1), "Other")
    made = await ada.ask(
        STACK_CREATE, stack=stack.id, input=of_stack("https://hooks.example.com/in")
    )
    webhook = made["webhooksIntegrationCreate"]["id"]

    assert (await ada.refusal(STACK_DELETE, stack=other.id, id=webhook))[1] == "NOT_FOUND"
    assert len(await webhooks(core)) == 1


# -- the audit trail's


async def test_the_audit_trail_is_sent_where_a_test_arrived(core, ada, receiver):
    wanted = of_audit(
        f"{receiver.url}/in", customHeaders={"entries": [{"key": "X-Team", "value": "ops"}]}
    )

    made = (await ada.ask(AUDIT_SET, input=wanted))["auditTrailSetWebhook"]

    assert (made["enabled"], made["secret"], made["secretHeaders"]) == (True, "", ["X-Team"])
    (call,) = receiver.calls
    tried = json.loads(call.body)
    assert (tried["action"], tried["context"]) == (
        "audit_trail_webhook.set",
        {"mutation": "auditTrailSetWebhook"},
    )
    assert call.headers["x-team"] == "ops"
    assert call.headers["x-signature-256"].startswith("sha256=")
    assert "s3cret" not in call.body.decode()
    # What it is told next is that it was set.
    await deliveries.look(core.db)
    await core.drain()
    assert [json.loads(one.body)["action"] for one in receiver.calls] == [
        "audit_trail_webhook.set"
    ] * 2


async def test_an_endpoint_that_does_not_take_a_test_is_not_saved(core, ada, receiver):
    message, code = await ada.refusal(AUDIT_SET, input=of_audit(f"{receiver.url}/500"))

    assert code == "WEBHOOK_TEST_FAILED"
    assert "The endpoint answered 500." in message
    assert await webhooks(core) == []
    assert (await ada.ask(AUDIT))["auditTrailWebhook"] is None
    # One that is not to be used yet is saved as it is.
    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/500", enabled=False))
    assert len(receiver.calls) == 1


async def test_a_change_is_tried_out_with_the_secret_and_headers_that_are_kept(ada, receiver):
    headers = {"entries": [{"key": "X-Team", "value": "ops"}]}
    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/in", customHeaders=headers))

    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/in", secret="", includeRuns=True))

    first, second = receiver.calls
    assert second.headers["x-team"] == "ops"
    assert "x-signature" in second.headers
    assert first.headers["x-gantry-delivery"] != second.headers["x-gantry-delivery"]


async def test_headers_of_the_audit_trails_webhook_are_merged_and_removed(ada, receiver):
    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/in"))
    put = """
    mutation ($input: AuditTrailWebhookSetHeadersInput!) {
      auditTrailWebhookSetHeaders(input: $input) { secretHeaders }
    }
    """
    drop = """
    mutation ($input: AuditTrailWebhookDeleteHeadersInput!) {
      auditTrailWebhookDeleteHeaders(input: $input) { secretHeaders }
    }
    """

    await ada.ask(put, input={"entries": [{"key": "X-A", "value": "1"}]})
    both = await ada.ask(put, input={"entries": [{"key": "X-B", "value": "2"}]})
    left = await ada.ask(drop, input={"keys": ["x-a"]})

    assert both["auditTrailWebhookSetHeaders"]["secretHeaders"] == ["X-A", "X-B"]
    assert left["auditTrailWebhookDeleteHeaders"]["secretHeaders"] == ["X-B"]


async def test_the_audit_trails_webhook_is_for_root_admins(core, ada, robot, receiver):
    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/in"))
    ((webhook,),) = await core.rows("select id from webhook")
    here = await space(ada, "Here")
    key, admin = await robot("admin of a space")
    await give(ada, key, ADMIN.id, here)
    before, calls = await webhooks(core), len(receiver.calls)

    evil = of_audit("https://evil.example.com/")
    assert (await admin.refusal(AUDIT_SET, input=evil))[1] == "NOT_ALLOWED"
    assert (await admin.refusal(AUDIT_DELETE))[1] == "NOT_ALLOWED"
    assert (await admin.refusal(AUDIT))[1] == "NOT_ALLOWED"
    assert (await admin.refusal(LOG, id=webhook))[1] == "NOT_FOUND"
    assert (await admin.refusal(TEST, id=webhook))[1] == "NOT_FOUND"
    assert (await webhooks(core), len(receiver.calls)) == (before, calls)


async def test_roles_of_whoever_did_it_are_in_what_is_sent(core, ada, robot, receiver):
    key, admin = await robot("terraform")
    await give(ada, key, ADMIN.id, "root")
    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/in"))
    await space(admin, "Made by a program")

    await deliveries.look(core.db)
    await core.drain()

    told = [json.loads(call.body) for call in receiver.calls]
    (made,) = [one for one in told if one["action"] == "space.create"]
    assert made["actor_roles"] == ["space-admin"]
    assert made["actor"].startswith("api::")


async def test_roles_are_those_of_the_moment_also_of_groups(core, ada, robot, receiver):
    key, admin = await robot("terraform")
    async with core.db.write(SYSTEM) as tx:
        group = UserGroup(name="makers", created_at=tx.now, created_by="x")
        tx.session.add(group)
        await tx.session.flush()
        gift = Gift(Subject.GROUP, group.id, ADMIN.id, "root")
        (binding,) = await bindings.give(tx, [gift])
    await core.change("update api_key_traits set teams = '{makers}' where key_id = :id", id=key)
    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/in"))
    await space(admin, "Made by a member")
    await core.change("delete from role_binding where id = :id", id=binding.id)

    await deliveries.look(core.db)
    await core.drain()

    told = [json.loads(call.body) for call in receiver.calls]
    (made,) = [one for one in told if one["action"] == "space.create"]
    assert made["actor_roles"] == ["space-admin"]
    assert "actorRoles" not in json.dumps(made)


async def test_what_was_done_has_its_name_however_large_it_was(core, ada, receiver):
    await ada.ask(AUDIT_SET, input=of_audit(f"{receiver.url}/in"))
    large = {
        "name": "Large",
        "space": "root",
        "description": "x" * 4000,
        "labels": ["y" * 200] * 90,
    }
    await ada.ask("mutation ($i: ContextInput!) { contextCreateV2(input: $i) { id } }", i=large)

    await deliveries.look(core.db)
    await core.drain()

    told = [json.loads(call.body) for call in receiver.calls]
    (made,) = [one for one in told if one["action"] == "context.create"]
    assert made["context"] == {"mutation": "contextCreateV2"}
    assert made["data"]["args"] == "(cut)"
