"""Root fields: each declares who may ask, and a test walks the schema and fails on any that
does not. What the actor may do to which thing is asked again, per thing, by the services.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types import Info as AnyInfo

from gantry.kernel.errors import Unauthenticated

F = TypeVar("F", bound=Callable[..., Any])

PUBLIC = "public"
SIGNED_IN = "signed in"


class Guard(FieldExtension):
    """Lets in whom the field declares, before its resolver runs."""

    def __init__(self, who: str) -> None:
        self.who = who

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: AnyInfo, **kwargs: Any
    ) -> Any:
        """Raises Unauthenticated."""
        if self.who != PUBLIC and info.context.actor.kind == "anonymous":
            raise Unauthenticated
        return await next_(source, info, **kwargs)


def query(who: str, **options: Any) -> Any:
    """A root field of Query for `who`: PUBLIC or SIGNED_IN."""
    return strawberry.field(extensions=[Guard(who)], **options)


def mutation(who: str, **options: Any) -> Any:
    """A root field of Mutation for `who`: PUBLIC or SIGNED_IN."""
    return strawberry.mutation(extensions=[Guard(who)], **options)
