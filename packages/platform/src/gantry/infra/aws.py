"""Clients of AWS' own library, made late and with the authorities that the operator trusts."""

from __future__ import annotations

import tempfile
from typing import Any

_KEPT: list[Any] = []
"""Files that clients read at every new connection: they are to stay as long as the process."""


def aws_client(
    service: str,
    *,
    region: str,
    endpoint: str | None,
    timeouts: tuple[float, float],
    config: dict[str, Any],
    bundle: str | None,
    verify: bool = True,
    **credentials: str | None,
) -> Any:
    """A client, unconnected. Blocking. `timeouts` are seconds to connect and for an answer;
    `bundle` (PEM) holds all authorities to believe where the system's are not enough. Without
    credentials they are looked for where AWS puts them.

    Raises botocore's BotoCoreError, and ValueError for an endpoint that is no address.
    """
    # Here, because it takes most of a second, which only those who use it should spend.
    import boto3
    from botocore.config import Config

    believed: bool | str | None = None if verify else False
    if verify and bundle is not None:
        # The library takes them from a file only. They are public.
        file = tempfile.NamedTemporaryFile("w", prefix="gantry-authorities-")  # noqa: SIM115 - kept
        file.write(bundle)
        file.flush()
        _KEPT.append(file)
        believed = file.name
    connect, read = timeouts
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        verify=believed,
        config=Config(connect_timeout=connect, read_timeout=read, **config),
        **credentials,
    )
