"""Looking through a stack's states: which there were, how two differ, what an import would do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from gantry.domains.people import access as people
from gantry.domains.people.actions import Action
from gantry.domains.stacks import access
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import compare, history_repo, repo, rules, surgery, unsaved
from gantry.domains.tfstate.model import StateLock, StateVersion, UnsavedState
from gantry.domains.tfstate.service import read_version
from gantry.kernel.errors import Conflict, NotFound, UserError
from gantry.kernel.paging import Page, decode_offset, encode_cursor, page_size
from gantry.kernel.search import Search
from gantry.kernel.tx import Actor, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Objects
from gantry.ports.vault import Vault


@dataclass(frozen=True, slots=True)
class History:
    """What there is to see of a stack's states, and why the caller may not do more with them."""

    stack: Stack
    page: Page[StateVersion]
    total: int
    current: StateVersion | None
    lock: StateLock | None
    unsaved: Sequence[UnsavedState]
    compare_refusal: str | None
    download_refusal: str | None
    surgery_refusal: str | None
    """Apart from what the caller can put right: that the stack is not locked, or a run holds it."""


async def look(tx: Tx, stack_id: str, asked: Search) -> History:
    """The stack's states, newest first. Raises NotFound, NotAllowed, BadSearch, BadCursor."""
    stack = await stacks.find(tx, stack_id)
    people.require_no_run(tx)
    current = await repo.current(tx, stack.id)
    return History(
        stack=stack,
        page=await history_repo.search(tx, stack.id, asked),
        total=await history_repo.count(tx, stack.id),
        current=current,
        lock=await history_repo.lock_of(tx, stack.id),
        unsaved=await history_repo.unsaved(tx, stack.id),
        compare_refusal=_refusal(lambda: access.require(tx, Action.STACK_STATE_READ, stack)),
        download_refusal=_refusal(lambda: require_downloadable(tx, stack, current)),
        surgery_refusal=_refusal(lambda: _require_surgery(tx, stack)),
    )


def require_downloadable(tx: Tx, stack: Stack, version: StateVersion | None) -> None:
    """The caller may have the bytes of the state. Raises NotAllowed, Conflict, NotFound."""
    access.require(tx, Action.STACK_STATE_DOWNLOAD, stack)
    if not stack.vendor_config.get("external_state_access"):
        raise Conflict("External state access is switched off in the stack's settings.")
    if version is None:
        raise NotFound("state not found: the stack has none yet")


def _require_surgery(tx: Tx, stack: Stack) -> None:
    for action in (Action.STACK_MANAGED_STATE_IMPORT, Action.STACK_MANAGED_STATE_ROLLBACK):
        surgery.require_right(tx, stack, action)


def _refusal(check: Callable[[], None]) -> str | None:
    try:
        check()
    except UserError as refusal:
        return refusal.message
    return None


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which of the differences are wanted, and from where on."""

    first: int | None = None
    after: str | None = None
    text: str | None = None
    kinds: Sequence[compare.Kind] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two states differ: all of it in numbers, and a page of it in full."""

    added: int
    removed: int
    changed: int
    same: int
    found: int
    """Differences that fit what was asked for."""
    page: Page[compare.Difference]
    before: StateVersion | None = None
    after: StateVersion | None = None
    """Which states these are, of those that the stack has."""


Read = Callable[[], Awaitable[bytes | bytearray]]
"""Fetches a state again each time, so that it need not be held in between."""


async def compare_versions(
    db: Db,
    vault: Vault,
    objects: Objects,
    actor: Actor,
    stack_id: str,
    *,
    before: str | None,
    after: str,
    narrowed: Narrowed,
) -> Comparison:
    """How the stack's state changed from one version to another; without the first, all is new.

    Raises NotFound, NotAllowed, BadCursor, ObjectMissing, StorageDown.
    """
    async with db.read(actor) as tx:
        await _require_readable(tx, stack_id)
        old = await _version(tx, stack_id, before) if before else None
        new = await _version(tx, stack_id, after)
    found = await compare_states(
        _reading(vault, objects, old), _reading(vault, objects, new), narrowed
    )
    return replace(found, before=old, after=new)


async def compare_unsaved(
    db: Db,
    vault: Vault,
    objects: Objects,
    actor: Actor,
    stack_id: str,
    run_id: str,
    *,
    most: int,
    narrowed: Narrowed,
) -> Comparison:
    """How the state that a run left differs from the stack's current one. Raises as above."""
    async with db.read(actor) as tx:
        await _require_readable(tx, stack_id)
        current = await repo.current(tx, stack_id)

    async def left() -> bytearray:
        return await unsaved.read_whole(db, vault, actor, stack_id, run_id, most=most)

    found = await compare_states(_reading(vault, objects, current), left, narrowed)
    return replace(found, before=current)


@dataclass(frozen=True, slots=True)
class ImportCheck:
    """What a file is, and what would come of importing it."""

    head: rules.StateHead
    refusal: UserError | None
    """Why it may not follow the stack's current state."""
    comparison: Comparison


async def check_import(
    db: Db,
    vault: Vault,
    objects: Objects,
    actor: Actor,
    stack_id: str,
    body: bytes,
    narrowed: Narrowed,
) -> ImportCheck:
    """Look at a file before it is imported. Nothing changes. Raises BadState, and as above."""
    async with db.read(actor) as tx:
        stack = await _require_readable(tx, stack_id)
        surgery.require_right(tx, stack, Action.STACK_MANAGED_STATE_IMPORT)
        current = await repo.current(tx, stack_id)
    head = await asyncio.to_thread(rules.look, body)
    refusal: UserError | None = None
    try:
        surgery.require_next(head, await asyncio.to_thread(rules.digest, body), current)
    except UserError as why:
        refusal = why

    async def given() -> bytes:
        return body

    comparison = await compare_states(_reading(vault, objects, current), given, narrowed)
    return ImportCheck(head, refusal, replace(comparison, before=current))


async def compare_states(before: Read, after: Read, narrowed: Narrowed) -> Comparison:
    """How two states differ. One of them is held at a time. Raises BadState, BadCursor."""
    limit = page_size(narrowed.first)
    start = decode_offset(narrowed.after) if narrowed.after else 0
    old = await asyncio.to_thread(compare.sketch, await before())
    body = await after()
    new = await asyncio.to_thread(compare.sketch, body)
    unlike = compare.unlike(old, new)
    new_digests = await asyncio.to_thread(compare.digests, body, unlike)
    body = await before() if unlike else _NOTHING
    every = compare.changes(await asyncio.to_thread(compare.digests, body, unlike), new_digests)
    found = list(_fitting(every, narrowed))
    wanted = [address for address, _ in found[start : start + limit]]
    previously = await asyncio.to_thread(compare.pick, body, unlike, wanted)
    body = await after() if wanted else _NOTHING
    afterwards = await asyncio.to_thread(compare.pick, body, unlike, wanted)
    shown: list[compare.Difference] = []
    for address in wanted:
        shown.append(compare.difference(previously.get(address), afterwards.get(address)))
        if sum(one.size for one in shown) >= compare.MAX_TEXT_SHOWN:
            break
    end = start + len(shown)
    cursors = [encode_cursor([place]) for place in range(start + 1, end + 1)]
    counts = Counter(kind for _, kind in every)
    added, changed = counts[compare.Kind.ADDED], counts[compare.Kind.CHANGED]
    return Comparison(
        added=added,
        removed=counts[compare.Kind.REMOVED],
        changed=changed,
        same=sum(new.counts.values()) - added - changed,
        found=len(found),
        page=Page(shown, cursors, end < len(found), start > 0),
    )


def _fitting(
    every: Sequence[tuple[str, compare.Kind]], narrowed: Narrowed
) -> Iterator[tuple[str, compare.Kind]]:
    words, kinds = (narrowed.text or "").casefold().split(), set(narrowed.kinds)
    for address, kind in every:
        if (not kinds or kind in kinds) and all(word in address.casefold() for word in words):
            yield address, kind


def _reading(vault: Vault, objects: Objects, version: StateVersion | None) -> Read:
    async def read() -> bytes | bytearray:
        return await read_version(vault, objects, version) if version else _NOTHING

    return read


_NOTHING = b'{"version": 4, "serial": 0, "lineage": "none"}'
"""What a stack without a state is compared as."""


async def _require_readable(tx: Tx, stack_id: str) -> Stack:
    stack = await stacks.find(tx, stack_id)
    access.require(tx, Action.STACK_STATE_READ, stack)
    return stack


async def _version(tx: Tx, stack_id: str, version_id: str) -> StateVersion:
    found = await repo.version(tx, stack_id, version_id)
    if found is None:
        raise NotFound("state version not found", detail=f"version={version_id}")
    return found
