"""What clients see of an error: a sentence and a code; everything unforeseen is masked."""

from __future__ import annotations

import structlog
from graphql import GraphQLError, GraphQLFormattedError

from gantry.kernel.errors import UserError

log = structlog.get_logger()

MASKED = "Something went wrong here; the log knows more."


def shown(error: GraphQLError) -> GraphQLFormattedError:
    """The error as it goes out."""
    cause = error.original_error
    formatted = error.formatted
    if isinstance(cause, UserError):
        log.info("request refused", code=cause.code, reason=cause.message, detail=cause.detail)
        return {**formatted, "message": cause.message, "extensions": {"code": cause.code}}
    if cause is None or isinstance(cause, GraphQLError):
        # The document itself is wrong; the engine's words say where.
        return {**formatted, "extensions": {"code": "BAD_DOCUMENT"}}
    log.error("resolver failed", path=error.path, exc_info=cause)
    return {**formatted, "message": MASKED, "extensions": {"code": "INTERNAL"}}
