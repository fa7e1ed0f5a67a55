"""`/graphql`: one operation per request, HTTP 200 whatever happens in it.

Existing clients take any other status for a failure of the transport (contract notes,
"Transport and GraphQL dialect").
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Visitor,
    parse,
    visit,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, House, actor_of, body_of, client_address, door, house
from gantry.api.graphql.context import Context
from gantry.api.graphql.cost import require_modest
from gantry.api.graphql.dialect import known_variables, without_empty_parentheses
from gantry.api.graphql.errors import is_foreseen, shown
from gantry.api.graphql.limits import (
    MAX_BODY,
    MAX_BODY_OF_STRANGERS,
    MAX_BODY_ON_LOOP,
    MAX_TEXT,
    MAX_TOKENS,
    MAX_TOKENS_OF_STRANGERS,
    MAX_VALUES,
)
from gantry.api.graphql.schema import schema
from gantry.api.pages.html import page
from gantry.kernel.errors import NotAllowed, UserError
from gantry.kernel.texts import UNKEPT, can_be_kept
from gantry.kernel.tx import ANONYMOUS, Actor
from gantry.ports.vault import InvalidToken

METADATA_HEADER = "spacelift-user-provided-run-metadata"


async def execute(request: Request) -> Response:
    """`POST /graphql`"""
    there = house(request)
    try:
        # Who asks comes first: strangers are not listened to for long.
        actor = await _actor(request)
        asked = await _asked(request, actor)
    except UserError as error:
        return _answer(ExecutionResult(None, [GraphQLError(error.message, original_error=error)]))
    context = Context(
        there,
        actor,
        address=client_address(request),
        user_metadata=tuple(request.headers.getlist(METADATA_HEADER)),
    )
    result = await run(context, *asked)
    for failed in result.errors or ():
        if not is_foreseen(failed):
            # The status is 200 all the same: no count of answers shows it.
            there.resolver_failed()
    return _answer(result, context.named)


async def run(
    context: Context, text: str, variables: dict[str, Any], operation: str | None
) -> ExecutionResult:
    """Execute one operation in the context. Errors are in the result, never raised."""
    try:
        context.document = _parsed(text, context.actor)
        _check(context.document, operation)
        require_modest(schema._schema, context.document)
        given = known_variables(schema._schema, context.document, operation, variables)
    except GraphQLError as error:
        return ExecutionResult(None, [error])
    result = await schema.execute(
        text, variable_values=given, context_value=context, operation_name=operation
    )
    return ExecutionResult(result.data, result.errors)


def _parsed(text: str, actor: Actor) -> DocumentNode:
    if len(text) > MAX_TEXT:
        raise GraphQLError(
            f"The document is longer than {MAX_TEXT} characters; send what is large as variables."
        )
    most = MAX_TOKENS_OF_STRANGERS if _is_stranger(actor) else MAX_TOKENS
    return parse(without_empty_parentheses(text), max_lexical_tokens=most, max_comments=most)


def _check(document: DocumentNode, operation: str | None) -> None:
    operations = [n for n in document.definitions if isinstance(n, OperationDefinitionNode)]
    if any(node.operation is OperationType.SUBSCRIPTION for node in operations):
        raise GraphQLError("There are no subscriptions; follow /events instead.")
    if not operations:
        raise GraphQLError("The document holds no operation.")
    if operation is None and len(operations) > 1:
        raise GraphQLError("Send one operation, or name the one you mean.")
    if document.loc is not None and "\\u" in document.loc.source.body:
        visit(document, _Texts())  # only an escape can stand for what a document cannot hold
    names = [node.name.value for node in operations if node.name is not None]
    if operation is not None and operation not in names:
        raise GraphQLError("The document holds no operation of that name.")


async def _actor(request: Request) -> Actor:
    try:
        return await actor_of(request)
    except InvalidToken:
        # The operation says so itself: each field that needs somebody answers "unauthorized".
        return ANONYMOUS


def _is_stranger(actor: Actor) -> bool:
    return actor.kind == "anonymous"


async def _asked(request: Request, actor: Actor) -> tuple[str, dict[str, Any], str | None]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        # A form of another site can send everything else without asking first.
        raise NotAllowed("Send the operation as application/json.")
    raw = await body_of(request, MAX_BODY_OF_STRANGERS if _is_stranger(actor) else MAX_BODY)
    if len(raw) > MAX_BODY_ON_LOOP:
        return await asyncio.to_thread(_read, raw)
    return _read(raw)


def _read(raw: bytes) -> tuple[str, dict[str, Any], str | None]:
    """The document, its variables and the name of the operation. Raises UserError."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise UserError("The request is not JSON.") from None
    if not isinstance(document, dict) or not isinstance(document.get("query"), str):
        raise UserError("The request names no `query`.")
    variables = document.get("variables") or {}
    operation = document.get("operationName") or None
    if not isinstance(variables, dict) or not isinstance(operation, str | None):
        raise UserError("`variables` is an object and `operationName` a string.")
    _check_values(variables)
    return document["query"], variables, operation


def _check_values(variables: dict[str, Any]) -> None:
    count = 0
    waiting: list[Collection[Any]] = [variables.values()]
    while waiting:
        values = waiting.pop()
        count += len(values)
        if count > MAX_VALUES:
            raise UserError(f"The variables hold more than {MAX_VALUES} values.")
        for value in values:
            if isinstance(value, dict):
                waiting.append(value.values())
            elif isinstance(value, list):
                waiting.append(value)
            elif isinstance(value, str) and not can_be_kept(value):
                raise UserError(UNKEPT)


class _Texts(Visitor):
    """Refuses texts in a document that could not be kept. Raises GraphQLError."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Look at one of them."""
        if not can_be_kept(node.value):
            raise GraphQLError(UNKEPT, node)


def _answer(
    result: ExecutionResult, named: Mapping[str | int, Mapping[str, str]] | None = None
) -> Response:
    body: dict[str, Any] = {}
    if result.data is not None or not result.errors:
        body["data"] = result.data
    else:
        body["data"] = None
    if result.errors:
        body["errors"] = [shown(error, named or {}) for error in result.errors]
    return JSONResponse(body)


async def about(request: Request) -> Response:
    """`GET /graphql`: a person followed the link."""
    return page(
        "The API",
        "<p class='card'>Send GraphQL operations here as <code>POST</code> with"
        " <code>content-type: application/json</code> and a bearer token from"
        " <code>apiKeyUser</code>. Introspection is on; the schema is also in"
        " <code>schema.graphql</code>.</p>",
    )


def routes(there: House) -> list[Route]:
    """The door of the API."""
    return [
        door("/graphql", execute, access=Access.PUBLIC, methods=["POST"]),
        door("/graphql", about, access=Access.PUBLIC, methods=["GET"]),
    ]
