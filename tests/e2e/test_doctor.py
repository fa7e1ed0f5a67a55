"""`gantry admin doctor` finds what is broken, and says what to do about it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from gantry.infra.vault import generate_private_key

from tests.support.doctor import bad, doctor
from tests.support.platform import free_port


def test_an_installation_that_is_well_is_found_so(site):
    code, findings = doctor(site)

    assert (code, bad(findings)) == (0, set())
    assert findings["encryption key"] == "good: opens the data keys, seals and signs"
    assert findings["scheduler and drain"] == "good: at work"
    assert findings["bucket states"] == "good: takes and gives, also by URL"
    assert len([what for what in findings if what.startswith("bucket ")]) == 10
    assert findings["clock of storage"] == "good: as this machine's"
    assert findings["name 127.0.0.1"] == "good: 127.0.0.1"


def test_another_key_than_the_installations_own_is_found_out(site):
    code, findings = doctor(site, ENCRYPTION_RSA_PRIVATE_KEY=generate_private_key())

    assert code == 1
    assert bad(findings) == {"encryption key"}
    assert "does not open the data keys" in findings["encryption key"]


@contextlib.contextmanager
def replaced(directory: Path):
    """A directory that cannot be written to, whoever tries."""
    aside = directory.with_name("aside")
    directory.rename(aside)
    directory.write_text("in the way")
    try:
        yield
    finally:
        directory.unlink()
        aside.rename(directory)


def test_a_bucket_that_takes_nothing_is_named(site):
    with replaced(site.platform.place / "data" / "objects" / "states"):
        code, findings = doctor(site)

    assert code == 1
    assert bad(findings) == {"bucket states"}


def test_addresses_that_nobody_answers_at_are_named(site):
    nowhere = f"127.0.0.1:{free_port()}"

    code, findings = doctor(site, SERVER_DOMAIN=nowhere, MQTT_BROKER_ENDPOINT=f"tcp://{nowhere}")

    assert code == 1
    names = {what for what in bad(findings) if not what.startswith("bucket ")}
    assert names == {f"server http://{nowhere}", f"broker tcp://{nowhere}"}


def test_a_name_that_is_in_no_dns_is_named_with_its_variable(site):
    code, findings = doctor(site, SERVER_DOMAIN="gantry.invalid")

    assert code == 1
    assert findings["name gantry.invalid"].startswith("bad: cannot be looked up")


@pytest.mark.parametrize(
    ("revision", "floor", "health"),
    [("0001", "0001", "look"), ("9999", "0001", "look"), ("9999", "9999", "bad")],
    ids=["older", "newer", "too new"],
)
def test_a_schema_of_another_release_is_looked_at_and_left_alone(
    new_platform, revision, floor, health
):
    platform = new_platform()
    platform.run("admin", "jobs", "list")  # sets the database up
    platform.change("update alembic_version set version_num = %s", revision)
    platform.change("update schema_floor set revision = %s", floor)

    ended = platform.run("admin", "doctor")

    assert health in next(line for line in ended.stdout.splitlines() if " database: " in line)
    assert platform.rows("select version_num from alembic_version") == [(revision,)]


def test_an_empty_database_stays_empty(new_platform):
    platform = new_platform()

    ended = platform.run("admin", "doctor")

    assert "empty" in ended.stdout
    assert platform.rows("select to_regclass('run')") == [(None,)]
