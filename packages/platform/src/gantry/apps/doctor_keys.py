"""What `gantry admin doctor` says of data keys: a re-key, and settings that it leaves behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gantry.apps.rekey_words import words
from gantry.apps.setting_groups.encryption import EncryptionType
from gantry.apps.settings import Settings
from gantry.apps.wiring import Core
from gantry.domains.accounts import repo
from gantry.domains.keys import service
from gantry.domains.keys.kinds import Phase
from gantry.kernel.tx import SYSTEM
from gantry.ports.findings import Finding, good, odd


async def examine(core: Core) -> AsyncIterator[Finding]:
    """Changes nothing."""
    what = "data keys"
    async with core.db.read(SYSTEM) as tx:
        standing = await service.standing(tx)
        keys = await repo.data_keys(tx)
    if standing is None or standing.rekey.phase in (Phase.DONE, Phase.CANCELLED):
        current = next(key for key in keys if key.current)
        older = f", {len(keys) - 1} older kept" if len(keys) > 1 else ""
        yield good(what, f"version {current.version} of {current.created_at:%Y-%m-%d}{older}")
    elif standing.rekey.phase is Phase.UNFINISHED:
        yield odd(what, words(standing), "See `gantry admin rekey status`.")
    elif standing.rekey.paused:
        yield odd(what, words(standing), "Go on when it suits: `gantry admin rekey resume`.")
    elif standing.waits_for:
        yield odd(what, words(standing), "Bring all processes to one release and one environment.")
    else:
        yield good(what, words(standing))
    others = [str(key.version) for key in keys if not core.keeper.ring.is_present(key.wrapped)]
    left = _of_the_other_type(core.settings)
    if others:
        says = f"version {', '.join(others)} needs the key that is not ENCRYPTION_TYPE's"
        yield odd(what, says, "Keep the settings of both types until a re-key is finished.")
    elif left:
        remedy = "Remove it, unless you may have to bring back a backup from before the re-key."
        yield odd(what, f"nothing needs {left} any more", remedy)


def _of_the_other_type(settings: Settings) -> str:
    """The variable of the type that is not in use, if it is set."""
    if settings.encryption_type is EncryptionType.KMS:
        return "ENCRYPTION_RSA_PRIVATE_KEY" if settings.encryption_rsa_private_key else ""
    named = settings.encryption_kms_encryption_key_id and settings.encryption_kms_signing_key_id
    return "ENCRYPTION_KMS_ENCRYPTION_KEY_ID" if named else ""
