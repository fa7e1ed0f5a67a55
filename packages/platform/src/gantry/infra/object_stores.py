"""Stores of each provider, as obstore makes them: addresses, credentials and patience.

Nothing is connected when a store is made. Credentials that are not given are looked for where
the provider puts them, by obstore: it reads the provider's own variables by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from gantry.ports.objects import Bucket

if TYPE_CHECKING:
    from obstore.store import (
        AzureAccessKey,
        AzureConfig,
        AzureCredentialProvider,
        ClientConfig,
        GCSConfig,
        RetryConfig,
        S3Config,
        S3Credential,
        S3CredentialProvider,
    )

# A request of a person waits for the answer: three more tries, and none after thirty seconds,
# hide a store that restarts; what lasts longer is better told than waited for.
_RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
_CONNECT_TIMEOUT = timedelta(seconds=5)  # as obstore has it: a store is near or it is down
_READ_TIMEOUT = timedelta(seconds=30)  # without a byte: longer than S3 takes over a slow part
_TIMEOUT = timedelta(minutes=5)  # for a whole body: 300 MB at 1 MB/s


class S3Access(TypedDict):
    """Where S3 is and how it is spoken to."""

    region: str | None
    endpoint: str | None
    access_key_id: str | None
    secret_access_key: str | None
    allow_http: bool
    allow_invalid_certificates: bool
    authorities: str | None


def s3_stores(
    buckets: Mapping[Bucket, str],
    *,
    region: str | None,
    endpoint: str | None,
    access_key_id: str | None,
    secret_access_key: str | None,
    allow_http: bool,
    allow_invalid_certificates: bool,
    authorities: str | None = None,
) -> Mapping[Bucket, S3Store]:
    """A store per bucket. Nothing is connected yet.

    Without `endpoint` it is AWS itself; with one, a store such as MinIO. Without credentials
    they are looked for where AWS puts them: environment, web identity, container and instance
    metadata (not `~/.aws`). `authorities` (PEM) are trusted besides the system's. The proxies of
    the environment are obstore's own to heed.
    Raises ValueError when only one half of the credentials is given.
    """
    if (access_key_id is None) != (secret_access_key is None):
        raise ValueError("an access key id and a secret access key go together")
    provider = None
    if access_key_id is not None and secret_access_key is not None:
        provider = _fixed(access_key_id, secret_access_key)
    config: S3Config = {
        # By path (`/bucket/key`): the only way that MinIO, AWS and an endpoint taken from
        # AWS_ENDPOINT_URL have in common, and the only one for bucket names with dots.
        "virtual_hosted_style_request": False,
        # Bulk deletion is one more thing that not every store knows; we delete one at a time.
        "disable_bulk_delete": True,
    }
    if region is not None:
        config["region"] = region
    if endpoint is not None:
        config["endpoint"] = endpoint
    return {
        bucket: S3Store(
            name,
            config=config,
            client_options=_client(allow_http, authorities, allow_invalid_certificates),
            retry_config=_RETRY,
            credential_provider=provider,
        )
        for bucket, name in buckets.items()
    }


def gcs_stores(
    buckets: Mapping[Bucket, str],
    *,
    credentials: Path | None,
    endpoint: str | None,
    authorities: str | None = None,
) -> Mapping[Bucket, GCSStore]:
    """A store per bucket in Google Cloud Storage. Nothing is connected yet.

    `credentials` is the file of a service account (or of a user, who cannot sign URLs). Without
    it they are the machine's or the workload's own, from the metadata server; URLs are then
    signed by Google (IAM `signBlob`), one request for each. `endpoint` is for tests.
    Raises ValueError with the reason when the file cannot be used.
    """
    config: GCSConfig = {}
    if credentials is not None:
        config["application_credentials"] = str(credentials)
    if endpoint is not None:
        config["base_url"] = endpoint
    client = _client(bool(endpoint and endpoint.startswith("http://")), authorities)
    try:
        return {
            bucket: GCSStore(name, config=config, client_options=client, retry_config=_RETRY)
            for bucket, name in buckets.items()
        }
    except BaseError as error:
        # The rest of the text is obstore's own structures; the line says what is wrong, without
        # anything of the file but a word that was not expected.
        raise ValueError(str(error).partition("\n")[0]) from None


def azure_stores(
    buckets: Mapping[Bucket, str],
    *,
    account: str,
    endpoint: str,
    account_key: str | None,
    authorities: str | None = None,
) -> Mapping[Bucket, AzureStore]:
    """A store per container in Azure Blob Storage. Nothing is connected yet.

    Without `account_key` credentials are looked for where Azure puts them: a client's secret,
    a workload's token, the machine's managed identity. URLs are then signed with a key that
    Azure is asked for, one request for each. Raises ValueError with the reason.
    """
    config: AzureConfig = {"account_name": account, "endpoint": endpoint}
    client = _client(endpoint.startswith("http://"), authorities)
    provider = None if account_key is None else _account_key(account_key)
    try:
        return {
            bucket: AzureStore(
                name,
                config=config,
                client_options=client,
                retry_config=_RETRY,
                credential_provider=provider,
            )
            for bucket, name in buckets.items()
        }
    except BaseError as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _client(
    allow_http: bool, authorities: str | None, allow_invalid_certificates: bool = False
) -> ClientConfig:
    client: ClientConfig = {
        "allow_http": allow_http,
        "allow_invalid_certificates": allow_invalid_certificates,
        "connect_timeout": _CONNECT_TIMEOUT,
        "read_timeout": _READ_TIMEOUT,
        "timeout": _TIMEOUT,
    }
    if authorities is not None:
        client["root_certificate"] = authorities
    return client


def _account_key(account_key: str) -> AzureCredentialProvider:
    # Not passed as configuration, where a store's `config` would show it.
    def credentials() -> AzureAccessKey:
        return {"access_key": account_key, "expires_at": None}

    return credentials


def _fixed(access_key_id: str, secret_access_key: str) -> S3CredentialProvider:
    # Not passed as configuration: there obstore would join them with an AWS_SESSION_TOKEN that
    # happens to be in the environment, and keep the secret where a store's `config` shows it.
    def credentials() -> S3Credential:
        return {
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
            "token": None,
            "expires_at": None,
        }

    return credentials
