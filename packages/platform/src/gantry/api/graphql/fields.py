"""Root fields: each declares who may ask, and a test walks the schema and fails on any that
does not. What the actor may do to which thing is asked again, per thing, by the services.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import strawberry
import structlog
from strawberry.extensions import FieldExtension
from strawberry.types import Info as AnyInfo
from strawberry.utils.str_converters import to_camel_case

from gantry.api.graphql.named import named
from gantry.kernel.errors import Unauthenticated

F = TypeVar("F", bound=Callable[..., Any])

PUBLIC = "public"
SIGNED_IN = "signed in"


class Guard(FieldExtension):
    """Lets in whom the field declares, before its resolver runs, and lets the log know what it is
    asked for.
    """

    def __init__(self, who: str) -> None:
        self.who = who

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: AnyInfo, **kwargs: Any
    ) -> Any:
        """Raises Unauthenticated."""
        if self.who != PUBLIC and info.context.actor.kind == "anonymous":
            raise Unauthenticated
        about = named(info.field_name, kwargs)
        if about:
            # Siblings are resolved in tasks of their own, and say each what they are about.
            structlog.contextvars.bind_contextvars(**about)
            info.context.named[info.path.key] = about
        return await next_(source, info, **kwargs)


class Trail(FieldExtension):
    """Tells the context which mutation it is that its transaction is for."""

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: AnyInfo, **kwargs: Any
    ) -> Any:
        """Names and arguments are the API's, as whoever reads the trail knows them."""
        given = {to_camel_case(name): _plain(value) for name, value in kwargs.items()}
        info.context.performs(info.field_name, given)
        result = await next_(source, info, **kwargs)
        await info.context.settle()
        return result


def _plain(value: Any) -> Any:
    """An argument as JSON would say it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        named = ((to_camel_case(one.name), getattr(value, one.name)) for one in fields(value))
        return {name: _plain(inner) for name, inner in named if inner is not None}
    return value


def query(who: str, **options: Any) -> Any:
    """A root field of Query for `who`: PUBLIC or SIGNED_IN."""
    return strawberry.field(extensions=[Guard(who)], **options)


def mutation(who: str, **options: Any) -> Any:
    """A root field of Mutation for `who`: PUBLIC or SIGNED_IN."""
    return strawberry.mutation(extensions=[Guard(who), Trail()], **options)
