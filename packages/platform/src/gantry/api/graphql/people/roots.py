"""Root fields of API keys and sessions."""

from __future__ import annotations

from datetime import UTC, datetime

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.people.types import (
    ApiKey,
    ApiKeyInput,
    ApiKeyInputOidc,
    ApiKeyUpdateInput,
    ClaimMappingInput,
    Session,
    session_view,
)
from gantry.domains.people import account_settings, api_keys, sessions
from gantry.domains.people.api_keys import Federation, Wanted
from gantry.domains.roles import bindings
from gantry.kernel.errors import NotFound
from gantry.ports.issuers import Trust


@strawberry.type
class PeopleQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def api_key(self, info: Info, id: strawberry.ID) -> ApiKey | None:
        """A key, without its secret."""
        async with info.context.read() as tx:
            try:
                return ApiKey(model=await api_keys.find(tx, str(id)))
            except NotFound:
                return None

    @query(SIGNED_IN)
    async def api_keys(self, info: Info) -> list[ApiKey]:
        """Every key, without its secret; for who is no root admin, those that they made."""
        async with info.context.read() as tx:
            return [ApiKey(model=key) for key in await api_keys.listed(tx)]

    @query(SIGNED_IN)
    async def api_keys_managed_by_non_root_admins(self, info: Info) -> bool:
        """Whether admins of single spaces may make keys too."""
        async with info.context.read() as tx:
            return await api_keys.let_space_admins(tx)

    @query(SIGNED_IN)
    async def sessions(self, info: Info, everybody: bool = False) -> list[Session]:
        """The caller's own sessions that go on, or everybody's, the newest first."""
        async with info.context.read() as tx:
            found = await sessions.listed(tx, everybody=everybody)
        return [session_view(one, info.context.actor.session_id) for one in found]


@strawberry.type
class PeopleMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def api_key_create(self, info: Info, input: ApiKeyInput) -> ApiKey:
        """A new key; its secret is in this answer and nowhere else."""
        wanted = Wanted(
            name=input.name,
            admin=input.admin,
            description=input.description or "",
            expires_at=_moment(input.expires_at),
            teams=input.teams,
        )
        house, secret = info.context.house, None
        async with info.context.write() as tx:
            if input.oidc is None:
                key, secret = await api_keys.create(tx, house.passwords, wanted)
            else:
                federation = _federation(input.oidc)
                key = await api_keys.create_federated(tx, house.issuers, wanted, federation)
            info.context.about(key.id)
        return ApiKey(model=key, given=None if secret is None else secret.reveal())

    @mutation(SIGNED_IN)
    async def api_key_update(
        self, info: Info, id: strawberry.ID, input: ApiKeyUpdateInput
    ) -> ApiKey:
        """Call a key something else, or put it into other groups."""
        claims = input.oidc_claim_mappings
        async with info.context.write() as tx:
            key = await api_keys.update(
                tx,
                str(id),
                name=input.name,
                description=input.description,
                teams=input.teams,
                mapping=None if claims is None else _mapping(claims),
            )
        return ApiKey(model=key)

    @mutation(SIGNED_IN)
    async def api_key_delete(self, info: Info, id: strawberry.ID) -> ApiKey | None:
        """The key opens nothing any more, and sessions that were opened with it end."""
        async with info.context.write() as tx:
            return ApiKey(model=await bindings.delete_key(tx, str(id)))

    @mutation(SIGNED_IN)
    async def api_key_enable_non_root_managers(self, info: Info, enable: bool) -> bool:
        """Whether admins of single spaces may make keys, for what they can give there."""
        async with info.context.write() as tx:
            await account_settings.let_space_admins_manage_keys(tx, enable)
        return enable

    @mutation(SIGNED_IN)
    async def session_delete(self, info: Info, id: strawberry.ID) -> Session | None:
        """End a session: one's own, or for root admins anybody's."""
        async with info.context.write() as tx:
            ended = await sessions.end(tx, str(id))
        return session_view(ended, info.context.actor.session_id)

    @mutation(SIGNED_IN)
    async def session_delete_all(self, info: Info, everybody: bool = False) -> list[Session]:
        """End all of the caller's sessions but this one, or everybody's but this one."""
        async with info.context.write() as tx:
            ended = await sessions.end_others(tx, everybody=everybody)
        return [session_view(one, info.context.actor.session_id) for one in ended]


def _federation(given: ApiKeyInputOidc) -> Federation:
    trust = Trust(given.issuer, given.client_id, given.subject_expression)
    return Federation(trust, _mapping(given.claim_mappings) if given.claim_mappings else ())


def _mapping(given: ClaimMappingInput) -> list[tuple[str, str]]:
    return [(entry.name, entry.value) for entry in given.entries]


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
