"""Repositories on disk for tests, and what is in the archives made of them."""

from __future__ import annotations

import os
import subprocess
import tarfile

_WHO = {"NAME": "Ada Vale", "EMAIL": "ada@example.com", "DATE": "1700000000 +0100"}


class Repository:
    """A repository on disk, filled with the real program."""

    def __init__(self, path, *options):
        self.path = path
        self.url = f"file://{path}"
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *arguments, stdin=None, **env):
        clean = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        who = {f"GIT_{r}_{k}": v for r in ("AUTHOR", "COMMITTER") for k, v in _WHO.items()}
        command = ["git", "-c", "safe.directory=*", *arguments]
        done = subprocess.run(
            command, cwd=self.path, env=clean | who | env, input=stdin, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="replace").strip()

    def write(self, files):
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, files=None, message="A change", *options, **env):
        self.write(files or {})
        self.git("add", "--all")
        message = message if isinstance(message, bytes) else message.encode()
        arguments = (
            "--quiet",
            "--allow-empty",
            "--allow-empty-message",
            "--cleanup=verbatim",
            "-F-",
        )
        self.git(*options, "commit", *arguments, stdin=message, **env)
        return self.git("rev-parse", "HEAD")

    def object(self, kind, content):
        """Store an object that the ordinary commands would not make."""
        return self.git("hash-object", "-w", "--literally", "-t", kind, "--stdin", stdin=content)

    def commit_tree(self, tree, *, message=b"odd", at=b"0 +0000"):
        """Store a commit that the ordinary command would not make."""
        who = b"A <a@example.com>"
        lines = (b"tree " + tree.encode(), b"author %s %s" % (who, at))
        lines += (b"committer %s 0 +0000" % who, b"", message)
        sha = self.object("commit", b"\n".join(lines))
        self.git("update-ref", "refs/heads/main", sha)
        return sha


def files_in(archive):
    with tarfile.open(archive, "r:gz") as tar:
        return {
            entry.name: tar.extractfile(entry).read() if entry.isfile() else entry.type
            for entry in tar
            if not entry.isdir()
        }
