"""What clients see of an error: a sentence and a code; everything unforeseen is masked."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from graphql import GraphQLError, GraphQLFormattedError

from gantry.kernel.errors import UserError

log = structlog.get_logger()

MASKED = "Something went wrong here; the log knows more."


def is_foreseen(error: GraphQLError) -> bool:
    """Whether the error tells its reader what to do: of the request, or of the document itself."""
    return error.original_error is None or isinstance(
        error.original_error, UserError | GraphQLError
    )


def shown(
    error: GraphQLError, named: Mapping[str | int, Mapping[str, str]]
) -> GraphQLFormattedError:
    """The error as it goes out. `named` is which stack and run each root field was asked for."""
    cause = error.original_error
    about = named.get(error.path[0], {}) if error.path else {}
    formatted = error.formatted
    if isinstance(cause, UserError):
        log.info(
            "request refused",
            code=cause.code,
            reason=cause.message,
            detail=cause.detail,
            **about,
        )
        return {**formatted, "message": cause.message, "extensions": {"code": cause.code}}
    if is_foreseen(error):
        # The document itself is wrong; the engine's words say where.
        return {**formatted, "extensions": {"code": "BAD_DOCUMENT"}}
    log.error("resolver failed", path=error.path, exc_info=cause, **about)
    return {**formatted, "message": MASKED, "extensions": {"code": "INTERNAL"}}
