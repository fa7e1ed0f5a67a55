"""A server that says to a worker what a test wants, over real HTTP."""

import asyncio
import inspect
import json
from contextlib import asynccontextmanager


class StandIn:
    """Answers each path with the next of its answers, the last one for ever.

    An answer is (status, body), or a function of the request's path and body that gives one, at
    once or later.
    """

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.url = ""

    def bodies(self, ending):
        return [body for path, body in self.asked if path.partition("?")[0].endswith(ending)]

    def _answer(self, path, body):
        for ending, answers in self.answers.items():
            if path.split("?")[0].endswith(ending):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return answer(path, body) if callable(answer) else answer
        return 404, b"<html>not here</html>"

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                path = lines[0].split(" ")[1]
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.asked.append((path, body))
                answer = self._answer(path, body)
                status, said = await answer if inspect.isawaitable(answer) else answer
                said = said if isinstance(said, bytes) else json.dumps(said).encode()
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(said)}\r\n\r\n".encode())
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def standing_in():
    there = StandIn()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield there
