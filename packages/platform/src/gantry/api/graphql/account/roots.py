"""Root fields of the account and of whoever is signed in."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from gantry.api.graphql.account.types import (
    AccountUpdateDefaultWorkerPoolRunnerImagesResult,
    DataPoint,
    DebugInfo,
    Metrics,
    MetricsInput,
    MetricsRange,
    Usage,
    User,
)
from gantry.api.graphql.account.views import user_view
from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import PUBLIC, SIGNED_IN, mutation, query
from gantry.domains.accounts import service as accounts
from gantry.domains.people import access, account_settings, federation, user_repo
from gantry.domains.people import service as people
from gantry.domains.runs import repo as runs
from gantry.domains.stacks import repo as stacks
from gantry.domains.tfstate import repo as tfstate
from gantry.kernel.tx import SYSTEM

UNNAMED = "unnamed"
"""The account before its first setup; clients want a name that is not empty."""
METRICS_WINDOW = timedelta(days=30)


@strawberry.type
class AccountQuery:
    """Reading."""

    @query(PUBLIC)
    async def viewer(self, info: Info) -> User | None:
        """Whoever is signed in; none when nobody is."""
        actor = info.context.actor
        return None if actor.kind == "anonymous" else user_view(actor)

    @query(SIGNED_IN)
    async def name(self, info: Info) -> str:
        """The account's name."""
        async with info.context.read() as tx:
            return (await accounts.get(tx)).name or UNNAMED

    @query(SIGNED_IN)
    def tier(self) -> str:
        """Every installation has everything."""
        return "SELF_HOSTED"

    @query(SIGNED_IN)
    def spacelift_aws_account_id(self) -> str:
        """The AWS account that assumes roles; zeros until a cloud integration is configured."""
        return "000000000000"

    @query(SIGNED_IN)
    async def security_email(self, info: Info) -> str | None:
        """The address for security matters that the account keeps; nothing is sent to it."""
        async with info.context.read() as tx:
            access.require_admin(tx)
            return (await accounts.get(tx)).security_email

    @query(SIGNED_IN)
    async def default_public_worker_pool_runner_image(self, info: Info) -> str | None:
        """The image of runs on the public pool whose stack names none."""
        async with info.context.read() as tx:
            return (await accounts.get(tx)).public_runner_image

    @query(SIGNED_IN)
    async def default_private_worker_pool_runner_image(self, info: Info) -> str | None:
        """The image of runs on private pools whose stack names none."""
        async with info.context.read() as tx:
            return (await accounts.get(tx)).private_runner_image

    @query(SIGNED_IN, name="outgoingIPAddresses")
    def outgoing_ip_addresses(self) -> list[str]:
        """Addresses that requests come from; an installation does not know its own."""
        return []

    @query(PUBLIC)
    def debug_info(self, info: Info) -> DebugInfo:
        """The empty version tells clients that every command is understood."""
        return DebugInfo(self_hosted_version="")

    @query(SIGNED_IN)
    def kubectl_versions(self) -> list[str]:
        """None: workers of this release run Terraform and OpenTofu, and nothing else."""
        return []

    @query(SIGNED_IN)
    def open_tofu_versions(self, info: Info) -> list[str]:
        """What the operator offers; empty: any version is accepted."""
        return list(info.context.house.opentofu_versions)

    @query(SIGNED_IN)
    def terraform_versions(self, info: Info) -> list[str]:
        """What the operator offers; empty: any version is accepted."""
        return list(info.context.house.terraform_versions)

    @query(SIGNED_IN)
    def terragrunt_versions(self) -> list[str]:
        """None: workers of this release run Terraform and OpenTofu, and nothing else."""
        return []

    @query(SIGNED_IN)
    async def usage(self, info: Info) -> Usage:
        """Minutes of work since the first of the month, in UTC, and people who have signed in since
        then. Nothing is billed.
        """
        async with info.context.look_back() as tx:
            access.require_admin(tx)
            start = tx.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            end = (start + timedelta(days=32)).replace(day=1)
            public = await runs.worked_seconds(tx, start, public=True)
            private = await runs.worked_seconds(tx, start, public=False)
            seats = await user_repo.seats(tx, start)
        return Usage(
            billing_period_start=int(start.timestamp()),
            billing_period_end=int(end.timestamp()),
            used_private_minutes=private // 60,
            used_public_minutes=public // 60,
            used_seats=seats,
        )

    @query(SIGNED_IN)
    async def metrics(self, info: Info) -> Metrics:
        """Counts of what the caller may see; durations are of the last 30 days, in seconds."""
        async with info.context.look_back() as tx:
            by_state = await stacks.counts_by_state(tx)
            mean, median = await runs.duration_stats(tx, tx.now - METRICS_WINDOW)
            any_run = await runs.any_run(tx)
            size = await tfstate.mean_resources(tx)
        return Metrics(
            has_stacks=bool(by_state),
            has_runs=any_run,
            stacks_count_by_state=[
                DataPoint(value=count, labels=[state]) for state, count in sorted(by_state.items())
            ],
            resources_count_by_drift=[],
            avg_stack_size_by_resource_count=[]
            if size is None
            else [DataPoint(value=size, labels=[])],
            average_run_duration=[DataPoint(value=mean, labels=[])] if any_run else [],
            median_run_duration=[DataPoint(value=median, labels=[])] if any_run else [],
        )

    @query(SIGNED_IN)
    async def metrics_range(self, info: Info, input: MetricsInput | None = None) -> MetricsRange:
        """Whether there is anything to count."""
        async with info.context.read() as tx:
            by_state = await stacks.counts_by_state(tx)
            return MetricsRange(has_stacks=bool(by_state), has_runs=await runs.any_run(tx))


@strawberry.type
class AccountMutation:
    """Writing."""

    @mutation(PUBLIC)
    async def api_key_user(self, info: Info, id: strawberry.ID, secret: str) -> User | None:
        """Exchange an API key for a token; none when the key or the secret is wrong. For a key
        that trusts an issuer, the secret is a token of that issuer.
        """
        context = info.context
        trusted = await federation.trust_of(context.house.db, str(id))
        if trusted is not None:
            signed_in = await federation.sign_in(
                context.house.db,
                context.house.vault,
                context.house.issuers,
                key_id=str(id),
                trusted=trusted,
                token=secret,
                audience=context.house.base_url,
                address=context.address,
            )
            return None if signed_in is None else user_view(signed_in.actor, signed_in)
        async with context.house.db.write(SYSTEM) as tx:
            found = await people.sign_in_api_key(
                tx,
                context.house.vault,
                context.house.passwords,
                key_id=str(id),
                secret=secret,
                audience=context.house.base_url,
                address=context.address,
            )
        signed_in = people.arrived(found)
        return None if signed_in is None else user_view(signed_in.actor, signed_in)

    @mutation(SIGNED_IN)
    async def logout(self, info: Info) -> User | None:
        """End the session that this request came with."""
        async with info.context.write() as tx:
            await people.sign_out(tx)
        return user_view(info.context.actor)

    @mutation(SIGNED_IN)
    async def account_update_security_email(self, info: Info, security_email: str) -> str | None:
        """Keep an address for security matters, for whoever asks: nothing is sent to it. The empty
        text unsets it.
        """
        async with info.context.write() as tx:
            account = await account_settings.set_security_email(tx, security_email)
        return account.security_email

    @mutation(SIGNED_IN)
    async def account_update_default_worker_pool_runner_images(
        self,
        info: Info,
        private_worker_pool_runner_image: str | None = None,
        public_worker_pool_runner_image: str | None = None,
    ) -> AccountUpdateDefaultWorkerPoolRunnerImagesResult | None:
        """Images of runs whose stack names none; an empty text unsets, none keeps."""
        async with info.context.write() as tx:
            account = await account_settings.set_runner_images(
                tx,
                private=private_worker_pool_runner_image,
                public=public_worker_pool_runner_image,
            )
        return AccountUpdateDefaultWorkerPoolRunnerImagesResult(
            private_worker_pool_runner_image=account.private_runner_image,
            public_worker_pool_runner_image=account.public_runner_image,
        )
