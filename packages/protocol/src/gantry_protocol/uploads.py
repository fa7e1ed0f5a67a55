"""Uploads to signed URLs, wherever these lead."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UPLOAD_HEADERS: Mapping[str, str] = MappingProxyType({"x-ms-blob-type": "BlockBlob"})
"""Sent with every PUT to a signed URL. Azure refuses an upload that does not say what kind of blob
it is; every other store passes over headers with this prefix, which no signature of theirs covers.
"""
