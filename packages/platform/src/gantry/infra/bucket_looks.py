"""How long buckets keep what, as far as their provider tells: for whoever sets up an installation.

Nothing here changes a bucket. What cannot be seen is said so, and never guessed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import httpx2

from gantry.infra.aws import aws_client
from gantry.infra.google_token import TokenMissing, google_token
from gantry.infra.objects import RemoteObjects
from gantry.kernel.ids import new_id
from gantry.ports.objects import Bucket, StorageDown

if TYPE_CHECKING:
    from pathlib import Path

    from gantry.infra.object_stores import S3Access

GOOGLE = "https://storage.googleapis.com"
_TIMEOUT = 10.0  # seconds for one answer about a bucket


@dataclass(frozen=True, slots=True)
class Keeping:
    """What becomes of objects in a bucket that nobody deletes."""

    versions: bool
    """Whether what is overwritten or deleted is kept as an earlier version."""
    goes_after: timedelta | None
    """The age at which a rule deletes every object; None when there is no such rule."""
    some_go_after: timedelta | None
    """The age at which the earliest rule deletes some objects, or every object; None likewise."""


class Unseen(Exception):
    """The provider does not tell, and why; the message ends no sentence."""


class BucketLooks(Protocol):
    """Looks at buckets by way of their provider's own settings."""

    async def look(self, bucket: Bucket) -> Keeping:
        """How the bucket keeps its objects. Raises Unseen."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that deletes current objects at an age: all of them, or some."""

    age: timedelta
    all_objects: bool


def kept(*, versions: bool, rules: Sequence[Rule]) -> Keeping:
    """What the rules amount to."""
    return Keeping(
        versions=versions,
        goes_after=min((rule.age for rule in rules if rule.all_objects), default=None),
        some_go_after=min((rule.age for rule in rules), default=None),
    )


# ------------------------------------------------------------------ S3


class S3Looks:
    """Buckets in S3, and in what speaks its language. Blocking calls run in threads."""

    def __init__(self, client: Any, names: Mapping[Bucket, str]) -> None:
        self._client = client
        self._names = names

    async def look(self, bucket: Bucket) -> Keeping:
        """See the protocol. Takes the rights to read versioning and lifecycle configuration."""
        return await asyncio.to_thread(self._look, self._names[bucket])

    def _look(self, name: str) -> Keeping:
        from botocore.exceptions import BotoCoreError, ClientError  # see aws_client

        try:
            state = self._client.get_bucket_versioning(Bucket=name).get("Status")
            try:
                found = self._client.get_bucket_lifecycle_configuration(Bucket=name)
            except ClientError as error:
                if _code(error) != "NoSuchLifecycleConfiguration":
                    raise
                found = {}
        except ClientError as error:
            raise Unseen(_code(error)) from None
        except BotoCoreError as error:
            raise Unseen(type(error).__name__) from None
        rules = s3_rules(found.get("Rules", []), now=datetime.now(UTC))
        return kept(versions=state == "Enabled", rules=rules)


def s3_looks(
    names: Mapping[Bucket, str], access: S3Access, *, bundle: str | None = None
) -> S3Looks:
    """Nothing is connected yet. Blocking. `bundle` (PEM) holds all authorities to believe, where
    the system's are not enough. Raises Unseen when the library finds no way to begin."""
    from botocore.exceptions import BotoCoreError  # see aws_client

    try:
        client = aws_client(
            "s3",
            region=access["region"] or "us-east-1",
            endpoint=access["endpoint"],
            timeouts=(_TIMEOUT, _TIMEOUT),
            config={"retries": {"total_max_attempts": 2}, "s3": {"addressing_style": "path"}},
            bundle=bundle,
            verify=not access["allow_invalid_certificates"],
            aws_access_key_id=access["access_key_id"],
            aws_secret_access_key=access["secret_access_key"],
        )
    except (BotoCoreError, ValueError) as error:
        raise Unseen(type(error).__name__) from None
    return S3Looks(client, names)


def s3_rules(rules: Sequence[Mapping[str, Any]], *, now: datetime) -> list[Rule]:
    """Those that delete current objects. Ours have no tags, so a rule for tags spares them."""
    found = []
    for rule in rules:
        expiration, condition = rule.get("Expiration", {}), rule.get("Filter", {})
        condition = {**condition, **condition.get("And", {})}
        age: timedelta | None = None
        if "Days" in expiration:
            age = timedelta(days=expiration["Days"])
        elif "Date" in expiration:  # from then on, everything
            age = max(expiration["Date"] - now, timedelta(0))
        if rule.get("Status") != "Enabled" or age is None:
            continue
        if condition.get("Tag") or condition.get("Tags"):
            continue
        sizes = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
        partly = condition.get("Prefix") or rule.get("Prefix") or any(s in condition for s in sizes)
        found.append(Rule(age, all_objects=not partly))
    return found


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "ClientError"))


# ------------------------------------------------------------------ Google


class GoogleLooks:
    """Buckets in Google Cloud Storage, through its JSON API."""

    def __init__(
        self,
        names: Mapping[Bucket, str],
        *,
        credentials: Path | None,
        endpoint: str | None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._names = names
        self._credentials = credentials
        self._endpoint = endpoint or GOOGLE
        self._trust = trust

    async def look(self, bucket: Bucket) -> Keeping:
        """See the protocol. Takes the right `storage.buckets.get`."""
        url = f"{self._endpoint}/storage/v1/b/{self._names[bucket]}"
        try:
            verify = True if self._trust is None else self._trust
            async with httpx2.AsyncClient(timeout=_TIMEOUT, verify=verify) as http:
                token = await google_token(http, self._credentials)
                answer = await http.get(
                    url,
                    params={"fields": "versioning,lifecycle"},
                    headers={"authorization": f"Bearer {token}"},
                )
            if answer.status_code != 200:
                raise Unseen(f"HTTP status {answer.status_code}")
            found = answer.json()
        except TokenMissing as error:
            raise Unseen(str(error)) from None
        except (httpx2.HTTPError, OSError, ValueError) as error:
            raise Unseen(type(error).__name__) from None
        rules = google_rules(found.get("lifecycle", {}).get("rule", []))
        return kept(versions=bool(found.get("versioning", {}).get("enabled")), rules=rules)


# Conditions that only an object can meet which was overwritten or deleted before.
_OF_EARLIER = {"numNewerVersions", "daysSinceNoncurrentTime", "noncurrentTimeBefore"}


def google_rules(rules: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Those that delete current objects."""
    found = []
    for rule in rules:
        condition = {k: v for k, v in rule.get("condition", {}).items() if v not in (None, [])}
        if rule.get("action", {}).get("type") != "Delete":
            continue
        if condition.get("isLive") is False or _OF_EARLIER & condition.keys():
            continue
        # Without an age there is another condition, which some object may meet today.
        age = timedelta(days=int(condition.get("age", 0)))
        found.append(Rule(age, all_objects=not condition.keys() - {"age", "isLive"}))
    return found


# ------------------------------------------------------------------ Azure


class AzureLooks:
    """Containers of an Azure account. Its rules are not told to who may only use the objects;
    whether versions are kept shows in the answer to an upload.
    """

    def __init__(self, objects: RemoteObjects) -> None:
        self._objects = objects

    async def versions(self, bucket: Bucket) -> bool:
        """Whether versions are kept. Writes an object of its own, and removes it.

        Raises Unseen.
        """
        key = f"probe/{new_id()}"
        try:
            try:
                return await self._objects.put_versioned(bucket, key, b"")
            finally:
                await self._objects.delete(bucket, key)
        except StorageDown as error:
            raise Unseen(error.detail or error.message) from None
