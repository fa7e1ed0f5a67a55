"""Settings of the account that only root admins change."""

from __future__ import annotations

import re

from gantry.domains.accounts import repo as accounts
from gantry.domains.accounts.model import Account
from gantry.domains.people import access, repo, user_repo
from gantry.domains.people.model import Scheme
from gantry.domains.people.rules import INVITATION_LASTS, is_email
from gantry.kernel.errors import UserError
from gantry.kernel.tx import Tx

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}")


class NotOffered(UserError):
    """The API names it, and this release does not do it."""

    code = "NOT_OFFERED"


class BadAccountSetting(UserError):
    """A value that the setting does not take."""

    code = "BAD_ACCOUNT_SETTING"


async def set_security_email(tx: Tx, email: str) -> Account:
    """The address for security matters that the account keeps, for whoever asks; nothing is sent to
    it. Empty: none. Needs root admin.
    """
    access.require_admin(tx)
    email = email.strip()
    if email and not is_email(email):
        raise BadAccountSetting("The security email is not an e-mail address.")
    account = await _locked(tx)
    account.security_email = email or None
    return account


async def set_runner_images(tx: Tx, *, private: str | None, public: str | None) -> Account:
    """The default images of runs: an empty text unsets one, None keeps it. Needs root admin."""
    access.require_admin(tx)
    for image in (private, public):
        if image and not _IMAGE.fullmatch(image):
            raise BadAccountSetting(f'"{image}" is not the name of a container image.')
    account = await _locked(tx)
    if private is not None:
        account.private_runner_image = private or None
    if public is not None:
        account.public_runner_image = public or None
    return account


async def let_space_admins_manage_spaces(tx: Tx, allowed: bool) -> Account:
    """Whether admins of single spaces manage what is beneath theirs. Needs root admin."""
    access.require_admin(tx)
    account = await _locked(tx)
    account.space_admins_manage_spaces = allowed
    return account


async def let_space_admins_manage_keys(tx: Tx, allowed: bool) -> None:
    """Whether admins of single spaces make API keys, for what they may do. Needs root admin."""
    access.require_admin(tx)
    (await user_repo.management(tx, hold=True)).space_admins_manage_keys = allowed


async def set_scheme(tx: Tx, scheme: Scheme) -> Scheme:
    """Who decides which people may enter. Another strategy than before ends all sessions but the
    one that asks, and begins the day of invitations that waited for it. Needs root admin.

    Raises NotOffered for login policies.
    """
    access.require_admin(tx)
    if scheme is Scheme.LOGIN_POLICY:
        raise NotOffered("This release has no login policies; people are let in by invitation.")
    management = await user_repo.management(tx, hold=True)
    if management.scheme is not scheme:
        management.scheme = scheme
        await repo.end_sessions_but(tx, tx.actor.session_id)
        await user_repo.start_invitations(tx, tx.now + INVITATION_LASTS)
    return scheme


async def _locked(tx: Tx) -> Account:
    account = await accounts.find(tx, lock=True)
    if account is None:
        raise RuntimeError("the installation was not initialised")
    return account
