"""The public API as any client speaks it: GraphQL over HTTP, and server-sent events."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

TERMINAL = ("FINISHED", "FAILED", "STOPPED", "CANCELED", "DISCARDED", "SKIPPED")
PATIENCE = 60.0
"""Seconds a story may take to come to what it waits for, on a machine that does much else."""


@dataclass(frozen=True)
class Refusal:
    """What a client is told when it may not, or cannot, have what it asked for."""

    message: str
    code: str


class Api:
    """One client of one server. Without a token it is nobody."""

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        source: str | None = None,
        verify: ssl.SSLContext | bool = True,
        keep_alive: bool = True,
    ):
        """`source`: the address to call from; another one is another caller to the server. Without
        `keep_alive` each request makes a connection: a balancer leads the next one elsewhere.
        """
        self.address, self.token = address, token
        self.verify, self.keep_alive = verify, keep_alive
        headers = {"authorization": f"Bearer {token}"} if token else {}
        limits = httpx2.Limits(max_keepalive_connections=None if keep_alive else 0)
        transport = httpx2.HTTPTransport(local_address=source, verify=verify, limits=limits)
        self.http = httpx2.Client(
            base_url=address, headers=headers, timeout=PATIENCE, transport=transport, verify=verify
        )

    def close(self) -> None:
        self.http.close()

    def at(self, address: str) -> Api:
        """The same person at another server."""
        return Api(address, self.token, verify=self.verify, keep_alive=self.keep_alive)

    def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors and all."""
        body = {"query": document, "variables": variables}
        response = self.http.post("/graphql", json=body)
        assert response.status_code == 200, f"{response.status_code}: {response.text}"
        found: dict[str, Any] = response.json()
        return found

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that succeeds."""
        answer = self.answer(document, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def expect_error(self, document: str, **variables: Any) -> Refusal:
        """Why an operation is refused; it gives nothing besides."""
        answer = self.answer(document, **variables)
        assert answer.get("errors"), f"not refused: {answer}"
        assert not any((answer["data"] or {}).values()), answer
        (error,) = answer["errors"]
        return Refusal(error["message"], error["extensions"]["code"])

    # -- events

    @contextlib.contextmanager
    def following(self, *topics: str) -> Iterator[Iterator[dict[str, Any]]]:
        """Signals on topics; what happens inside of the block is heard."""
        with self._stream(*topics) as lines:
            yield (json.loads(line[6:]) for line in lines if line.startswith("data: "))

    def wait(self, topic: str, fact: Any, what: str) -> Any:
        """The first true answer of `fact`, asked again whenever the server says something."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with self._stream(topic) as lines:
                while not (found := fact()):
                    try:
                        next(lines)
                    except StopIteration:
                        break  # the server is about to end; there is another one
                    except TimeoutError:
                        raise AssertionError(f"waited in vain: {what}") from None
                else:
                    return found
        raise AssertionError(f"waited in vain: {what}")

    @contextlib.contextmanager
    def _stream(self, *topics: str) -> Iterator[Iterator[str]]:
        with self.http.stream("GET", "/events", params={"topic": list(topics)}) as response:
            assert response.status_code == 200, response.read()
            lines = (line for line in _lines(response) if line.startswith(("data: ", ":", "retry")))
            assert next(lines).startswith("retry:")  # by now the server listens
            yield lines

    # -- runs

    def run(self, run_id: str) -> dict[str, Any]:
        """A run, with all that stories look at."""
        stack = self.ask(RUN, run=run_id)["runStack"]["id"]
        found: dict[str, Any] = self.ask(RUN_OF, stack=stack, run=run_id)["stack"]["run"]
        return found

    def wait_for(self, run_id: str, *states: str) -> dict[str, Any]:
        """The run once it is in one of the states. An end that is none of them is a failure."""

        def there() -> dict[str, Any] | None:
            run = self.run(run_id)
            if run["state"] in states:
                return run
            if run["state"] in TERMINAL:  # logs of a state that goes on would never end
                said = f"{run['state']}: {run['failureReason']}\n{self.whole_log(run_id)}"
                raise AssertionError(f"wanted {states}, the run is {said}")
            return None

        found: dict[str, Any] = self.wait(f"run:{run_id}", there, f"run {run_id} in {states}")
        return found

    def log(self, run_id: str, version: int) -> bytes:
        """The bytes of one state's log, as they are streamed, until the state is over."""
        whole = b""
        with self.http.stream("GET", f"/logs/{run_id}/{version}") as response:
            assert response.status_code == 200, response.read()
            for line in _lines(response):
                if line.startswith("event: "):
                    assert line == "event: end", line
                    break
                if line.startswith("data: "):
                    whole += base64.b64decode(json.loads(line[6:])["b"])
        return whole

    def wait_for_words(self, run_id: str, version: int, words: str) -> None:
        """Return as soon as a log that is being written has these words."""
        said = b""
        with self.http.stream("GET", f"/logs/{run_id}/{version}") as response:
            assert response.status_code == 200, response.read()
            for line in _lines(response):
                if line.startswith("data: "):
                    said += base64.b64decode(json.loads(line[6:]).get("b", ""))
                if words.encode() in said:
                    return
                assert not line.startswith("event: end"), f"{words!r} is not in {said!r}"
        raise AssertionError(f"{words!r} is not in {said!r}")

    def whole_log(self, run_id: str) -> str:
        """Every state's log, oldest first."""
        history = reversed(self.run(run_id)["history"])
        logs = [self.log(run_id, move["stateVersion"]) for move in history if move["hasLogs"]]
        return b"".join(logs).decode("utf-8", "replace")

    def log_lines(self, stack: str, run_id: str, state: str, version: int) -> list[str]:
        """One state's log as command line clients read it: page by page, until it is finished."""
        lines: list[str] = []
        token = None
        while True:
            page = self.ask(
                LOGS, stack=stack, run=run_id, state=state, version=version, token=token
            )["stack"]["run"]["logs"]
            assert page["exists"]
            lines += [message["message"] for message in page["messages"]]
            if page["finished"]:
                return lines
            token = page["nextToken"]


def _lines(response: httpx2.Response) -> Iterator[str]:
    """The lines of a stream, as long as patience lasts; a server says something every 15 s."""
    deadline = time.monotonic() + PATIENCE
    for line in response.iter_lines():
        if time.monotonic() > deadline:
            raise TimeoutError("the stream goes on and on")
        yield line


RUN = "query ($run: ID!) { runStack(runId: $run) { id } }"
RUN_OF = """
query ($stack: ID!, $run: ID!) { stack(id: $stack) { run(id: $run) {
  id type state finished failureReason outcomeUnknown waitsFor title command
  canConfirm canDiscard canRetry triggeredBy needsApproval
  delta { addCount changeCount deleteCount resources }
  history { state stateVersion hasLogs terminal note username workerId timestamp }
} } }
"""
LOGS = """
query ($stack: ID!, $run: ID!, $state: RunState!, $version: Int, $token: String) {
  stack(id: $stack) { run(id: $run) {
    logs(state: $state, stateVersion: $version, token: $token) {
      exists expired finished hasMore nextToken messages { message timestamp }
    }
  } }
}
"""
