"""What can be done with configuration elements. Callers have checked the owner's rights."""

from __future__ import annotations

from gantry.domains.contexts import repo, rules
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.contexts.model import ConfigElement
from gantry.kernel.tx import Tx
from gantry.ports.vault import Vault


async def put(
    tx: Tx,
    vault: Vault,
    *,
    owner: OwnerKind,
    owner_id: str,
    element_type: ElementType,
    element_id: str,
    value: str,
    write_only: bool,
    description: str | None,
) -> ConfigElement:
    """Set the element; one of the same name is replaced. Raises BadElement, TooLarge."""
    rules.check(element_type, element_id, value)
    await repo.remove_all(tx, owner, owner_id, element_id)
    others = await repo.total(tx, owner, owner_id, element_type)
    rules.check_total(element_type, others, element_id, value)
    element = ConfigElement(
        owner_kind=owner,
        owner_id=owner_id,
        type=element_type,
        id=element_id,
        checksum=rules.checksum(value),
        write_only=write_only,
        description=description,
        created_at=tx.now,
        value_sealed=b"",
    )
    element.value_sealed = vault.seal(value.encode(), identity=element.identity)
    tx.session.add(element)
    await tx.session.flush()
    return element


def reveal(vault: Vault, element: ConfigElement) -> str:
    """The element's value, for a run or for a reader of what is not write-only."""
    return vault.open(element.value_sealed, identity=element.identity).decode()


async def change_owner(tx: Tx, vault: Vault, *, owner: OwnerKind, before: str, after: str) -> None:
    """Give everything to an owner of another id, sealed anew for it."""
    for old in await repo.rename_owner(tx, owner, before):
        value = reveal(vault, old)
        new = ConfigElement(
            owner_kind=owner,
            owner_id=after,
            type=old.type,
            id=old.id,
            checksum=old.checksum,
            write_only=old.write_only,
            description=old.description,
            created_at=old.created_at,
            value_sealed=b"",
        )
        new.value_sealed = vault.seal(value.encode(), identity=new.identity)
        await tx.session.delete(old)
        tx.session.add(new)
