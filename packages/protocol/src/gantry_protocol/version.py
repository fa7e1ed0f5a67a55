"""Which protocol this is, and what each side must tolerate.

A server accepts workers of its own version and the one before; both sides ignore fields they
do not know. Adding an optional field keeps the number; changing a meaning raises it.
"""

from __future__ import annotations

PROTOCOL_VERSION = 1
OLDEST_ACCEPTED = 1
