"""A source is looked at for whoever may make a stack of it; nothing comes of that but an answer."""

from __future__ import annotations

import pytest
from gantry.domains.stacks import checks
from gantry.kernel.errors import NotAllowed, NotFound, Unauthenticated
from gantry.kernel.tx import ANONYMOUS

from tests.support.given import ADMIN, READER, STRANGER, everything

SOURCE = """
query ($input: SourceCheckInput!) { sourceCheck(input: $input) {
  repository { standing sentence code } branch { standing sentence code }
  projectRoot { standing sentence code }
  commit defaultBranch branches moreBranches directories moreDirectories
} }
"""
VERSION = """
query ($input: VersionCheckInput!) { versionCheck(input: $input) {
  version { standing sentence code } resolved offered
} }
"""


async def test_a_source_is_looked_at_and_nothing_is_made(core, ada):
    before = await everything(core)

    given = {"repositoryURL": core.source.url, "branch": "main", "projectRoot": ""}
    found = (await ada.ask(SOURCE, input=given))["sourceCheck"]

    assert [found[one]["standing"] for one in ("repository", "branch", "projectRoot")] == ["OK"] * 3
    assert (found["commit"], found["defaultBranch"]) == (core.source.second, "main")
    assert (found["branches"], found["moreBranches"]) == (["main", "side"], False)
    assert await everything(core) == before


async def test_what_was_not_given_is_not_looked_at(core, ada):
    found = (await ada.ask(SOURCE, input={"repositoryURL": core.source.url}))["sourceCheck"]

    assert found["repository"]["standing"] == "OK"
    assert (found["branch"], found["projectRoot"], found["commit"]) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "where", "code"),
    [
        ({"branch": "mian"}, "branch", "NO_SUCH_REF"),
        ({"branch": "a..b"}, "branch", "BAD_REPOSITORY"),
        ({"repositoryURL": "file:///nowhere/at/all"}, "repository", "REPOSITORY_UNREACHABLE"),
        ({"repositoryURL": "ftp://example.com/x"}, "repository", "BAD_REPOSITORY"),
        ({"repositoryURL": "https://ada:s3cret@example.com/x"}, "repository", "BAD_REPOSITORY"),
        ({"projectRoot": "gone"}, "projectRoot", None),
    ],
)
async def test_what_cannot_work_is_said_at_its_setting(core, ada, given, where, code):
    asked = {"repositoryURL": core.source.url, "branch": "main", "projectRoot": "", **given}
    found = (await ada.ask(SOURCE, input=asked))["sourceCheck"]

    assert (found[where]["standing"], found[where]["code"]) == ("PROBLEM", code)
    assert "s3cret" not in str(found)


async def test_only_who_may_make_stacks_there_is_answered(core, nobody, ada):
    given = {"repositoryURL": core.source.url}

    message, code = await nobody.refusal(SOURCE, input=given)
    assert code == "UNAUTHENTICATED"
    for document in (SOURCE, VERSION):
        more = {**given} if document is SOURCE else {"tool": "TERRAFORM"}
        message, code = await ada.refusal(document, input={**more, "space": "elsewhere"})
        assert (message, code) == ("space elsewhere not found", "NOT_FOUND")

    for actor, error in ((READER, NotAllowed), (STRANGER, NotFound), (ANONYMOUS, NotFound)):
        async with core.db.read(actor) as tx:
            with pytest.raises((error, Unauthenticated)):
                await checks.require_may_create(tx, None)
    async with core.db.read(ADMIN) as tx:
        await checks.require_may_create(tx, None)


async def test_a_version_comes_to_what_workers_used_lately(core, ada):
    given = {"tool": "TERRAFORM", "version": "~> 1.5"}
    found = (await ada.ask(VERSION, input=given))["versionCheck"]
    assert (found["version"]["standing"], found["resolved"]) == ("UNKNOWN", None)

    found = (await ada.ask(VERSION, input={**given, "version": "the newest"}))["versionCheck"]
    assert (found["version"]["standing"], found["version"]["code"]) == ("PROBLEM", "BAD_STACK")


async def test_the_spaces_that_somebody_may_see_are_listed(ada, nobody):
    assert (await ada.ask("{ spaces { id name accessLevel } }"))["spaces"] == [
        {"id": "root", "name": "root", "accessLevel": "ADMIN"}
    ]
    assert (await nobody.refusal("{ spaces { id } }"))[1] == "UNAUTHENTICATED"
