"""Whether a publisher's key signed a file, as `gpgv` judges it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import tempfile
from pathlib import Path

_ARMOUR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_ARMOUR_END = b"-----END PGP PUBLIC KEY BLOCK-----"

SECONDS = 30
"""For one signature over a few kilobytes: only a machine in trouble needs longer."""


class BadSignature(Exception):
    """The signature does not vouch for the file, or could not be checked; the message says why."""


async def check_signature(document: bytes, signature: bytes, keyring: Path) -> str:
    """The fingerprint of the key in `keyring` that made the detached `signature` of `document`.

    `keyring` holds exported public keys, binary or armoured. Every key in it is trusted.
    Raises BadSignature.
    """
    try:
        keys = await asyncio.to_thread(keyring.read_bytes)
    except OSError as cause:
        raise BadSignature(f"the public key {keyring} cannot be read: {cause.strerror}") from None
    with tempfile.TemporaryDirectory(prefix="gantry-gpgv-") as name:
        home = Path(name)
        paths = [home / "keys.gpg", home / "signature", home / "document"]
        for path, content in zip(paths, (_binary(keys, keyring), signature, document), strict=True):
            await asyncio.to_thread(path.write_bytes, content)
        code, said = await _gpgv(home, *paths)
    for line in said.splitlines():
        words = line.split()
        if code == 0 and words[:2] == ["[GNUPG:]", "VALIDSIG"] and len(words) > 2:
            return words[2]
    reason = "it was made with another key" if "NO_PUBKEY" in said else "it does not fit the file"
    raise BadSignature(f"the signature does not hold: {reason}")


async def _gpgv(home: Path, keys: Path, signature: Path, document: Path) -> tuple[int, str]:
    try:
        process = await asyncio.create_subprocess_exec(
            "gpgv",
            "--homedir",
            str(home),
            "--status-fd=1",
            "--keyring",
            str(keys),
            str(signature),
            str(document),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise BadSignature("`gpgv`, which checks signatures, is not installed here") from None
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        raise BadSignature(f"`gpgv` did not answer within {SECONDS} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode("utf-8", "replace")


def _binary(keys: bytes, keyring: Path) -> bytes:
    """The keys as `gpgv` wants them: publishers offer the armoured form, which it cannot read."""
    if not keys.lstrip().startswith(_ARMOUR):
        return keys
    plain = b""
    for block in keys.split(_ARMOUR)[1:]:
        _, _, body = block.partition(_ARMOUR_END)[0].replace(b"\r\n", b"\n").partition(b"\n\n")
        lines = [line.strip() for line in body.split(b"\n") if not line.startswith(b"=")]
        try:
            plain += base64.b64decode(b"".join(lines), validate=True)
        except binascii.Error:
            raise BadSignature(f"the public key {keyring} is damaged") from None
    return plain
