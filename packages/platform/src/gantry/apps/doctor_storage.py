"""The doctor's look at object storage: what goes in and comes out, and how long it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from gantry.apps.remote_storage import bucket_looks
from gantry.apps.setting_groups.storage import StorageType
from gantry.apps.settings import Settings
from gantry.infra.bucket_looks import AzureLooks, BucketLooks, Keeping, Unseen
from gantry.infra.local_objects import RETENTION
from gantry.infra.object_probe import probe
from gantry.infra.objects import RemoteObjects
from gantry.infra.tls import Trust
from gantry.ports.findings import Finding, bad, good, odd
from gantry.ports.objects import Bucket, Objects, StorageDown

CLOCKS_APART = timedelta(seconds=2)
"""Histories of several processes mix up beyond that; tokens bear minutes."""

TO_THE_SECOND = timedelta(seconds=1)
"""What a date in an HTTP header leaves open, with the way there and back."""

FOR_EVER = (Bucket.STATES, Bucket.MODULES)
"""Nothing in them may go by its age alone (deployment contract, "Object storage")."""

WORKSPACES_LAST = timedelta(days=7)
"""The contract's figure for runs that wait for a decision."""

LOOK_YOURSELF = 'Compare it with "Buckets" in docs/operations.md.'


async def examine(settings: Settings, objects: Objects, trust: Trust) -> AsyncIterator[Finding]:
    """Every bucket: by our own credentials, by URL as workers and browsers do, and its keeping.

    What is written is removed again.
    """
    apart: list[timedelta] = []
    for bucket in Bucket:
        finding, ahead = await _bucket(settings, objects, bucket, trust)
        apart += [] if ahead is None else [abs(ahead)]
        yield finding
    if apart:
        yield _clock(min(apart))
    if isinstance(objects, RemoteObjects):
        async for finding in _kept(settings, objects, trust):
            yield finding


async def _bucket(
    settings: Settings, objects: Objects, bucket: Bucket, trust: Trust
) -> tuple[Finding, timedelta | None]:
    what = f"bucket {bucket.value}"
    try:
        verify = False if settings.minio_allow_insecure else trust.context()
        ahead = await probe(objects, bucket, verify=verify)
    except StorageDown as error:
        remedy = (
            "Is GANTRY_DATA_DIR there, writable and shared, and does the server run?"
            if settings.object_storage_type is StorageType.LOCAL
            else f"Check OBJECT_STORAGE_BUCKET_{bucket.name}, rights, and the way there."
        )
        return bad(what, error.detail or error.message, remedy), None
    return good(what, "takes and gives, also by URL"), ahead


def _clock(apart: timedelta) -> Finding:
    what = "clock of storage"
    if apart > CLOCKS_APART + TO_THE_SECOND:
        says = f"it and this machine's are {apart.total_seconds():.0f} s apart"
        remedy = "Let this machine follow a time server (NTP): signed URLs would end early or late."
        return odd(what, says, remedy)
    return good(what, "as this machine's")


async def _kept(settings: Settings, objects: RemoteObjects, trust: Trust) -> AsyncIterator[Finding]:
    if settings.object_storage_type is StorageType.AZURE:
        async for finding in _kept_in_azure(objects):
            yield finding
        return
    try:
        looks = await asyncio.to_thread(bucket_looks, settings, trust)
    except Unseen as error:
        yield odd("buckets", f"how they keep things cannot be seen: {error}", LOOK_YOURSELF)
        return
    if looks is not None:
        for bucket in Bucket:
            yield await _look(settings, looks, bucket)


async def _look(settings: Settings, looks: BucketLooks, bucket: Bucket) -> Finding:
    what = f"keeping of {bucket.value}"
    try:
        keeping = await looks.look(bucket)
    except Unseen as error:
        remedy = (
            "Allow storage.buckets.get, for a moment or for good. "
            if settings.object_storage_type is StorageType.GCP
            else "Allow s3:GetBucketVersioning and s3:GetLifecycleConfiguration. "
        )
        return odd(what, f"cannot be seen: {error}", remedy + LOOK_YOURSELF)
    return judged(bucket, keeping, logs_last=timedelta(days=settings.run_log_retention_days))


def judged(bucket: Bucket, keeping: Keeping, *, logs_last: timedelta) -> Finding:
    """Whether a bucket keeps its objects as long as they are needed, and not for ever."""
    what, variable = f"keeping of {bucket.value}", f"OBJECT_STORAGE_BUCKET_{bucket.name}"
    soonest = keeping.some_go_after
    if bucket in FOR_EVER and soonest is not None:
        says = f"objects go when they are {_days(soonest)} old, and are needed for ever"
        return bad(what, says, f"Take that rule out of the lifecycle of {variable}, at once.")
    needed = {
        **RETENTION,
        Bucket.RUN_LOGS: logs_last,
        Bucket.WORKSPACE: WORKSPACES_LAST,
    }.get(bucket)
    if needed is not None and soonest is not None and soonest < needed:
        says = f"objects go when they are {_days(soonest)} old, and are needed for {_days(needed)}"
        return odd(what, says, f"Let the lifecycle of {variable} keep them longer.")
    if bucket in RETENTION and keeping.goes_after is None:
        remedy = f"Let a lifecycle rule of {variable} delete them after {_days(RETENTION[bucket])}."
        return odd(what, "nothing deletes old objects", remedy)
    if bucket is Bucket.STATES and not keeping.versions:
        says = "no earlier versions are kept: a state that is deleted is gone"
        return odd(what, says, f"Switch on versioning of {variable}.")
    stay = "stay" if keeping.goes_after is None else f"go after {_days(keeping.goes_after)}"
    return good(what, f"objects {stay}{', with versions' if keeping.versions else ''}")


async def _kept_in_azure(objects: RemoteObjects) -> AsyncIterator[Finding]:
    what = "keeping of states"
    try:
        if await AzureLooks(objects).versions(Bucket.STATES):
            yield good(what, "earlier versions are kept")
        else:
            says = "no earlier versions are kept: a state that is deleted is gone"
            yield odd(what, says, "Switch on versioning of the storage account.")
    except Unseen as error:
        yield odd(what, f"cannot be seen: {error}", LOOK_YOURSELF)
    says = "rules that delete objects are the account's, and cannot be seen from here"
    yield odd("keeping", says, LOOK_YOURSELF)


def _days(age: timedelta) -> str:
    return "1 day" if age.days == 1 else f"{age.days} days"
