"""How long buckets keep what: seen where the provider tells, judged, and never guessed."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import boto3
import httpx2
import pytest
from gantry.apps.doctor_storage import judged
from gantry.infra.bucket_looks import (
    AzureLooks,
    GoogleLooks,
    Keeping,
    Unseen,
    google_rules,
    s3_looks,
    s3_rules,
)
from gantry.infra.google_token import TokenMissing, google_token
from gantry.ports.findings import Health
from gantry.ports.objects import Bucket
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, Response

from tests.support.cloud_stores import (
    ACCOUNT,
    SERVICE_ACCOUNT,
    azure,
    azurite,
    service_account,
    service_key,
)
from tests.support.object_stores import KEY_ID, SECRET, gate_before, moto_server, serving

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
STATES, LOGS = Bucket.STATES, Bucket.RUN_LOGS
NAMES = {bucket: f"gantry-{bucket}" for bucket in Bucket}
STAYS = Keeping(versions=False, goes_after=None, some_go_after=None)


def days(number: int) -> timedelta:
    return timedelta(days=number)


# ------------------------------------------------------------------ what is judged how


def found(bucket: Bucket, *, versions=True, after=None, some=None) -> tuple[Health, str]:
    keeping = Keeping(versions, after and days(after), days(some or after or 0) or None)
    finding = judged(bucket, keeping, logs_last=days(60))
    return finding.health, f"{finding.says} {finding.remedy}"


@pytest.mark.parametrize("bucket", [Bucket.STATES, Bucket.MODULES])
@pytest.mark.parametrize("rule", [{"after": 3650}, {"some": 1}])
def test_what_is_needed_for_ever_may_not_go_at_any_age(bucket, rule):
    health, says = found(bucket, **rule)

    assert health is Health.BAD
    assert f"OBJECT_STORAGE_BUCKET_{bucket.name}" in says


def test_states_want_versions():
    assert found(STATES) == (Health.GOOD, "objects stay, with versions ")
    assert found(STATES, versions=False)[0] is Health.ODD


@pytest.mark.parametrize(
    ("bucket", "enough"),
    [
        (Bucket.DELIVERIES, 1),
        (Bucket.USER_UPLOADED_WORKSPACES, 2),
        (Bucket.POLICY_INPUTS, 7),
        (Bucket.WORKSPACE, 7),
        (Bucket.RUN_LOGS, 60),
    ],
)
def test_what_goes_before_it_is_done_with_is_looked_at(bucket, enough):
    assert found(bucket, after=enough)[0] is Health.GOOD
    if enough > 1:
        health, says = found(bucket, after=enough - 1)
        assert (health, f"needed for {enough} days" in says) == (Health.ODD, True)
        assert found(bucket, after=enough, some=enough - 1)[0] is Health.ODD


def test_what_nobody_deletes_is_looked_at():
    health, says = found(Bucket.DELIVERIES)
    assert (health, "after 1 day." in says) == (Health.ODD, True)
    assert found(Bucket.DELIVERIES, some=30)[0] is Health.ODD
    # Logs and workspaces go with their runs.
    assert found(Bucket.RUN_LOGS)[0] is found(Bucket.WORKSPACE)[0] is Health.GOOD


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"Expiration": {"Days": 3}, "Filter": {"Prefix": ""}}, (days(3), True)),
        ({"Expiration": {"Days": 3}, "Prefix": ""}, (days(3), True)),
        ({"Expiration": {"Days": 3}, "Filter": {"Prefix": "a/"}}, (days(3), False)),
        ({"Expiration": {"Days": 3}, "Filter": {"And": {"Prefix": "a/"}}}, (days(3), False)),
        ({"Expiration": {"Days": 3}, "Filter": {"ObjectSizeGreaterThan": 1}}, (days(3), False)),
        ({"Expiration": {"Date": NOW + days(5)}}, (days(5), True)),
        ({"Expiration": {"Date": NOW - days(5)}}, (days(0), True)),
        ({"Expiration": {"Days": 3}, "Filter": {"Tag": {"Key": "a", "Value": "b"}}}, None),
        ({"Expiration": {"Days": 3}, "Filter": {"And": {"Tags": [{"Key": "a"}]}}}, None),
        ({"Expiration": {"Days": 3}, "Status": "Disabled"}, None),
        ({"Expiration": {"ExpiredObjectDeleteMarker": True}}, None),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 3}}, None),
        ({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}, None),
        ({"Transitions": [{"Days": 3, "StorageClass": "GLACIER"}]}, None),
    ],
)
def test_rules_of_s3_that_delete_current_objects_are_told_from_others(rule, expected):
    rules = s3_rules([{"Status": "Enabled", **rule}], now=NOW)

    assert [(r.age, r.all_objects) for r in rules] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"age": 3}, (days(3), True)),
        ({"age": 3, "isLive": True}, (days(3), True)),
        ({"age": 3, "matchesPrefix": ["a/"]}, (days(3), False)),
        ({"age": 3, "matchesPrefix": []}, (days(3), True)),
        ({"createdBefore": "2030-01-01"}, (days(0), False)),
        ({"age": 3, "isLive": False}, None),
        ({"numNewerVersions": 3}, None),
        ({"daysSinceNoncurrentTime": 3}, None),
    ],
)
def test_rules_of_google_that_delete_current_objects_are_told_from_others(condition, expected):
    delete = {"action": {"type": "Delete"}, "condition": condition}
    colder = {"action": {"type": "SetStorageClass"}, "condition": condition}

    rules = google_rules([delete, colder])

    assert [(r.age, r.all_objects) for r in rules] == ([expected] if expected else [])


# ------------------------------------------------------------------ S3


@pytest.fixture(scope="module")
def moto():
    with moto_server() as url:
        yield url


def access(endpoint: str):
    return {
        "region": "us-east-1",
        "endpoint": endpoint,
        "access_key_id": KEY_ID,
        "secret_access_key": SECRET,
        "allow_http": True,
        "allow_invalid_certificates": False,
    }


async def test_s3_tells_versions_and_rules(moto):
    keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    s3 = boto3.client("s3", endpoint_url=moto, region_name="us-east-1", **keys)
    s3.put_bucket_versioning(Bucket=NAMES[STATES], VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(
        Bucket=NAMES[STATES], LifecycleConfiguration={"Rules": [rule]}
    )

    looks = s3_looks(NAMES, access(moto))

    assert await looks.look(STATES) == Keeping(True, days(30), days(30))
    assert await looks.look(LOGS) == STAYS


async def test_a_bucket_of_s3_that_is_not_there_is_not_guessed(moto):
    with pytest.raises(Unseen, match="NoSuchBucket"):
        await s3_looks({STATES: "elsewhere"}, access(moto)).look(STATES)
    with pytest.raises(Unseen, match="EndpointConnectionError"):
        await s3_looks(NAMES, access("http://127.0.0.1:1")).look(STATES)


# ------------------------------------------------------------------ Google


@pytest.fixture(scope="module")
def google_api():
    """An emulator of the JSON API, which knows of no tokens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--in-memory"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert server.poll() is None, "the emulator ended"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


async def test_google_tells_versions_and_rules(google_api, tmp_path):
    rule = {"action": {"type": "Delete"}, "condition": {"age": 30}}
    for bucket, settings in (
        (STATES, {"versioning": {"enabled": True}, "lifecycle": {"rule": [rule]}}),
        (LOGS, {}),
    ):
        base, name = f"{google_api}/storage/v1/b", NAMES[bucket]
        httpx2.post(base, params={"project": "example"}, json={"name": name}).raise_for_status()
        httpx2.patch(f"{base}/{name}", json=settings).raise_for_status()

    looks = GoogleLooks(NAMES, credentials=service_account(tmp_path), endpoint=google_api)

    assert await looks.look(STATES) == Keeping(True, days(30), days(30))
    assert await looks.look(LOGS) == STAYS
    with pytest.raises(Unseen, match="404"):
        await looks.look(Bucket.MODULES)


async def test_without_the_right_to_see_a_bucket_nothing_is_guessed(tmp_path):
    async def refuse(request):
        return Response("{}", 403)

    async with serving(refuse) as url:
        looks = GoogleLooks(NAMES, credentials=service_account(tmp_path), endpoint=url)
        with pytest.raises(Unseen, match="403"):
            await looks.look(STATES)


async def test_a_service_account_signs_its_token_itself(tmp_path):
    async with httpx2.AsyncClient() as http:
        token = await google_token(http, service_account(tmp_path))

        claims = jwt.decode(token, RSAKey.import_key(service_key().public_key())).claims
        assert (claims["iss"], claims["sub"]) == (SERVICE_ACCOUNT, SERVICE_ACCOUNT)
        assert claims["scope"].endswith("read_only")

        (tmp_path / "user.json").write_text('{"type": "authorized_user"}')
        for file in (tmp_path / "user.json", tmp_path / "gone.json"):
            with pytest.raises(TokenMissing):
                await google_token(http, file)


async def test_without_a_file_the_machine_is_asked_for_its_token():
    async def metadata(request):
        if request.headers.get("metadata-flavor") != "Google":
            return Response("", 403)
        return JSONResponse({"access_token": "of-the-machine", "expires_in": 3600})

    async with serving(metadata) as url, httpx2.AsyncClient() as http:
        assert await google_token(http, None, metadata=url) == "of-the-machine"
        with pytest.raises(TokenMissing, match="ConnectError"):
            await google_token(http, None, metadata="http://127.0.0.1:1")


# ------------------------------------------------------------------ Azure


async def test_azure_shows_versions_in_its_answer_to_an_upload():
    kept = False

    async def versioned(request):
        answer = await gate(request)
        if kept and request.method == "PUT":  # the emulator has no versions
            answer.headers["x-ms-version-id"] = "2030-05-01T12:00:00.0000000Z"
        return answer

    with azurite() as url:
        async with httpx2.AsyncClient(base_url=url.removesuffix(f"/{ACCOUNT}")) as client:
            gate = gate_before(client, lambda request: True)
            async with serving(versioned) as front:
                looks = AzureLooks(azure(f"{front}/{ACCOUNT}"))
                assert await looks.versions(STATES) is False
                kept = True
                assert await looks.versions(STATES) is True


async def test_azure_that_is_away_shows_nothing():
    with pytest.raises(Unseen):
        await AzureLooks(azure("http://127.0.0.1:1/account")).versions(STATES)
