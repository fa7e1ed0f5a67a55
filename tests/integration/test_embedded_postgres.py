"""The built-in Postgres keeps what was written, whoever is killed, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import struct
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from gantry.infra.embedded_postgres import MAJOR, EmbeddedPostgres, PostgresNotStarted
from gantry.infra.postgres_account import ACCOUNT, NoAccount
from gantry.infra.postmaster import is_postmaster, read_postmaster
from pydantic import PostgresDsn, TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

ROOT = os.geteuid() == 0
OWNER = """
import asyncio, structlog, sys
from pathlib import Path
from gantry.infra.embedded_postgres import EmbeddedPostgres

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

async def own():
    postgres = EmbeddedPostgres(Path(sys.argv[1]))
    print(await postgres.start(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await postgres.stop()
    print("stopped", flush=True)

asyncio.run(own())
"""


# Not pytest's own directories: each session of pytest that starts, also somebody else's,
# closes the one above them again, and with it the passage for the server's account.
@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
async def data_dir():
    """One cluster for all tests that leave it whole: making one takes a second or two."""
    with tempfile.TemporaryDirectory() as name:
        postgres = EmbeddedPostgres(Path(name) / "data")
        await write(await postgres.start(), "from the start")
        await postgres.stop()
        yield postgres._dir


@pytest.fixture
async def postgres(data_dir):
    postgres = EmbeddedPostgres(data_dir)
    yield postgres
    await postgres.stop()


def copied(data_dir: Path, to: Path) -> Path:
    shutil.copytree(data_dir, to)
    if ROOT:
        for path in (to, *to.rglob("*")):
            os.chown(path, data_dir.stat().st_uid, data_dir.stat().st_gid)
    return to


async def write(url: str, line: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("create table if not exists lines (line text)")
        await connection.execute("insert into lines values (%s)", [line])


async def read(url: str, query: str = "select line from lines") -> list[str]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return [row[0] for row in await (await connection.execute(query)).fetchall()]


async def running(*prefix: str, data_dir: Path) -> asyncio.subprocess.Process:
    """Another process that owns, or shares, the server."""
    return await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-c",
        OWNER,
        str(data_dir),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def test_what_was_written_is_there_after_a_restart(postgres):
    await write(await postgres.start(), "again")
    await postgres.stop()

    with pytest.raises(psycopg.OperationalError):
        await read(f"postgresql://gantry@/postgres?host={postgres._dir}")
    assert {"from the start", "again"} <= set(await read(await postgres.start()))


async def test_a_server_killed_outright_is_started_again_with_its_data(postgres, data_dir):
    url = await postgres.start()
    await write(url, "killed outright")
    killed = read_postmaster(data_dir / str(MAJOR)).pid
    os.kill(killed, signal.SIGKILL)
    while is_postmaster(killed, data_dir / str(MAJOR)):
        await asyncio.sleep(0.01)

    assert "killed outright" in await read(await postgres.start())


async def test_when_its_owner_is_killed_the_next_one_takes_over(postgres, data_dir):
    owner = await running(data_dir=data_dir)
    await write((await owner.stdout.readline()).decode().strip(), "owner killed")
    orphan = read_postmaster(data_dir / str(MAJOR)).pid

    owner.kill()
    await owner.wait()

    assert "owner killed" in await read(await postgres.start())
    assert read_postmaster(data_dir / str(MAJOR)).pid != orphan


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_on_linux_a_killed_owner_takes_its_server_along(data_dir):
    owner = await running(data_dir=data_dir)
    await owner.stdout.readline()
    orphan = read_postmaster(data_dir / str(MAJOR)).pid

    owner.kill()
    await owner.wait()

    while is_postmaster(orphan, data_dir / str(MAJOR)):
        await asyncio.sleep(0.05)
    assert read_postmaster(data_dir / str(MAJOR)) is None


async def test_a_server_that_outlived_its_owner_is_ended_before_the_next(postgres, data_dir):
    url = await postgres.start()
    await write(url, "outlived")
    orphan = read_postmaster(data_dir / str(MAJOR)).pid
    os.close(postgres._lock)  # as if the owner were gone and the kernel had not told the server
    other = EmbeddedPostgres(data_dir)

    assert "outlived" in await read(await other.start())
    assert not is_postmaster(orphan, data_dir / str(MAJOR))
    postgres._lock = None
    await other.stop()


async def test_a_number_that_now_is_somebody_elses_process_does_not_stand_in_the_way(
    postgres, data_dir
):
    (data_dir / str(MAJOR) / "postmaster.pid").write_text(f"{os.getpid()}\n{data_dir}\n0\n")

    assert "from the start" in await read(await postgres.start())


async def test_a_second_process_is_a_guest_and_ends_nothing(postgres, data_dir):
    url = await postgres.start()
    server = read_postmaster(data_dir / str(MAJOR)).pid

    guest = await running(data_dir=data_dir)
    said, _ = await guest.communicate(b"")

    assert said.decode().split() == [url, "stopped"]
    assert read_postmaster(data_dir / str(MAJOR)).pid == server
    assert "from the start" in await read(url)


async def test_two_that_start_at_once_agree_on_one_server(data_dir):
    both = [EmbeddedPostgres(data_dir), EmbeddedPostgres(data_dir)]

    urls = await asyncio.gather(*(postgres.start() for postgres in both))

    assert urls[0] == urls[1]
    assert "from the start" in await read(urls[0])
    for postgres in both:
        await postgres.stop()
    assert read_postmaster(data_dir / str(MAJOR)) is None


async def test_a_creation_that_was_cut_short_is_begun_anew(directory):
    (directory / f"{MAJOR}.new-1").mkdir()
    (directory / f"{MAJOR}.new-1" / "PG_VERSION").write_text(str(MAJOR))
    postgres = EmbeddedPostgres(directory)

    await write(await postgres.start(), "first")
    await postgres.stop()

    assert not list(directory.glob(f"{MAJOR}.new*"))


async def test_it_takes_two_hundred_connections_and_listens_on_no_port(postgres):
    url = await postgres.start()

    assert await read(url, "show max_connections") == ["200"]
    assert await read(url, "show listen_addresses") == [""]
    assert await read(url, "show timezone") == ["UTC"]
    assert await read(url, "select datlocale from pg_database where datname='postgres'") == [
        "C.UTF-8"
    ]
    with pytest.raises(psycopg.OperationalError):
        await read(url.split("?")[0].replace("localhost", "127.0.0.1"))


async def test_its_url_is_understood_by_settings_and_by_sqlalchemy(postgres):
    url = await postgres.start()

    assert str(TypeAdapter(PostgresDsn).validate_python(url)) == url
    engine = create_async_engine(url.replace("postgresql", "postgresql+psycopg"))
    async with engine.connect() as connection:
        assert await connection.scalar(text("select count(*) from lines")) > 0
    await engine.dispose()


async def test_settings_of_other_postgres_clients_do_not_change_it(postgres, monkeypatch):
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGDATA": "/none"}.items():
        monkeypatch.setenv(name, value)

    assert "from the start" in await read(await postgres.start())


async def test_a_path_too_long_for_a_socket_is_no_obstacle(data_dir, directory):
    postgres = EmbeddedPostgres(copied(data_dir, directory / ("long" * 30)))
    url = await postgres.start()

    try:
        assert "from the start" in await read(url)
        short = Path(read_postmaster(postgres._cluster).socket_dir)
        assert short.parent == Path("/tmp")
        assert short.stat().st_mode & 0o777 == 0o700
    finally:
        await postgres.stop()
    assert not short.exists()
    short.mkdir(mode=0o755)  # as anybody might, to listen in
    with pytest.raises(PostgresNotStarted, match="not ours alone"):
        await postgres.start()
    short.rmdir()


@pytest.mark.parametrize("name", ['a b "c" é%41?&', "a,b"])
async def test_odd_characters_in_a_path_are_no_obstacle(data_dir, directory, name):
    postgres = EmbeddedPostgres(copied(data_dir, directory / name))

    try:
        assert "from the start" in await read(await postgres.start())
    finally:
        await postgres.stop()


async def test_only_its_owner_can_enter_its_directory(postgres, data_dir):
    await postgres.start()

    assert data_dir.stat().st_mode & 0o077 == 0
    assert (data_dir / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


async def test_a_server_that_cannot_start_says_why(data_dir, directory, monkeypatch):
    monkeypatch.setattr("gantry.infra.embedded_postgres._RETRY_FOR", 0.1)
    postgres = EmbeddedPostgres(copied(data_dir, directory / "data"))
    (postgres._cluster / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(PostgresNotStarted) as down:
        await postgres.start()

    assert "no_such_setting" in down.value.detail
    assert postgres._lock is None


@pytest.mark.skipif(not ROOT, reason="asks for another account")
class TestAsRoot:
    async def test_it_runs_under_an_account_of_its_own(self, postgres, data_dir):
        await postgres.start()

        status = Path(f"/proc/{read_postmaster(data_dir / str(MAJOR)).pid}").stat()
        assert (data_dir / str(MAJOR)).owner() == ACCOUNT
        assert status.st_uid == data_dir.stat().st_uid

    async def test_closed_directories_above_stay_closed_to_others(self, data_dir, directory):
        postgres = EmbeddedPostgres(copied(data_dir, directory / "data"))
        try:
            for _ in range(2):
                assert "from the start" in await read(await postgres.start())
                await postgres.stop()
                directory.chmod(0o700)  # takes the passage away again
        finally:
            await postgres.stop()
        other = await asyncio.create_subprocess_exec(
            "ls", str(directory / "data"), user=65534, stderr=asyncio.subprocess.DEVNULL
        )
        assert await other.wait() != 0

    async def test_an_access_list_of_somebody_else_is_left_alone(self, data_dir, directory):
        entries = [(1, 7, -1), (2, 4, 65534), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
        os.setxattr(directory, "system.posix_acl_access", acl)

        with pytest.raises(NoAccount, match="may not pass"):
            await EmbeddedPostgres(copied(data_dir, directory / "data")).start()

        assert os.getxattr(directory, "system.posix_acl_access") == acl

    @pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs util-linux")
    async def test_an_ordinary_user_needs_no_other_account(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            os.chown(directory, 65534, 65534)
            # The right to read is for this test's Python, which may live in root's home.
            rights = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
            user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *rights]
            owner = await running(*user, data_dir=Path(directory) / "data")

            url = (await owner.stdout.readline()).decode().strip()
            await write(url, "an ordinary line")
            assert await read(url) == ["an ordinary line"]
            assert (Path(directory) / "data" / str(MAJOR)).stat().st_uid == 65534

            said, _ = await owner.communicate(b"")
            assert said.decode().strip() == "stopped"
