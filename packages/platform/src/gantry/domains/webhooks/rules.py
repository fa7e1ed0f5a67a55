"""What a webhook may be, what is sent along with a delivery, and when to try again."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from gantry.domains.webhooks.kinds import Kind
from gantry.kernel.errors import UserError
from gantry.kernel.secret import Secret
from gantry.ports.outward import BadAddress, Outward

NAME_MAX = 255
MAX_LABELS = 64
MAX_HEADERS = 32
"""Headers of one's own per webhook: servers refuse requests whose headers exceed 8 KiB together."""
MAX_HEADER_VALUE = 4096
MAX_SECRET = 1024
MAX_STACK_WEBHOOKS = 20
"""Webhooks of one stack: each is called at each move of each run."""

RETRIES = 3
"""After the first attempt (contract notes, "Webhooks")."""
FAILURES_BEFORE_OFF = 10
"""Deliveries in a row that fail before a webhook is switched off (contract notes, "Webhooks")."""
_LONGEST_PAUSE = timedelta(minutes=5)
ATTEMPTS_IN_TURN = RETRIES + timedelta(hours=1) // _LONGEST_PAUSE
"""An audit entry that is refused so often, which takes an hour, stands aside: the next ones wait
behind it no longer. Attempts, because its own hour begins when the entry before it is settled."""
PAUSE_ASIDE = timedelta(hours=1)
"""Between the attempts of one that stands aside. It is tried until it is taken (contract notes,
"Webhooks"), and there may be one for each hour of an outage."""
FAREWELL_FOR = timedelta(hours=1)
"""For so long it is tried to tell the audit trail's webhook that it was switched off."""

DELIVERY_HEADER = "X-Gantry-Delivery"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\x20-\x7e\t]*")  # what every server reads in the same way
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-signature",
        "x-signature-256",
        DELIVERY_HEADER.lower(),
    }
)
"""Headers that say how the request is sent, or that it is ours: nobody else sets them."""


class BadWebhook(UserError):
    """An endpoint, a name or a header that no webhook can have."""

    code = "BAD_WEBHOOK"


def checked_endpoint(outward: Outward, endpoint: str) -> str:
    """The address without spaces around it. Raises BadWebhook, AddressRefused."""
    endpoint = endpoint.strip()
    try:
        outward.check(endpoint)
    except BadAddress as error:
        # The words are what existing clients look for (contract notes).
        raise BadWebhook(f"endpoint must be a valid URL: {error.message}") from None
    return endpoint


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises BadWebhook."""
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadWebhook(f"A webhook's name has 1 to {NAME_MAX} characters.")
    return name


def checked_labels(labels: Sequence[str]) -> list[str]:
    """The labels once each, in order. Raises BadWebhook."""
    found = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
    if len(found) > MAX_LABELS or any(len(label) > NAME_MAX for label in found):
        raise BadWebhook(
            f"A webhook has at most {MAX_LABELS} labels, each of at most {NAME_MAX} characters."
        )
    return found


def checked_secret(secret: str) -> str:
    """The secret as it is. Raises BadWebhook."""
    if len(secret) > MAX_SECRET:
        raise BadWebhook(f"A webhook's secret has at most {MAX_SECRET} characters.")
    return secret


def check_header(key: str, value: str) -> None:
    """Raises BadWebhook for a header that cannot be sent, or that is not one's own to set."""
    if not _TOKEN.fullmatch(key):
        raise BadWebhook(
            "A header's name has 1 to 128 letters, digits and dashes, and no spaces or colons."
        )
    if key.lower() in _OURS:
        raise BadWebhook(f"The header {key} is set by the delivery itself.")
    if len(value) > MAX_HEADER_VALUE or not _VALUE.fullmatch(value):
        raise BadWebhook(
            f"The value of the header {key} has at most {MAX_HEADER_VALUE} characters of ASCII, and"
            " no line breaks."
        )


def headers(delivery_id: str, secret: Secret, body: bytes) -> dict[str, str]:
    """What every delivery says of itself, signed if there is a secret."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Gantry",
        DELIVERY_HEADER: delivery_id,
        **signatures(secret, body),
    }


def signatures(secret: Secret, body: bytes) -> Mapping[str, str]:
    """The headers that prove the body, in GitHub's scheme; none without a secret."""
    if not secret:
        return {}
    key = secret.reveal().encode(errors="replace")
    return {
        "X-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}",
        "X-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
    }


def tried_again(kind: Kind, *, wanted: bool, attempts: int, status: int | None) -> bool:
    """Whether a delivery that failed `attempts` times is sent once more.

    What the audit trail says is sent until it is taken; anything else up to three times more, if
    the webhook wants that and the fault may pass: nobody answered, or with a status of 5xx.
    """
    if kind is Kind.AUDIT:
        return True
    return wanted and attempts <= RETRIES and (status is None or status >= 500)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 10 seconds, 40, 160, then five minutes, and an hour
    for what stands aside.
    """
    if attempts >= ATTEMPTS_IN_TURN:
        return PAUSE_ASIDE
    # An exponent beyond the longest pause would only grow numbers.
    return min(timedelta(seconds=10 * 4 ** min(attempts - 1, 4)), _LONGEST_PAUSE)


def _attempts_within(span: timedelta) -> int:
    attempts, taken = 0, timedelta()
    while taken < span:
        attempts += 1
        taken += pause(attempts)
    return attempts


ATTEMPTS_IN_AN_HOUR = _attempts_within(timedelta(hours=1))
"""Of the audit trail's, in a row: when so many have failed administrators are told, and after as
many more again."""
