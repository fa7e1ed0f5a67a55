"""What makes a value usable, what this release does not offer, and what it does not heed.

Values in, values or a ValueError with the reason out; of the machine only files that a setting
names are looked at. No reason quotes a value.
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gantry_protocol.endpoint import parse_endpoint
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gantry.infra.db import libpq_url, sqlalchemy_url

NOT_OFFERED: Mapping[tuple[str, str], str] = {
    ("MQTT_BROKER_TYPE", "iotcore"): "Set it to builtin, or to external for a broker of yours.",
    ("MESSAGE_QUEUE_TYPE", "sqs"): "Leave it out: jobs are kept in PostgreSQL.",
}
"""Values of the deployment contract that come later, and what to do until then."""

WITHOUT_EFFECT = re.compile(
    r"ENCRYPTION_KMS_\w+|MESSAGE_QUEUE_SQS_\w+|SLACK_\w+|VCS_GATEWAY_\w+|GATEWAY_\w+|LICENSE_\w+"
    r"|DD_\w+|AWS_XRAY_\w+|OTEL_SERVICE_NAME|LAUNCHER_IMAGE|LAUNCHER_IMAGE_TAG|SPACELIFT_PUBLIC_API"
    r"|AWS_SECONDARY_REGION|FEATURE_FLAG_SELF_HOSTED_V3_INSTALLATION_FLOW"
    r"|BITBUCKET_AFFECTED_CHANGES_PER_PAGE_FILES|POLICY_REGO_\w+"
    r"|DRAIN_CONCURRENCY_(?:ASYNC_JOBS_FIFO|DLQ|DLQ_FIFO|EVENTS|IOT|WEBHOOKS)"
)
"""Variables of the deployment contract that this release passes over; of KMS unless it is used."""

_KMS = re.compile(r"ENCRYPTION_KMS_(?:ENCRYPTION|SIGNING)_KEY_ID")
_STORAGE = re.compile(r"OBJECT_STORAGE_(?:BUCKET|MINIO|AZURE)_\w+")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
)
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")  # what Azure takes as the name of a storage account
_BASE = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")


def without_effect(source: Mapping[str, str]) -> list[str]:
    """The variables that are set and change nothing: an operator may believe that they do."""
    kms = source.get("ENCRYPTION_TYPE") == "kms"
    found = {
        name
        for name, value in source.items()
        if value and WITHOUT_EFFECT.fullmatch(name) and not (kms and _KMS.fullmatch(name))
    }
    if source.get("OBSERVABILITY_VENDOR") in ("Datadog", "AWS"):
        found.add("OBSERVABILITY_VENDOR")
    if source.get("OTEL_EXPORTER_OTLP_PROTOCOL") not in (None, "", "http/protobuf"):
        found.add("OTEL_EXPORTER_OTLP_PROTOCOL")
    return sorted(found)


def storage_without_a_type(source: Mapping[str, str]) -> str | None:
    """A variable that configures object storage while none is chosen.

    The contract's default is AWS, and ours are files on this machine: whoever relies on the one
    must not get the other without a word.
    """
    if source.get("OBJECT_STORAGE_TYPE"):
        return None
    return next((n for n, value in sorted(source.items()) if value and _STORAGE.fullmatch(n)), None)


def kms_without_a_type(source: Mapping[str, str]) -> str | None:
    """A variable that names a key in KMS while no type is chosen, and there is no RSA key.

    The contract's default is KMS, and ours is RSA.
    """
    if source.get("ENCRYPTION_TYPE") or source.get("ENCRYPTION_RSA_PRIVATE_KEY"):
        return None
    return next((name for name in sorted(source) if source[name] and _KMS.fullmatch(name)), None)


def check_domain(value: str) -> str:
    """A host name or address, with a port if need be."""
    if "://" in value or "/" in value:
        raise ValueError("give the host name only, without https:// and without a path")
    if not _DOMAIN.fullmatch(value):
        raise ValueError("give a host name, such as gantry.example.com; a port may follow")
    return value


def check_database(value: str) -> str:
    """An address that the drivers understand."""
    if not value.startswith(("postgres://", "postgresql://")):
        raise ValueError("must start with postgres:// or postgresql://")
    try:
        make_url(sqlalchemy_url(value))
        conninfo_to_dict(libpq_url(value))
    except (ValueError, ArgumentError, ProgrammingError):
        # Their words may quote the address, and with it the password.
        raise ValueError(
            "it is not an address that PostgreSQL's library understands; look at the port, at the"
            " options behind `?`, and at characters that have to be written as %XX"
        ) from None
    return value


def check_broker(value: str) -> str:
    """What workers dial."""
    parse_endpoint(value)
    return value


def check_authorities(pem: str) -> None:
    """Certificates that OpenSSL takes as authorities."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError("it holds no certificates in PEM form") from None


def read_pem(file: Path) -> str:
    """The text of a file that a setting names."""
    try:
        return file.read_text()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not PEM") from None


def check_host_and_port(value: str) -> str:
    """`host:port`, without a scheme."""
    if not _HOST_AND_PORT.fullmatch(value):
        raise ValueError("give host:port, without a scheme and without a path")
    return value


def check_base(value: str) -> str:
    """An address that others are appended to."""
    if not _BASE.fullmatch(value):
        raise ValueError("give an address that starts with https://")
    return value.rstrip("/")


def azure_account(url: str) -> str:
    """The account in the address of its blobs: the first part of its host, or, where the host
    serves several accounts, the path.
    """
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path.strip("/")
    account = path if path else host.partition(".blob.")[0] if ".blob." in host else ""
    if not _ACCOUNT.fullmatch(account):
        raise ValueError("give the account's address, https://<account>.blob.core.windows.net")
    return account


def check_base64(variable: str, value: str) -> None:
    """Bytes in base64."""
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        raise ValueError(f"{variable} is not base64; copy the whole key") from None


def if_set(check: Callable[[str], str]) -> Callable[[str | None], str | None]:
    """The same check, for what may be left out."""
    return lambda value: None if value is None else check(value)


def comma_list(value: Any) -> Any:
    """The items of a comma list without their blanks; anything else as it is."""
    if not isinstance(value, str):
        return value
    return [item for item in _stripped(value.split(",")) if item]


def _stripped(items: Iterable[str]) -> Iterable[str]:
    return (item.strip() for item in items)
