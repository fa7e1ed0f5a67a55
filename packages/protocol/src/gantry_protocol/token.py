"""The pool token: the `config` of a worker pool, handed to launchers as SPACELIFT_TOKEN."""

from __future__ import annotations

import base64
import binascii
import json

from pydantic import ValidationError

from gantry_protocol.words import Message


class PoolToken(Message):
    """Where the control plane is and which pool this is. Not a secret without the private key."""

    api: str
    broker: str
    namespace: str
    pool_id: str
    certificate: str
    """PEM, signed by the control plane's own authority."""

    def encode(self) -> str:
        """Base64 text; the same token always encodes to the same text."""
        body = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))
        return base64.b64encode(body.encode()).decode()


def decode_pool_token(text: str) -> PoolToken:
    """Read what `encode` wrote. Raises ValueError with a sentence for the operator."""
    try:
        return PoolToken.model_validate_json(base64.b64decode(text.strip(), validate=True))
    except (ValueError, binascii.Error, ValidationError):
        raise ValueError(
            "the worker pool token is not readable; copy the pool's `config` again, whole"
        ) from None
