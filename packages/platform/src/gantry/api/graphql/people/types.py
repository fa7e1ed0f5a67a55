"""API keys and sessions as the API shows them."""

from __future__ import annotations

import enum

import strawberry

from gantry.api.graphql.account.types import SpaceAccessLevel, User
from gantry.api.graphql.context import Info
from gantry.api.graphql.people.rules import SpaceAccessRule, load_given, rules_view
from gantry.api.graphql.roles.types import ApiKeyRoleBinding
from gantry.api.graphql.shared.convert import seconds, seconds_or_none
from gantry.domains.people import federation, repo
from gantry.domains.people.model import ApiKey as KeyModel
from gantry.domains.people.service import API_KEY_SOURCE
from gantry.domains.people.sessions import OpenSession
from gantry.domains.roles import repo as roles
from gantry.domains.roles.model import RoleBinding
from gantry.ports.issuers import Trust


@strawberry.enum
class ApiKeyType(enum.Enum):
    """Words of the API."""

    SECRET = "SECRET"  # noqa: S105 - a word of the API
    OIDC = "OIDC"


@strawberry.type
class ClaimMappingEntry:
    """See the API reference."""

    name: str
    value: str


@strawberry.type
class ClaimMapping:
    """See the API reference."""

    entries: list[ClaimMappingEntry]


@strawberry.type(name="ApiKeyOIDCSettings")
class ApiKeyOidcSettings:
    """See the API reference."""

    issuer: str
    client_id: str
    subject_expression: str
    claim_mapping: ClaimMapping


@strawberry.input
class ClaimMappingEntryInput:
    """See the API reference."""

    name: str
    value: str


@strawberry.input
class ClaimMappingInput:
    """See the API reference."""

    entries: list[ClaimMappingEntryInput]


@strawberry.input(name="ApiKeyInputOIDC")
class ApiKeyInputOidc:
    """See the API reference."""

    issuer: str
    client_id: str
    subject_expression: str
    claim_mappings: ClaimMappingInput | None = None


@strawberry.input
class ApiKeyInput:
    """See the API reference."""

    name: str
    admin: bool
    teams: list[str] = strawberry.field(default_factory=list)
    machine: bool | None = None
    description: str | None = None
    expires_at: int | None = None
    oidc: ApiKeyInputOidc | None = None


@strawberry.input
class ApiKeyUpdateInput:
    """See the API reference."""

    name: str | None = None
    description: str | None = None
    teams: list[str] | None = None
    oidc_claim_mappings: ClaimMappingInput | None = None


@strawberry.type(description="A program's way in.")
class ApiKey:
    """A key: `model` is the row."""

    model: strawberry.Private[KeyModel]
    given: strawberry.Private[str | None] = None

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Its ULID: what `apiKeyUser` takes."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def name(self) -> str:
        """What it is called."""
        return self.model.name

    @strawberry.field
    def description(self) -> str:
        """What it is for."""
        return self.model.description or ""

    @strawberry.field
    async def type(self, info: Info) -> ApiKeyType:
        """What is exchanged for a token: its secret, or a token of an issuer that it trusts."""
        return ApiKeyType.SECRET if await self._trust(info) is None else ApiKeyType.OIDC

    @strawberry.field
    def admin(self) -> bool:
        """Whether it may do everything; otherwise it may do what it is given roles for."""
        return self.model.admin

    @strawberry.field
    def secret(self) -> str | None:
        """In the answer of `apiKeyCreate`, and never again."""
        return self.given

    @strawberry.field
    def creator(self) -> str:
        """The login of whoever made it."""
        return self.model.created_by

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def last_used_at(self) -> int | None:
        """Unix seconds of the last sign-in with it."""
        return seconds_or_none(self.model.last_used_at)

    @strawberry.field
    def expires_at(self) -> int | None:
        """Unix seconds from which on it opens nothing; none: never."""
        return seconds_or_none(self.model.expires_at)

    @strawberry.field
    def deleted(self) -> bool:
        """Whether it is gone."""
        return self.model.deleted_at is not None

    @strawberry.field
    def is_machine_user(self) -> bool:
        """Keys are for programs."""
        return True

    @strawberry.field
    async def teams(self, info: Info) -> list[str]:
        """Groups that it counts as a member of."""
        return await self._teams(info)

    @strawberry.field
    async def team_count(self, info: Info) -> int:
        """How many groups it is in."""
        return len(await self._teams(info))

    @strawberry.field
    async def space_count(self, info: Info) -> int:
        """In how many spaces it has roles of its own, of those that the caller may see."""
        return len({one.space_id for one in await self._given(info)})

    @strawberry.field
    async def access_rules(self, info: Info) -> list[SpaceAccessRule]:
        """The levels that it has by space. Keys that may do everything are admins of the root."""
        everywhere = [
            SpaceAccessRule(space=strawberry.ID("root"), space_access_level=SpaceAccessLevel.ADMIN)
        ]
        return (everywhere if self.model.admin else []) + rules_view(await self._given(info))

    @strawberry.field
    async def api_key_role_bindings(self, info: Info) -> list[ApiKeyRoleBinding]:
        """What it is given, in spaces that the caller may see."""
        return [ApiKeyRoleBinding(model=one) for one in await self._given(info)]

    @strawberry.field
    async def oidc_settings(self, info: Info) -> ApiKeyOidcSettings | None:
        """Whose tokens it takes; none for a key with a secret."""
        traits = await info.context.load(repo.traits_by_ids, self.model.id)
        if traits is None or (trusted := federation.trust(traits)) is None:
            return None
        entries = [ClaimMappingEntry(name=name, value=to) for name, to in traits.claim_mapping]
        return ApiKeyOidcSettings(
            issuer=trusted.issuer,
            client_id=trusted.client_id,
            subject_expression=trusted.subject_expression,
            claim_mapping=ClaimMapping(entries=entries),
        )

    @strawberry.field
    async def open_sessions(self, info: Info) -> int:
        """How many sessions that were opened with it go on; they end with the key."""
        return await info.context.load(repo.open_sessions_of_keys, self.model.id) or 0

    async def _teams(self, info: Info) -> list[str]:
        traits = await info.context.load(repo.traits_by_ids, self.model.id)
        return [] if traits is None else traits.teams

    async def _given(self, info: Info) -> list[RoleBinding]:
        return await load_given(info, roles.of_keys, self.model.id)

    async def _trust(self, info: Info) -> Trust | None:
        traits = await info.context.load(repo.traits_by_ids, self.model.id)
        return None if traits is None else federation.trust(traits)


@strawberry.type(description="A sign-in that goes on.")
class Session:
    """`current`: this request came with it. `machine`: it was opened with an API key."""

    id: strawberry.ID
    created_at: int
    valid_until: int
    creator_ip: str | None = strawberry.field(name="creatorIP")
    current: bool
    machine: bool
    user: User


def session_view(one: OpenSession, current: str | None) -> Session:
    """A session; `current` is the id of the one that the request came with."""
    row = one.session
    return Session(
        id=strawberry.ID(row.id),
        created_at=seconds(row.created_at),
        valid_until=seconds(row.expires_at),
        creator_ip=row.address,
        current=row.id == current,
        machine=row.api_key_id is not None,
        user=_owner(one),
    )


def _owner(one: OpenSession) -> User:
    if one.user is not None:
        login = f"{one.user.source}::{one.user.username}"
        owner, name, kind = login, one.user.username, "user"
    else:
        owner = one.key.id if one.key else ""
        login, kind = f"{API_KEY_SOURCE}::{owner}", "api_key"
        name = one.key.name if one.key else ""
    return User(id=strawberry.ID(owner), login=login, name=name, type=kind, jwt="", valid_until=0)
