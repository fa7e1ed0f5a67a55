"""Git reaches the servers it may reach, no others, and lets go of them in time."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta

import pytest
from gantry.infra.git import GitSources
from gantry.infra.git_access import Password, SshKey, access, resolve_host
from gantry.infra.git_urls import parse
from gantry.infra.pki import new_ca
from gantry.kernel.secret import Secret
from gantry.ports.sources import BadRepository, NoSuchRef, RepositoryUnreachable

from tests.support.git_repository import Repository, files_in
from tests.support.git_server import GitServer, is_running, wait_for

ABSENT = "1" * 40
PUBLIC = "140.82.121.4"


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "root").mkdir()
    return Repository(tmp_path / "root" / "source")


@pytest.fixture
def server(tmp_path, repository):
    with GitServer(tmp_path / "root") as running:
        yield running


@pytest.fixture
def given(tmp_path):
    """Makes sources whose scratch space has to be empty in the end."""

    def make(**changes):
        settings = {"allow_file": False, "allow_private": True, "timeout": timedelta(seconds=30)}
        return GitSources(scratch=tmp_path / "scratch", **(settings | changes))

    yield make
    assert not list((tmp_path / "scratch").glob("*"))


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "source.tar.gz"


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """In place of ssh a script that notes its arguments and then runs `then` of the test."""
    place = tmp_path / "bin"
    place.mkdir()

    def install(then):
        (place / "ssh").write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" > {place}/arguments\nenv > {place}/env\n{then}\n'
        )
        (place / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
        monkeypatch.setenv("SSH_AUTH_SOCK", "/somewhere")
        return place

    return install


def resolving(*addresses):
    async def resolve(host, port):
        resolve.asked.append((host, port))
        return addresses

    resolve.asked = []
    return resolve


# ---------------------------------------------------------------- nothing hostile gets to Git

HOSTILE_URLS = [
    "--upload-pack=touch {marker}",
    "--upload-pack=touch${{IFS}}{marker}",
    "-oProxyCommand=touch {marker}@host.example:x",
    "ext::sh -c touch% {marker}",
    "ext::touch {marker}",
    "ssh://-oProxyCommand=touch%20{marker}/x",
    "git@-oProxyCommand=touch {marker}:x",
    "https://host.example/x\n--upload-pack=touch {marker}",
    "file://{source}",
    "{source}",
    "http://127.0.0.1/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://169.254.169.254/latest",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://localhost/x",
    "git@localhost:x",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
async def test_hostile_addresses_are_refused_before_anything_starts(
    given, tmp_path, repository, archive, url
):
    marker = tmp_path / "ran"
    url = url.format(marker=marker, source=repository.path)
    sources = given(allow_private=False)

    with pytest.raises(BadRepository):
        sources.check_url(url)
    with pytest.raises(BadRepository):
        await sources.head(url, "main")
    with pytest.raises(BadRepository):
        await sources.fetch(url, ABSENT, archive, branch="main")

    assert not marker.exists()
    assert not archive.exists()
    assert not (tmp_path / "scratch").exists()


@pytest.mark.parametrize(
    ("branch", "sha"),
    [
        ("--upload-pack=touch /tmp/x", ABSENT),
        ("--exec=x", ABSENT),
        ("main\nrefs/heads/x", ABSENT),
        ("main:refs/heads/x", ABSENT),
        ("*", ABSENT),
        ("main", "--upload-pack=touch"),
        ("main", "main"),
        ("main", "HEAD"),
        ("main", ABSENT + "\n"),
        ("main", ABSENT + ":refs/heads/x"),
    ],
)
async def test_hostile_branches_and_shas_are_refused_before_anything_starts(
    given, tmp_path, server, archive, branch, sha
):
    with pytest.raises(BadRepository):
        await given().fetch(f"{server.url}/smart/source/.git", sha, archive, branch=branch)
    if sha == ABSENT:
        with pytest.raises(BadRepository):
            await given().head(f"{server.url}/smart/source/.git", branch)

    assert server.seen == []
    assert not (tmp_path / "scratch").exists()


# ---------------------------------------------------------------- where names lead


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("::1",),
        ("169.254.169.254",),
        ("10.0.0.1",),
        ("fe80::1%eth0",),
        ("::ffff:127.0.0.1",),
        (PUBLIC, "127.0.0.1"),
        (PUBLIC, "2606:4700::1", "fd00::1"),
    ],
)
@pytest.mark.parametrize("form", ["https://git.example.com:{port}/a", "git@git.example.com:a"])
async def test_a_name_behind_which_any_address_is_private_is_refused(
    given, server, archive, ssh, addresses, form
):
    place = ssh("exit 1")
    sources = given(allow_private=False, resolve=resolving(*addresses))
    url = form.format(port=server.port)

    sources.check_url(url)  # as a text it is in order
    with pytest.raises(BadRepository, match="private network"):
        await sources.head(url, "main")
    with pytest.raises(BadRepository, match="private network"):
        await sources.fetch(url, ABSENT, archive, branch="main")

    assert server.seen == []
    assert not (place / "arguments").exists()


async def test_a_name_is_looked_up_once_and_git_held_to_the_answer(
    given, server, repository, archive
):
    sha = repository.commit({"main.tf": "1"})
    resolve = resolving("127.0.0.1", "::1")
    url = f"http://git.example.test:{server.port}/old/source/.git"

    info = await given(resolve=resolve).fetch(url, sha, archive, branch="main")

    assert info.sha == sha
    assert resolve.asked == [("git.example.test", server.port)]  # nobody else knows this name
    assert {seen["Host"] for seen in server.headers_seen} == {f"git.example.test:{server.port}"}


async def test_git_is_held_to_addresses_over_https_and_certificates_are_checked(
    given, server, tmp_path
):
    identity = tmp_path / "identity.pem"
    identity.write_text("".join(new_ca("git.example.test")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    resolve = resolving("127.0.0.1")

    with pytest.raises(RepositoryUnreachable, match="cannot be reached") as refused:
        await given(resolve=resolve).head(f"https://git.example.test:{server.port}/smart/a", "main")

    assert "certificate" in refused.value.detail
    assert server.seen == []


async def test_the_systems_answer_for_localhost_is_private(given):
    found = await resolve_host("localhost", 443)

    assert set(found) <= {"127.0.0.1", "::1"}
    with pytest.raises(BadRepository):
        await given(allow_private=False, resolve=lambda *_: resolve_host("localhost", 1)).head(
            "https://git.example.com/a", "main"
        )


async def test_a_name_nobody_knows_is_unreachable(given):
    with pytest.raises(RepositoryUnreachable, match=r"no host called nobody\.invalid"):
        await given().head("https://nobody.invalid/a", "main")


# ---------------------------------------------------------------- what servers answer


@pytest.mark.parametrize("how", ["smart", "old", "dumb"])
async def test_every_kind_of_server_yields_a_commit_below_the_tip(
    given, server, repository, archive, how
):
    sha = repository.commit({"main.tf": "old"})
    tip = repository.commit({"main.tf": "new"})
    repository.git("tag", "v1")
    repository.git("update-server-info")
    url = f"{server.url}/{how}/source/.git"

    assert await given().head(url, "main") == tip
    for branch in ("main", "v1"):
        assert (await given().fetch(url, sha, archive, branch=branch)).sha == sha
        assert files_in(archive) == {"main.tf": b"old"}


@pytest.mark.parametrize("how", ["old", "dumb"])
async def test_where_commits_are_not_served_the_branch_is_searched_to_its_root(
    given, server, repository, archive, how
):
    root = repository.commit({"main.tf": "root"})
    for n in range(60):
        repository.commit({"main.tf": str(n)})
    aside = repository.commit({"main.tf": "aside"})
    repository.git("reset", "--hard", "--quiet", "HEAD~1")
    repository.git("update-server-info")
    url = f"{server.url}/{how}/source/.git"

    assert (await given().fetch(url, root, archive, branch="main")).sha == root
    archive.unlink()
    if how == "old":  # a server of files has every commit that it has
        with pytest.raises(NoSuchRef, match=f"no commit {aside} on “main”"):
            await given().fetch(url, aside, archive, branch="main")
    with pytest.raises(NoSuchRef, match=f"no commit {ABSENT} on “main”"):
        await given().fetch(url, ABSENT, archive, branch="main")
    with pytest.raises(NoSuchRef, match="no branch or tag “gone”"):
        await given().fetch(url, root, archive, branch="gone")

    assert not archive.exists()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("404", "no repository at"),
        ("401", "does not let us in"),
        ("403", "does not let us in"),
        ("500", "cannot be reached"),
        ("503", "cannot be reached"),
        ("moved", "redirects"),
    ],
)
async def test_an_answer_that_is_no_repository_is_told_in_a_sentence(
    given, server, repository, archive, how, words
):
    repository.commit()
    url = f"{server.url.replace('//', '//someone@')}/{how}/source/.git"

    with pytest.raises(RepositoryUnreachable, match=words) as refused:
        await given().head(url, "main")
    with pytest.raises(RepositoryUnreachable, match=words):
        await given().fetch(url, ABSENT, archive, branch="main")

    assert refused.value.detail
    assert "someone" not in refused.value.message + refused.value.detail
    assert not any(path.startswith("/smart") for path in server.seen)
    assert not archive.exists()


async def test_a_port_nobody_listens_on_is_unreachable(given):
    with pytest.raises(RepositoryUnreachable, match="cannot be reached"):
        await given().head("http://127.0.0.1:1/a", "main")


async def test_a_server_that_does_not_answer_is_left_after_the_time_allowed(given, server, archive):
    sources = given(timeout=timedelta(milliseconds=300))

    with pytest.raises(RepositoryUnreachable, match=r"within 0\.3 seconds"):
        await sources.head(f"{server.url}/hang/a", "main")
    with pytest.raises(RepositoryUnreachable, match=r"within 0\.3 seconds"):
        await sources.fetch(f"{server.url}/hang/a", ABSENT, archive, branch="main")

    assert not archive.exists()


# ---------------------------------------------------------------- letting go


@pytest.mark.parametrize("end", ["timeout", "cancel"])
async def test_everything_git_started_ends_with_it(given, ssh, tmp_path, end):
    part, pids = tmp_path / "pids.part", tmp_path / "pids"
    ssh(f"sleep 60 & echo $! $$ > {part}; mv {part} {pids}; wait")
    sources = given(timeout=timedelta(seconds=1 if end == "timeout" else 30))
    visit = asyncio.create_task(sources.head("git@127.0.0.1:a", "main"))
    assert await asyncio.to_thread(wait_for, pids.exists)
    started = pids.read_text().split()
    assert all(is_running(pid) for pid in started)

    if end == "cancel":
        visit.cancel()
    with pytest.raises(RepositoryUnreachable if end == "timeout" else asyncio.CancelledError):
        await visit

    assert await asyncio.to_thread(wait_for, lambda: not any(map(is_running, started)))


# ---------------------------------------------------------------- ways in


async def test_ssh_goes_to_the_checked_address_and_takes_nothing_from_the_account(
    given, ssh, repository, archive, tmp_path
):
    place = ssh('for last; do :; done; exec sh -c "$last"')
    sha = repository.commit({"main.tf": "1"})
    key = SshKey(private_key=tmp_path / "a key", known_hosts=tmp_path / "known hosts")
    resolve = resolving(PUBLIC)
    sources = given(resolve=resolve, allow_private=False, credentials=lambda url: key)

    for start in ("ssh://git@git.example.com:2222", "git@git.example.com:"):
        info = await sources.fetch(f"{start}{repository.path}", sha, archive, branch="main")

        assert info.sha == sha
        arguments = (place / "arguments").read_text().splitlines()
        port = start.endswith("2222")
        alias = "[git.example.com]:2222" if port else "git.example.com"
        for option in (
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            f"HostName={PUBLIC}",
            f"HostKeyAlias={alias}",
            "IdentitiesOnly=yes",
            f'IdentityFile="{tmp_path}/a key"',
            f'UserKnownHostsFile="{tmp_path}/known hosts"',
        ):
            assert arguments[arguments.index(option) - 1] == "-o"
        assert arguments[:2] == ["-F", "/dev/null"]
        assert ("2222" in arguments) == port
        assert arguments[-2] == "git@git.example.com"
        assert arguments[-1] == f"git-upload-pack '{repository.path}'"
        assert "SSH_AUTH_SOCK" not in (place / "env").read_text()
    assert resolve.asked == [("git.example.com", 2222), ("git.example.com", 22)]


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("git@host: Permission denied (publickey).", "does not let us in"),
        ("Host key verification failed.", "host key"),
        ("ssh: connect to host h port 22: Connection refused", "cannot be reached"),
        ("ERROR: Repository not found.", "no repository at"),
    ],
)
async def test_what_ssh_complains_of_is_told_in_a_sentence(given, ssh, says, words):
    ssh(f'echo "{says}" >&2; exit 255')

    with pytest.raises(RepositoryUnreachable, match=words) as refused:
        await given().head("git@127.0.0.1:a", "main")

    assert refused.value.detail == says


async def test_a_password_is_sent_over_https_only(given, server, repository):
    login = Password("robot", Secret("hunter2"))
    sha = repository.commit()

    sources = given(credentials=lambda _: login)
    assert await sources.head(f"{server.url}/smart/source/.git", "main") == sha

    assert not any("Authorization" in seen for seen in server.headers_seen)
    address = parse("https://git.example.com/a", allow_file=False, allow_private=False)
    assert access(address, [PUBLIC], login) == {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": "Authorization: Basic cm9ib3Q6aHVudGVyMg==",
    }
    assert access(address, [PUBLIC], None) == {}
