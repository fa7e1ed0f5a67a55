"""A registry with one image, for whoever knows its password."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Where it listens, whom it lets in, and how often its image was asked for by name."""

    def __init__(self, user: str, password: str) -> None:
        self.address = ""
        self.word = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.pulled = 0
        layer = _layer()
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(layer))]},
        }
        self.blobs = {_digest(blob): blob for blob in (layer, json.dumps(config).encode())}
        layer_digest, config_digest = self.blobs
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._named("container.image.v1+json", config_digest),
                "layers": [self._named("image.rootfs.diff.tar.gzip", layer_digest)],
            }
        ).encode()

    @property
    def auths(self) -> dict[str, dict[str, str]]:
        """As a configuration of Docker's has it."""
        return {self.address: {"auth": self.word}}

    def _named(self, kind: str, digest: str) -> dict[str, str | int]:
        media = f"application/vnd.docker.{kind}"
        return {"mediaType": media, "digest": digest, "size": len(self.blobs[digest])}


@contextmanager
def registry(user: str, password: str):
    """A registry on this machine, whose only image is called `runner:1`."""
    there = Registry(user, password)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.headers.get("Authorization") != f"Basic {there.word}":
                self.answer(401, b"", challenge=True)
            elif "/manifests/" in self.path:
                there.pulled += self.path.endswith("/manifests/1")
                self.answer(200, there.manifest, MANIFEST)
            else:
                self.answer(200, there.blobs.get(self.path.rpartition("/")[2], b""))

        do_HEAD = do_GET

        def answer(self, status, body, kind="application/octet-stream", *, challenge=False):
            self.send_response(status)
            if challenge:
                self.send_header("WWW-Authenticate", 'Basic realm="here"')
            self.send_header("Content-Type", kind)
            self.send_header("Docker-Content-Digest", _digest(body))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _layer() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    return gzip.compress(raw.getvalue())


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
