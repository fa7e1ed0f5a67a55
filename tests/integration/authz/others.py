"""People and webhooks of the world: those of a team, and those of the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gantry.domains.identity_providers import service as providers
from gantry.domains.identity_providers import wanted
from gantry.domains.identity_providers.kinds import NameIdFormat
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.people import groups, users
from gantry.domains.people.model import ChannelKind
from gantry.domains.roles import bindings
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject
from gantry.domains.roles.rules import READER
from gantry.domains.webhooks import auditing
from gantry.domains.webhooks import service as webhooks
from gantry.domains.webhooks.kinds import DeliveryState
from gantry.domains.webhooks.model import Delivery
from gantry.kernel.ids import new_id
from gantry.kernel.secret import Secret

from tests.support.core import Core
from tests.support.given import ADMIN

if TYPE_CHECKING:
    from tests.integration.authz.world import Before, Team, World

NOBODY_LISTENS = "http://127.0.0.1:9"


async def hooks_of(core: Core, team: Team) -> None:
    """A named webhook and one of a stack, with a delivery."""
    mark = team.mark
    async with core.db.write(ADMIN) as tx:
        named = await webhooks.create_named(
            tx,
            core.vault,
            core.outward,
            webhooks.WantedNamed(
                f"{NOBODY_LISTENS}/{mark}",
                True,
                Secret("a secret of it"),
                name=f"Hook {mark}",
                space_id=team.space,
                labels=[mark],
            ),
        )
        await webhooks.put_headers(tx, core.vault, named, [(f"X-{mark}", "value")])
        wanted = webhooks.Wanted(f"{NOBODY_LISTENS}/{mark}", True, Secret("a secret of it"))
        stacks = await webhooks.put_of_stack(
            tx, core.vault, core.outward, team.ids["stack"], wanted
        )
        await tx.session.flush()
        delivery = Delivery(
            id=new_id(),
            webhook_id=named.id,
            event="run.state",
            body=f'{{"about": "{mark}"}}',
            state=DeliveryState.WAITING,
            created_at=tx.now,
            next_at=tx.now,
        )
        tx.session.add(delivery)
        await notifications.tell(
            tx,
            Group.WEBHOOK_SWITCHED_OFF,
            named.id,
            severity=Severity.WARNING,
            title=f"Hook {mark} was switched off",
            body=mark,
            space_id=team.space,
        )
        await notifications.tell(
            tx,
            Group.SOURCE_UNREACHABLE,
            team.ids["stack"],
            severity=Severity.WARNING,
            title=f"No branch {mark}",
            body=mark,
            stack_id=team.ids["stack"],
        )
    (told,) = await core.rows("select id from notification where about = :id", id=named.id)
    team.ids.update(webhook=named.id, delivery=delivery.id, notification=str(told[0]))
    team.ids["stack's webhook"] = stacks.id


async def people_of(world: World) -> None:
    """A user, a group and a channel, which are the installation's, given a role in each space; and
    the webhook of the audit trail.
    """
    core = world.core
    async with core.db.write(ADMIN) as tx:
        user = await users.invite(tx, username="uma", email="uma@example.test")
        group = await groups.create(tx, name="devs", description=None)
        channel = await groups.create_channel(
            tx, name="Chat", kind=ChannelKind.SLACK, slack_channel_id="C0123456789"
        )
        world.secrets.update(user=user.id, group=group.id, channel=channel.id)
        for team in (world.ours, world.theirs):
            for what, subject, one in (
                ("user", Subject.USER, user.id),
                ("group", Subject.GROUP, group.id),
            ):
                (made,) = await bindings.give(tx, [Gift(subject, one, READER.id, team.space)])
                team.ids[f"{what} binding"] = made.id
        await auditing.put(
            tx,
            core.vault,
            core.outward,
            auditing.WantedAudit(f"{NOBODY_LISTENS}/audit", False, Secret("a secret of it")),
        )


def provider(kind: str) -> Before:
    """People come by this provider, of which nobody has heard anything yet."""

    async def kept(world: World, caller: str) -> None:
        settings = {
            "oidc": lambda: wanted.oidc(
                client_id="gantry", client_secret="secret", provider_url="https://idp.test"
            ),
            "saml": lambda: wanted.saml(
                metadata="<x/>",
                dynamic=False,
                name_id_format=NameIdFormat.EMAIL_ADDRESS,
                mappings=[],
            ).with_setting("entity_id", "https://idp.test"),
            "github": lambda: wanted.github(
                client_id="gantry",
                client_secret="secret",
                organization="acme",
                address="https://github.test",
            ),
        }[kind]()
        async with world.core.db.write(ADMIN) as tx:
            await providers.create(tx, world.core.vault, settings)

    return kept
