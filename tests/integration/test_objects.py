"""The same promises from a directory and each provider: put, get, delete, and URLs that end."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import timedelta
from email.utils import formatdate

import httpx2
import pytest
from gantry.infra.object_probe import probe
from gantry.infra.object_stores import azure_stores, s3_stores
from gantry.infra.objects import RemoteObjects
from gantry.kernel.ids import new_id
from gantry.ports.objects import Bucket, ObjectMissing, StorageDown
from gantry_protocol.uploads import UPLOAD_HEADERS
from starlette.responses import Response

from tests.support.cloud_stores import (
    ACCOUNT_KEY,
    azure,
    azure_store,
    azurite,
    google,
    google_store,
    service_account,
)
from tests.support.object_stores import (
    KEY_ID,
    SECRET,
    Clock,
    door_of,
    local_at,
    local_store,
    moto_server,
    remote,
    remote_store,
    serving,
)

LOGS = Bucket.RUN_LOGS
MINUTE = timedelta(minutes=1)
BAD_KEYS = ["../out", "a/../../out", "/etc/passwd", "a//b", "", ".incoming/x", "a\n"]


@pytest.fixture(scope="session")
def moto():
    with moto_server() as url:
        yield url


@pytest.fixture(scope="session")
def azure_url():
    with azurite() as url:
        yield url


@pytest.fixture(params=["directory", "s3", "google", "azure"], scope="module")
async def served(request, tmp_path_factory):
    place = tmp_path_factory.mktemp("objects")
    if request.param == "directory":
        standing = local_store(place)
    elif request.param == "s3":
        standing = remote_store(request.getfixturevalue("moto"))
    elif request.param == "google":
        standing = google_store(request.getfixturevalue("moto"), place)
    else:
        standing = azure_store(request.getfixturevalue("azure_url"))
    async with standing as store:
        yield store


@pytest.fixture
def store(served):
    served.clock.ahead = timedelta(0)
    return served


@pytest.fixture(scope="module")
async def http():
    async with httpx2.AsyncClient() as client:
        yield client


# ------------------------------------------------------------------ what all promise


async def test_what_was_put_can_be_got_and_measured(store):
    key = f"{new_id()}/plan.log"

    await store.objects.put(LOGS, key, b"hello \x00 world")

    assert await store.objects.get(LOGS, key) == b"hello \x00 world"
    assert await store.objects.size(LOGS, key) == 13
    assert await store.objects.size(Bucket.STATES, key) is None


async def test_an_empty_object_is_there(store):
    key = new_id()

    await store.objects.put(LOGS, key, b"")

    assert await store.objects.size(LOGS, key) == 0
    assert await store.objects.get(LOGS, key) == b""


async def test_an_object_larger_than_one_part_comes_back_whole(store):
    key, data = new_id(), bytes(range(256)) * (11 * 2**20 // 256)  # three parts of 5 MiB

    await store.objects.put(LOGS, key, data)

    assert await store.objects.get(LOGS, key) == data


async def pieces_of(*pieces, broken=False):
    for piece in pieces:
        yield piece
    if broken:
        raise LookupError("there should be more")


async def test_an_object_comes_in_pieces_and_is_whole(store):
    key, piece = new_id(), bytes(range(256)) * 12_000  # more than a part of an upload in two

    await store.objects.put_pieces(LOGS, key, pieces_of(piece, piece, piece, b"end"))

    assert await store.objects.get(LOGS, key) == piece * 3 + b"end"


async def test_an_object_of_no_pieces_is_there_and_empty(store):
    key = new_id()

    await store.objects.put_pieces(LOGS, key, pieces_of())

    assert await store.objects.size(LOGS, key) == 0


async def test_pieces_that_break_off_leave_what_was_there(store):
    key = new_id()
    await store.objects.put(LOGS, key, b"as it was")

    with pytest.raises(Exception, match=r"there should be more|storage"):
        await store.objects.put_pieces(LOGS, key, pieces_of(b"x" * 20_000_000, broken=True))

    assert await store.objects.get(LOGS, key) == b"as it was"


async def test_what_was_never_put_is_missing(store):
    key = new_id()

    with pytest.raises(ObjectMissing):
        await store.objects.get(LOGS, key)
    for start, end in [(0, 1), (0, 0)]:
        with pytest.raises(ObjectMissing):
            await store.objects.get_range(LOGS, key, start, end)
    assert await store.objects.size(LOGS, key) is None


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 5, b"01234"), (3, 4, b"3"), (7, 99, b"789"), (10, 20, b""), (99, 100, b""), (4, 4, b"")],
)
async def test_a_range_is_cut_as_python_cuts(store, start, end, expected):
    key = new_id()
    await store.objects.put(LOGS, key, b"0123456789")

    assert await store.objects.get_range(LOGS, key, start, end) == expected


async def test_a_range_that_runs_backwards_is_a_bug(store):
    for start, end in [(5, 4), (-1, 3)]:
        with pytest.raises(ValueError, match="range"):
            await store.objects.get_range(LOGS, new_id(), start, end)


async def test_deleting_twice_is_as_good_as_once(store):
    key, other = f"{new_id()}/a", new_id()
    await store.objects.put(LOGS, key, b"x")
    await store.objects.put(LOGS, other, b"y")

    await store.objects.delete(LOGS, key)
    await store.objects.delete(LOGS, key)

    assert await store.objects.size(LOGS, key) is None
    assert await store.objects.get(LOGS, other) == b"y"


async def test_readers_of_an_object_being_replaced_see_the_old_or_the_new(store):
    key, old, new = new_id(), b"o" * 300_000, b"n" * 300_000
    await store.objects.put(LOGS, key, old)

    seen = await asyncio.gather(
        store.objects.put(LOGS, key, new), *(store.objects.get(LOGS, key) for _ in range(8))
    )

    assert set(seen[1:]) <= {old, new}
    assert await store.objects.get(LOGS, key) == new


async def test_of_many_putting_the_same_object_one_wins_whole(store):
    key = f"{new_id()}/state"
    values = [bytes([n]) * 200_000 for n in range(8)]

    await asyncio.gather(*(store.objects.put(LOGS, key, value) for value in values))

    assert await store.objects.get(LOGS, key) in values


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
async def test_a_key_that_could_lead_elsewhere_is_refused_everywhere(store, key):
    objects = store.objects

    for refused in (
        objects.put(LOGS, key, b"x"),
        objects.get(LOGS, key),
        objects.get_range(LOGS, key, 0, 1),
        objects.size(LOGS, key),
        objects.delete(LOGS, key),
        objects.download_url(LOGS, key, lasts=MINUTE),
        objects.upload_url(LOGS, key, lasts=MINUTE),
    ):
        with pytest.raises(ValueError, match="not a key"):
            await refused


# ------------------------------------------------------------------ URLs


@pytest.fixture
def put(store, http):
    """Upload as a worker does; answers with the status."""

    async def upload(url, content):
        headers = dict(store.objects.upload_headers)
        return (await http.put(url, content=content, headers=headers)).status_code

    return upload


async def test_a_url_takes_the_object_and_another_gives_it(store, http, put):
    key = f"{new_id()}/a.tar.gz"
    up = await store.objects.upload_url(LOGS, key, lasts=MINUTE)
    down = await store.objects.download_url(LOGS, key, lasts=MINUTE)

    assert (await http.get(down)).status_code == 404
    assert await put(up, b"v1" * 1000) in (200, 201)

    assert await store.objects.get(LOGS, key) == b"v1" * 1000
    answer = await http.get(down)
    assert (answer.status_code, answer.content) == (200, b"v1" * 1000)


async def test_a_worker_may_send_its_headers_to_any_store(store, http):
    up = await store.objects.upload_url(LOGS, key := new_id(), lasts=MINUTE)

    await http.put(up, content=b"v1", headers=dict(UPLOAD_HEADERS))

    assert await store.objects.get(LOGS, key) == b"v1"


async def test_an_expired_url_neither_gives_nor_takes(store, http, put):
    key = new_id()
    await store.objects.put(LOGS, key, b"kept")
    up = await store.objects.upload_url(LOGS, key, lasts=MINUTE)
    down = await store.objects.download_url(LOGS, key, lasts=MINUTE)

    store.clock.ahead = timedelta(seconds=62)

    assert await put(up, b"late") == 403
    assert (await http.get(down)).status_code == 403
    assert await store.objects.get(LOGS, key) == b"kept"


async def test_a_url_for_reading_does_not_write_nor_the_other_way_round(store, http, put):
    key = new_id()
    await store.objects.put(LOGS, key, b"kept")
    up = await store.objects.upload_url(LOGS, key, lasts=MINUTE)
    down = await store.objects.download_url(LOGS, key, lasts=MINUTE)

    assert await put(down, b"changed") == 403
    assert await put(down.replace("GET", "PUT"), b"changed") == 403
    assert (await http.get(up)).status_code == 403
    assert await store.objects.get(LOGS, key) == b"kept"


async def test_a_url_that_was_tampered_with_is_refused(store, put):
    key, other = f"{new_id()}/a", f"{new_id()}/b"
    for name in (key, other):
        await store.objects.put(LOGS, name, b"kept")
    url = await store.objects.upload_url(LOGS, key, lasts=MINUTE)
    last = "1" if url[-1] == "0" else "0"

    for forged in (
        url[:-1] + last,  # every kind ends with the signature
        url.replace(key, other),
        url.replace(LOGS, Bucket.STATES),
        url.replace("xpires=", "xpires=1").replace("se=20", "se=21"),
        url.replace(key, f"%2e%2e/{Bucket.STATES}/{key}"),
    ):
        assert forged != url
        assert await put(forged, b"changed") == 403, forged

    assert await store.objects.get(LOGS, key) == b"kept"
    assert await store.objects.get(LOGS, other) == b"kept"
    assert await store.objects.size(Bucket.STATES, key) is None


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(days=8)])
async def test_a_url_that_s3_would_not_honour_is_not_made(store, lasts):
    with pytest.raises(ValueError, match="lasts"):
        await store.objects.upload_url(LOGS, new_id(), lasts=lasts)


async def test_the_probe_goes_all_the_way_and_reads_the_stores_clock(store):
    ahead = await probe(store.objects, LOGS)

    assert abs(ahead) < MINUTE


@pytest.mark.parametrize(
    ("date", "expected"), [("slow", -timedelta(hours=1)), ("Yesterday", None), (None, None)]
)
async def test_a_clock_that_is_wrong_is_measured_and_one_that_is_not_told_is_not(
    tmp_path, date, expected
):
    async def door(request):
        answer = await place["door"](request)
        if date == "slow":
            answer.headers["date"] = formatdate(time.time() - 3600, usegmt=True)
        elif date is not None:
            answer.headers["date"] = date
        return answer

    place = {}
    async with serving(door, dates=False) as url:
        objects = local_at(tmp_path, url, Clock())
        place["door"] = door_of(objects)
        ahead = await probe(objects, LOGS)

    assert ahead == expected or abs(ahead - expected) < MINUTE


# ------------------------------------------------------------------ where nothing works


async def test_a_bucket_that_does_not_exist_is_no_missing_object(moto, azure_url, tmp_path):
    for objects, word in (
        (remote(moto, prefix="elsewhere"), "NoSuchBucket"),
        (google(moto, service_account(tmp_path), prefix="elsewhere"), "NoSuchBucket"),
        (azure(azure_url, prefix="elsewhere"), "ContainerNotFound"),
    ):
        for refused in (objects.put(LOGS, "a", b"x"), objects.get(LOGS, "a"), probe(objects, LOGS)):
            with pytest.raises(StorageDown) as down:
                await refused
            assert word in down.value.detail


NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize("provider", ["s3", "google", "azure"])
async def test_a_store_that_does_not_answer_is_down(provider, tmp_path):
    if provider == "s3":
        objects = remote(NOWHERE)
    elif provider == "google":
        objects = google(NOWHERE, service_account(tmp_path))
    else:
        objects = azure(f"{NOWHERE}/account")

    for refused in (
        objects.put(LOGS, "a", b"x"),
        objects.get(LOGS, "a"),
        objects.get_range(LOGS, "a", 0, 1),
        objects.size(LOGS, "a"),
        objects.delete(LOGS, "a"),
    ):
        with pytest.raises(StorageDown) as down:
            await refused
        assert "Connection refused" in down.value.detail


async def test_a_refusal_is_told_without_what_the_store_quotes():
    async def refuse(request):
        quoted = request.headers["authorization"]
        body = f"<Error><Code>SignatureDoesNotMatch</Code><StringToSign>{quoted}</StringToSign>"
        return Response(body, 403)

    async with serving(refuse) as url:
        with pytest.raises(StorageDown) as down:
            await remote(url).get(LOGS, "a")

    assert "403, SignatureDoesNotMatch" in down.value.detail
    assert KEY_ID not in down.value.detail
    assert SECRET not in down.value.detail
    assert down.value.__suppress_context__


async def test_an_account_key_that_is_not_the_accounts_is_refused_and_not_told(azure_url):
    other = base64.b64encode(b"k" * 64).decode()

    with pytest.raises(StorageDown) as down:
        await azure(azure_url, key=other).get(LOGS, "a")

    assert "403, AuthorizationFailure" in down.value.detail
    assert other not in down.value.detail


def test_credentials_that_cannot_be_read_are_told_at_once(tmp_path):
    file = tmp_path / "key.json"

    with pytest.raises(ValueError, match="No such file"):
        google(NOWHERE, file)
    file.write_text('{"type": "hunter2"}')
    with pytest.raises(ValueError, match="expected `service_account`"):
        google(NOWHERE, file)


def test_an_account_key_is_not_shown():
    stores = azure_stores({LOGS: "logs"}, account="a", endpoint=NOWHERE, account_key=ACCOUNT_KEY)

    assert ACCOUNT_KEY not in f"{stores!r} {stores[LOGS].config}"


# ------------------------------------------------------------------ S3 alone


async def test_given_credentials_are_not_mixed_with_the_environments(moto, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "someone-elses")
    objects = remote(moto)

    url = await objects.download_url(LOGS, "a", lasts=MINUTE)

    assert KEY_ID in url
    assert "Security-Token" not in url


async def test_without_credentials_the_environments_are_used(moto, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environments-secret")
    objects = remote(moto, key_id=None, secret=None)
    key = new_id()

    await objects.put(LOGS, key, b"x")

    assert "AKIDENVIRONMENT" in await objects.download_url(LOGS, key, lasts=MINUTE)


def test_half_a_credential_is_refused_and_whole_ones_are_not_shown():
    with pytest.raises(ValueError, match="go together"):
        remote("http://127.0.0.1:1", secret=None)

    stores = s3_stores(
        {LOGS: "gantry-run-logs"},
        region=None,
        endpoint=None,
        access_key_id=KEY_ID,
        secret_access_key=SECRET,
        allow_http=False,
        allow_invalid_certificates=False,
    )
    assert SECRET not in f"{stores!r} {stores[LOGS].config}"


async def test_a_bucket_that_is_not_configured_is_told():
    with pytest.raises(StorageDown) as down:
        await RemoteObjects({}).get(LOGS, "a")

    assert "no bucket is configured" in down.value.detail
