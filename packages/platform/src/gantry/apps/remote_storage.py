"""Object storage as the settings say, when it is not on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from gantry_protocol.uploads import UPLOAD_HEADERS

from gantry.apps.setting_groups.storage import StorageType
from gantry.apps.settings import MisconfiguredError, Settings
from gantry.apps.settings_rules import azure_account
from gantry.infra.bucket_looks import GOOGLE, BucketLooks, GoogleLooks, s3_looks
from gantry.infra.object_stores import S3Access, azure_stores, gcs_stores, s3_stores
from gantry.infra.objects import RemoteObjects
from gantry.infra.tls import Trust
from gantry.ports.objects import Bucket


def remote_objects(settings: Settings, authorities: str | None) -> RemoteObjects:
    """The buckets, unconnected; `authorities` (PEM) are trusted besides the system's.

    Raises MisconfiguredError when credentials cannot be read.
    """
    names = {bucket: name for bucket in Bucket if (name := settings.bucket(bucket))}
    if settings.object_storage_type is StorageType.GCP:
        try:
            return RemoteObjects(
                gcs_stores(
                    names,
                    credentials=settings.gcp_credentials,
                    endpoint=settings.gcp_endpoint,
                    authorities=authorities,
                )
            )
        except ValueError as error:
            raise MisconfiguredError(
                f"GOOGLE_APPLICATION_CREDENTIALS is not usable: {error}."
            ) from None
    if settings.object_storage_type is StorageType.AZURE:
        return _azure(settings, names, authorities)
    return RemoteObjects(s3_stores(names, **s3_access(settings, authorities)))


def storage_endpoint(settings: Settings) -> tuple[str, str] | None:
    """The address of the storage, and the variable it comes from; None for files."""
    kind = settings.object_storage_type
    if kind is StorageType.LOCAL:
        return None
    if kind is StorageType.GCP:
        return settings.gcp_endpoint or GOOGLE, "STORAGE_EMULATOR_HOST"
    if kind is StorageType.AZURE:
        return settings.azure_account_url or "", "OBJECT_STORAGE_AZURE_ACCOUNT_URL"
    if kind is StorageType.MINIO:
        return f"//{settings.minio_endpoint}", "OBJECT_STORAGE_MINIO_ENDPOINT"
    aws = f"https://s3.{settings.region}.amazonaws.com"
    return settings.aws_endpoint or aws, "AWS_REGION or AWS_ENDPOINT_URL_S3"


def bucket_looks(settings: Settings, trust: Trust) -> BucketLooks | None:
    """Where buckets tell how long they keep what; None where they do not. Blocking.

    Raises Unseen.
    """
    names = {bucket: name for bucket in Bucket if (name := settings.bucket(bucket))}
    kind = settings.object_storage_type
    if kind is StorageType.GCP:
        return GoogleLooks(
            names,
            credentials=settings.gcp_credentials,
            endpoint=settings.gcp_endpoint,
            trust=trust.context(),
        )
    if kind in (StorageType.AWS, StorageType.MINIO):
        return s3_looks(names, s3_access(settings, trust.added), bundle=trust.bundle())
    return None


def _azure(
    settings: Settings, names: Mapping[Bucket, str], authorities: str | None
) -> RemoteObjects:
    url, key = settings.azure_account_url, settings.azure_account_key
    if url is None:
        raise MisconfiguredError("OBJECT_STORAGE_AZURE_ACCOUNT_URL is not set.")
    try:
        stores = azure_stores(
            names,
            account=azure_account(url),
            endpoint=url,
            account_key=key.get_secret_value() if key else None,
            authorities=authorities,
        )
    except ValueError as error:
        raise MisconfiguredError(f"Azure's storage cannot be used: {error}.") from None
    return RemoteObjects(stores, upload_headers=UPLOAD_HEADERS)


def s3_access(settings: Settings, authorities: str | None) -> S3Access:
    """Where S3 is and how it is spoken to."""
    if settings.object_storage_type is StorageType.MINIO:
        secret = settings.minio_secret_access_key
        scheme = "https" if settings.minio_use_ssl else "http"
        return S3Access(
            region=settings.region,
            endpoint=f"{scheme}://{settings.minio_endpoint}",
            access_key_id=settings.minio_access_key_id,
            secret_access_key=secret.get_secret_value() if secret else None,
            allow_http=not settings.minio_use_ssl,
            allow_invalid_certificates=settings.minio_allow_insecure,
            authorities=authorities,
        )
    endpoint = settings.aws_endpoint
    return S3Access(
        region=settings.region,
        endpoint=endpoint,
        access_key_id=None,
        secret_access_key=None,
        allow_http=bool(endpoint and endpoint.startswith("http://")),
        allow_invalid_certificates=False,
        authorities=authorities,
    )
