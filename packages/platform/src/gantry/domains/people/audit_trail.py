"""Reading the audit trail, which is for root admins."""

from __future__ import annotations

from gantry.domains.audit import repo
from gantry.domains.audit.model import AuditEntry
from gantry.domains.people import access
from gantry.kernel.paging import Page
from gantry.kernel.search import Search
from gantry.kernel.tx import Tx


async def search(tx: Tx, wanted: Search) -> Page[AuditEntry]:
    """A page of entries, the newest first unless asked otherwise. Needs root admin.

    Raises BadSearch, BadCursor.
    """
    access.require_admin(tx)
    return await repo.search(tx, wanted)
