"""What tests of whole runs share: a source, what a server says, and what it was told."""

import base64
import gzip
import io
import json
import subprocess
import tarfile

from gantry_protocol.manifest import StateBackend
from gantry_worker.keys import PoolKey
from gantry_worker.runtimes import process, sandbox
from gantry_worker.runtimes.choice import Choice

CHOICES = [
    Choice("sandbox", True, sandbox.for_run),
    Choice("process", False, process.for_run),
]
CODE = b'resource "terraform_data" "it" { input = "made" }\noutput "it" { value = "made" }\n'
NOTHING_LEFT = {"accepted": True, "then": "end"}


def a_key():
    words = ("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    return PoolKey(subprocess.run(words, capture_output=True, check=True, text=True).stdout)


def source(code=CODE, more=None):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in {"main.tf": code, **(more or {})}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue())


def took(path, body):
    offset = int(path.partition("offset=")[2].partition("&")[0])
    return 200, {"accepted": True, "offset": offset + len(body)}


def on(phase):
    return 200, {"accepted": True, "then": "continue", "phase": phase, "state_version": 1}


def log_of(there):
    shipped = b"".join(there.bodies("logs/1"))
    tails = [json.loads(body).get("tail") for body in there.bodies("report")]
    return (shipped + b"".join(base64.b64decode(t["data"]) for t in tails if t)).decode()


def empty_state(there):
    """A state that the server keeps, with nothing in it yet."""
    there.answers["/state"] = [lambda path, body: (200, b"") if body else (404, b"")]
    return StateBackend(address=f"{there.url}/state", username="u", password="of-lease")
