"""What one request may ask for.

Everything that is read before the sender is known is small, and everything that is read at all
is bounded before work is done on it whose cost could grow faster than its size.
"""

from __future__ import annotations

MAX_BODY = 32 * 1024 * 1024
"""Bytes: states and documentation archives travel as strings (contract notes)."""
MAX_BODY_OF_STRANGERS = 64 * 1024
"""Bytes of somebody who has not signed in: to sign in takes one, introspection two kilobytes."""
MAX_BODY_ON_LOOP = 256 * 1024
"""Bytes of JSON parsed where everybody waits, some two milliseconds; more go to a thread."""
MAX_VALUES = 20_000
"""Values in the variables: what is large in them is one string, never thousands of small ones."""
MAX_TEXT = 256 * 1024
"""Characters of a document, comments and all: what is large belongs into the variables."""
MAX_TOKENS = 3000
"""Of a document: the largest of an existing client has some 600, introspection 200."""
MAX_TOKENS_OF_STRANGERS = 600
"""Of a document of somebody who has not signed in: introspection in its longest form fits."""
MAX_DEPTH = 15
"""Nesting of selections: the deepest document of an existing client needs 9."""
MORE_DEPTH_FOR_INTROSPECTION = 15
"""Levels that introspection may go beyond: tools ask for types of types up to 9 deep."""
MAX_ALIASES = 60
"""Aliases: more are used to ask one expensive thing many times."""
MAX_REPEATS = 50
"""Times one place of the answer may be named: the engine compares each time with each other."""
MAX_COST = 500_000
"""Fields in the answer, by estimate: some ten seconds of work on one core."""
