"""Every query about identity providers and sign-ons."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.identity_providers.model import (
    THE_ONE,
    IdentityProvider,
    SignOnAttempt,
    UsedAssertion,
)
from gantry.kernel.tx import Tx


async def find(tx: Tx, *, lock: bool = False) -> IdentityProvider | None:
    """The provider, if there is one. `lock`: it stays as it is until the transaction ends."""
    query = select(IdentityProvider).where(IdentityProvider.id == THE_ONE)
    if lock:
        query = query.with_for_update()
    return await tx.session.scalar(query)


async def still(tx: Tx, revision: str) -> bool:
    """Whether the settings are those, and stay so until the transaction ends."""
    query = select(IdentityProvider.id).where(IdentityProvider.revision == revision)
    return await tx.session.scalar(query.with_for_update(read=True)) is not None


async def keep(tx: Tx, provider: IdentityProvider) -> bool:
    """Keep the first provider; whether there was none. Of two at once, one does."""
    statement = (
        insert(IdentityProvider)
        .values(
            id=THE_ONE,
            kind=provider.kind,
            settings=provider.settings,
            secret_sealed=provider.secret_sealed,
            revision=provider.revision,
            created_at=provider.created_at,
            changed_at=provider.changed_at,
            changed_by=provider.changed_by,
        )
        .on_conflict_do_nothing()
        .returning(IdentityProvider.id)
    )
    return await tx.session.scalar(statement) is not None


async def drop_attempts(tx: Tx) -> None:
    """No sign-on that was begun may end any more."""
    await tx.session.execute(delete(SignOnAttempt))


async def hold_address(tx: Tx, address: str) -> None:
    """Sign-ons from the address begin one after another, until the transaction ends."""
    await tx.session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"sign-on from {address}", 0)))
    )


async def attempts_from(tx: Tx, address: str) -> int:
    """How many sign-ons were begun from the address and have time left."""
    query = (
        select(func.count())
        .select_from(SignOnAttempt)
        .where(SignOnAttempt.address == address, SignOnAttempt.expires_at > tx.now)
    )
    return await tx.session.scalar(query) or 0


async def use_attempt(
    tx: Tx, attempt_id: str, browser: str, *, answered: bool
) -> SignOnAttempt | None:
    """The sign-on, used from now on; None unless it was begun by this browser, has time left and
    was not used. `answered`: one whose answer was kept; else one without.
    """
    kept = SignOnAttempt.answer_sealed
    statement = (
        update(SignOnAttempt)
        .where(
            SignOnAttempt.id == attempt_id,
            SignOnAttempt.browser == browser,
            SignOnAttempt.used_at.is_(None),
            SignOnAttempt.expires_at > tx.now,
            kept.is_not(None) if answered else kept.is_(None),
        )
        .values(used_at=tx.now)
        .returning(SignOnAttempt)
    )
    return await tx.session.scalar(statement)


async def answer(tx: Tx, attempt_id: str) -> bytes | None:
    """What is kept of a SAML response and was not collected, sealed."""
    query = select(SignOnAttempt.answer_sealed).where(
        SignOnAttempt.id == attempt_id, SignOnAttempt.used_at.is_(None)
    )
    return await tx.session.scalar(query)


async def keep_answer(tx: Tx, attempt_id: str, revision: str, answer: bytes) -> bool:
    """Keep what was vouched for until the browser comes for it; whether it was waited for."""
    statement = (
        update(SignOnAttempt)
        .where(
            SignOnAttempt.id == attempt_id,
            SignOnAttempt.revision == revision,
            SignOnAttempt.used_at.is_(None),
            SignOnAttempt.answer_sealed.is_(None),
            SignOnAttempt.expires_at > tx.now,
        )
        .values(answer_sealed=answer)
        .returning(SignOnAttempt.id)
    )
    return await tx.session.scalar(statement) is not None


async def use_assertion(tx: Tx, assertion: str, until: datetime) -> bool:
    """Whether the assertion was not used before; it is from now on."""
    statement = (
        insert(UsedAssertion)
        .values(id=assertion, until=until)
        .on_conflict_do_nothing()
        .returning(UsedAssertion.id)
    )
    return await tx.session.scalar(statement) is not None


async def forget(tx: Tx, before: datetime) -> None:
    """Drop sign-ons and assertions whose time was over by then."""
    await tx.session.execute(delete(SignOnAttempt).where(SignOnAttempt.expires_at < before))
    await tx.session.execute(delete(UsedAssertion).where(UsedAssertion.until < before))
