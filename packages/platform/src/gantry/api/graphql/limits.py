"""What one request may ask for."""

from __future__ import annotations

MAX_BODY = 32 * 1024 * 1024
"""Bytes: states and documentation archives travel as strings (contract notes)."""
MAX_TOKENS = 20_000
"""Of a document: the largest of an existing client has some 600, introspection 300."""
MAX_DEPTH = 15
"""Nesting of selections: introspection needs 13."""
MAX_ALIASES = 60
"""Aliases: more are used to ask one expensive thing many times."""
