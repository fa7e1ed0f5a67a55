"""An issuer of OpenID Connect on this machine: real keys, real TLS, and answers as told."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gantry.infra.outward import OutwardHttp
from gantry.infra.outward_allowed import parse_allowed
from gantry.infra.tls import Trust, server_context
from gantry_protocol.proxies import Proxies
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from tests.support.certificates import Authority

HOST = "issuer.test"
CLIENT = "gantry-of-acme"


class TokenIssuer(ThreadingHTTPServer):
    """Signs with `keys`, publishes those that are `published`, and counts who `asked`.

    `document` and `keys_document` change what it says of itself; None there is status 500.
    """

    daemon_threads = True

    def __init__(self, authority: Authority) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"https://{HOST}:{self.server_address[1]}"
        self.authority = authority
        self.keys: list[Key] = [
            RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}),
            ECKey.generate_key("P-256", {"kid": "two", "use": "sig"}),
        ]
        self.published = list(self.keys)
        self.asked: list[str] = []
        self.document: Callable[[dict[str, Any]], Any] = lambda said: said
        self.keys_document: Callable[[dict[str, Any]], Any] = lambda said: said
        files = authority.issue(HOST, file="issuer")
        self.socket = server_context(*files).wrap_socket(self.socket, server_side=True)

    def outward(self, *allowed: str) -> OutwardHttp:
        """The client, for which the issuer's name leads here."""

        async def resolve(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        return OutwardHttp(
            allowed=parse_allowed(allowed),
            trust=Trust(self.authority.pem),
            proxies=Proxies(),
            resolve=resolve,
        )

    def token(self, *, key: Key | None = None, alg: str = "RS256", **claims: Any) -> str:
        """A token that is good, but for what is said otherwise; a claim of None is left out."""
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "repo:acme/infra:ref:refs/heads/main",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        by = self.keys[0] if key is None else key
        header = {"alg": alg} | ({"kid": by.kid} if by.kid else {})
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(header, kept, by, algorithms=[alg])

    def handle_error(self, request, client_address) -> None:
        """Whoever asked may be gone."""

    def __enter__(self) -> TokenIssuer:
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: TokenIssuer

    def do_GET(self) -> None:
        issuer = self.server
        issuer.asked.append(self.path)
        if self.path == "/.well-known/openid-configuration":
            said = issuer.document({"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"})
        else:
            public = [key.as_dict(private=False) for key in issuer.published]
            said = issuer.keys_document({"keys": public})
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        with contextlib.suppress(OSError):
            self.send_response(500 if said is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
