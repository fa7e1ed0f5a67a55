"""The processes of an installation: `server`, `drain` and `scheduler`."""

from __future__ import annotations

import asyncio

import typer

from gantry.apps import presence, process, wiring
from gantry.apps.instrumentation import instrumented
from gantry.ports.objects import Bucket

DRAIN_BUCKETS = tuple(bucket for bucket in Bucket if bucket is not Bucket.UPLOADS)
"""A drain has nothing to do with what browsers upload (deployment contract §2)."""

backend = typer.Typer(
    help="The processes of an installation: `server` and `drain`.", no_args_is_help=True
)


@backend.command("server")
def server_command() -> None:
    """Serve the UI, the API, workers' calls, and the built-in MQTT broker.

    Listens on port 1983 (HTTP) and 1984 (MQTT), encrypted if certificates are named; otherwise
    something in front of both ends TLS. Needs SERVER_DOMAIN, MQTT_BROKER_ENDPOINT, DATABASE_URL
    and ENCRYPTION_RSA_PRIVATE_KEY; OBJECT_STORAGE_TYPE and bucket names unless objects are files
    here. Ends in order on SIGTERM. All variables: docs/reference/settings.md.
    """
    # Half of what a process loads is the API's, of which the others have no use.
    from gantry.apps.server import serve

    settings = process.settings_or_exit()

    async def main() -> None:
        opened = asyncio.Event()
        async with (
            wiring.core(settings, process="server") as core,
            instrumented(core, opened),
            presence.present(core, "server"),
        ):
            await serve(core, ready=opened)

    process.run(main)


@backend.command("drain")
def drain_command() -> None:
    """Work off jobs: fetch sources, start queued runs, archive logs.

    Needs the same variables as `server`. Any number may run; a job is done by one of them, and
    by another if that one dies.
    """
    settings = process.settings_or_exit(buckets=DRAIN_BUCKETS)

    async def main() -> None:
        async with (
            wiring.core(settings, process="drain") as core,
            instrumented(core),
            presence.present(core, "drain"),
        ):
            await wiring.drain(core)

    process.run(main)


# The name under which existing deployments start the same process.
backend.command("drain-local", hidden=True)(drain_command)


def scheduler_command() -> None:
    """Start periodic work when it is due. Any number may run; each tick fires once.

    Needs the same variables as `backend server`, but no buckets: the work itself is a drain's.
    """
    settings = process.settings_or_exit(buckets=())

    async def main() -> None:
        async with (
            wiring.core(settings, process="scheduler") as core,
            instrumented(core),
            presence.present(core, "scheduler"),
        ):
            await wiring.schedule(core)

    process.run(main)
