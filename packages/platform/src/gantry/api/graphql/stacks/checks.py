"""Root fields that look at a source and a version before a stack is made of them."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.domains.runs import repo as runs
from gantry.domains.stacks import checks
from gantry.domains.stacks.model import Vendor

strawberry.enum(
    checks.Standing,
    name="CheckStanding",
    description="How a setting stands: PROBLEM cannot work, WARNING is seldom meant, UNKNOWN could"
    " not be looked at or depends on something else.",
)


@strawberry.enum(description="A tool whose code and versions can be checked.")
class CheckedTool(enum.Enum):
    """Words of the API."""

    TERRAFORM = "TERRAFORM"
    OPENTOFU = "OPENTOFU"


VENDOR = {
    CheckedTool.TERRAFORM: Vendor.TERRAFORM,
    CheckedTool.OPENTOFU: Vendor.OPENTOFU,
}


@strawberry.type(description="How one setting of a stack that is about to be made stands.")
class SettingCheck:
    """A setting."""

    standing: checks.Standing
    sentence: str = strawberry.field(description="What was found, for whoever fills in the form.")
    code: str | None = strawberry.field(description="The error's code, if there is an error.")


@strawberry.input(description="Where a stack is to take its code from.")
class SourceCheckInput:
    """A source."""

    repository_url: str = strawberry.field(name="repositoryURL")
    space: strawberry.ID | None = strawberry.field(
        default=None, description="Where the stack is to be made; the root space for none."
    )
    branch: str | None = strawberry.field(default=None, description="Not looked at when empty.")
    project_root: str | None = strawberry.field(
        default=None, description="Not looked at when null; empty is the top of the repository."
    )
    tool: CheckedTool | None = strawberry.field(
        default=None, description="Whose code is looked for; Terraform's for none."
    )


@strawberry.type(description="What there is at a source; what was not asked about is null.")
class SourceCheck:
    """An answer."""

    repository: SettingCheck
    branch: SettingCheck | None
    project_root: SettingCheck | None
    commit: str | None = strawberry.field(description="The commit at the tip of the branch.")
    default_branch: str | None
    branches: list[str] = strawberry.field(description="Those that hold what was typed first.")
    more_branches: bool
    directories: list[str] = strawberry.field(
        description="Those with the tool's code; those that hold what was typed first."
    )
    more_directories: bool


@strawberry.input(description="Which version of a tool a stack is to have.")
class VersionCheckInput:
    """A version."""

    tool: CheckedTool
    space: strawberry.ID | None = strawberry.field(
        default=None, description="Where the stack is to be made; the root space for none."
    )
    version: str | None = strawberry.field(default=None, description="A version or a range.")


@strawberry.type(description="What a version or a range comes to.")
class VersionCheck:
    """An answer."""

    version: SettingCheck
    resolved: str | None = strawberry.field(description="The version, if it is known by now.")
    offered: list[str] = strawberry.field(
        description="What the operator offers; empty: any version is accepted."
    )


@strawberry.type
class CheckQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def source_check(self, info: Info, input: SourceCheckInput) -> SourceCheck:
        """Looks at a repository as for a stack of it; for whoever may make one there."""
        context = info.context
        async with context.read() as tx:
            await checks.require_may_create(tx, str(input.space) if input.space else None)
            now = tx.now
        source = checks.Source(
            input.repository_url,
            branch=input.branch,
            project_root=input.project_root,
            vendor=VENDOR[input.tool or CheckedTool.TERRAFORM],
        )
        house = context.house
        found = await house.checks.look(house.sources, context.actor, source, now=now)
        return SourceCheck(
            repository=_shown(found.repository),
            branch=_shown(found.branch) if found.branch else None,
            project_root=_shown(found.project_root) if found.project_root else None,
            commit=found.sha,
            default_branch=found.default_branch,
            branches=list(found.branches),
            more_branches=found.more_branches,
            directories=list(found.directories),
            more_directories=found.more_directories,
        )

    @query(SIGNED_IN)
    async def version_check(self, info: Info, input: VersionCheckInput) -> VersionCheck:
        """What a version comes to for a stack that is about to be made; for whoever may."""
        vendor = VENDOR[input.tool]
        async with info.context.read() as tx:
            await checks.require_may_create(tx, str(input.space) if input.space else None)
            used = await runs.versions_used(tx, vendor)
        house = info.context.house
        offered: Sequence[str] = (
            house.opentofu_versions if vendor is Vendor.OPENTOFU else house.terraform_versions
        )
        found, resolved = checks.version(vendor, input.version, offered=offered, used=used)
        return VersionCheck(version=_shown(found), resolved=resolved, offered=list(offered))


def _shown(checked: checks.Checked) -> SettingCheck:
    return SettingCheck(standing=checked.standing, sentence=checked.sentence, code=checked.code)
