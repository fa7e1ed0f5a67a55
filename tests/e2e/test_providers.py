"""An installation whose keys are in AWS KMS and whose objects are in Azure's storage."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import boto3
import httpx2
import pytest
from gantry.ports.objects import Bucket
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.cloud_stores import ACCOUNT_KEY, azurite
from tests.support.doctor import bad, doctor, read
from tests.support.object_stores import moto_server
from tests.support.platform import encryption_key
from tests.support.site import Site

CODE = """
resource "terraform_data" "kept" { input = "kept" }
output "kept" { value = terraform_data.kept.output }
"""
KEY = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "example-secret"}
BUCKETS = {f"OBJECT_STORAGE_BUCKET_{b.name}": f"gantry-{b}" for b in Bucket}
GONE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def kms():
    """Settings of an installation whose keys KMS has."""
    region = "eu-west-1"
    with moto_server() as url:
        client = boto3.client("kms", endpoint_url=url, region_name=region, **KEY)
        made = [
            client.create_key(**wanted)["KeyMetadata"]["KeyId"]
            for wanted in ({}, {"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_4096"})
        ]
        yield {
            "ENCRYPTION_TYPE": "kms",
            "ENCRYPTION_RSA_PRIVATE_KEY": "",
            "ENCRYPTION_KMS_ENCRYPTION_KEY_ID": made[0],
            "ENCRYPTION_KMS_SIGNING_KEY_ID": made[1],
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_REGION": region,
            **{name.upper(): value for name, value in KEY.items()},
        }


@pytest.fixture(scope="module")
def elsewhere(new_platform, kms):
    """The installation, with one worker."""
    with azurite() as url:
        platform = new_platform(
            **kms,
            OBJECT_STORAGE_TYPE="azure",
            OBJECT_STORAGE_AZURE_ACCOUNT_URL=url,
            AZURE_STORAGE_ACCOUNT_KEY=ACCOUNT_KEY,
            **BUCKETS,
        )
        platform.secrets.add(ACCOUNT_KEY)
        site = Site(platform, platform.start())
        site.start_workers()
        yield site
        # Before the providers end, or its processes would complain that they are away.
        platform.stop()


def test_a_run_goes_all_the_way_and_its_state_is_kept(elsewhere):
    stack = elsewhere.stack(CODE)

    elsewhere.applied(stack)

    assert json.loads(elsewhere.outputs(stack)["kept"]) == "kept"
    assert not (elsewhere.platform.place / "data" / "objects").exists()


def test_clouds_can_check_the_token_of_a_run(elsewhere):
    stack = elsewhere.stack(CODE, beforeInit=["echo token:$(echo $SPACELIFT_OIDC_TOKEN | rev)"])
    run = elsewhere.planned(stack)

    said = elsewhere.api.whole_log(run)
    token = said.partition("token:")[2].split()[0][::-1]

    published = httpx2.get(f"{elsewhere.server.address}/.well-known/jwks").json()
    claims = jwt.decode(token, KeySet.import_key_set(published)).claims
    assert claims["runId"] == run
    head = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    assert (head["alg"], head["kid"]) == ("RS256", published["keys"][0]["kid"])
    elsewhere.decide("runDiscard", stack, run)


def test_the_doctor_finds_keys_and_objects_well_and_says_what_it_cannot_see(elsewhere):
    code, findings = doctor(elsewhere)

    assert (code, bad(findings)) == (0, set())
    assert findings["encryption key"] == "good: opens the data keys, seals and signs"
    assert findings["bucket states"] == "good: takes and gives, also by URL"
    assert findings["keeping of states"].startswith("look: no earlier versions are kept")
    assert "cannot be seen from here" in findings["keeping"]


def test_the_doctor_finds_a_key_that_does_not_sign(elsewhere, kms):
    wraps = kms["ENCRYPTION_KMS_ENCRYPTION_KEY_ID"]

    code, findings = doctor(elsewhere, ENCRYPTION_KMS_SIGNING_KEY_ID=wraps)

    assert code == 1
    assert "ENCRYPTION_KMS_SIGNING_KEY_ID is not usable" in findings["encryption key"]


def test_the_doctor_finds_states_that_will_be_deleted(new_platform, kms):
    moto = kms["AWS_ENDPOINT_URL_KMS"]
    s3 = boto3.client("s3", endpoint_url=moto, region_name="eu-west-1", **KEY)
    rule = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(
        Bucket="gantry-states", LifecycleConfiguration={"Rules": [rule]}
    )
    platform = new_platform(
        **kms,
        OBJECT_STORAGE_TYPE="minio",
        OBJECT_STORAGE_MINIO_ENDPOINT=moto.removeprefix("http://"),
        OBJECT_STORAGE_MINIO_ACCESS_KEY_ID=KEY["aws_access_key_id"],
        OBJECT_STORAGE_MINIO_SECRET_ACCESS_KEY=KEY["aws_secret_access_key"],
        **BUCKETS,
    )
    platform.run("admin", "jobs", "list")  # sets the database up

    ended = platform.run("admin", "doctor")

    findings = read(ended.stdout)
    says = "objects go when they are 30 days old, and are needed for ever"
    assert findings["keeping of states"] == f"bad: {says}"
    assert findings["keeping of run-logs"] == "good: objects stay"
    assert findings["keeping of deliveries"] == "look: nothing deletes old objects"
    assert findings["clock of storage"] == "good: as this machine's"
    assert "Take that rule out of the lifecycle of OBJECT_STORAGE_BUCKET_STATES" in ended.stdout
    s3.delete_bucket_lifecycle(Bucket="gantry-states")
    assert read(platform.run("admin", "doctor").stdout)["keeping of states"].startswith(
        "look: no earlier versions are kept"
    )


@pytest.fixture(scope="module")
def set_up(new_platform, kms):
    """Two databases that were set up, one with each type of key."""

    def with_key(**settings):
        platform = new_platform(**settings)
        ended = platform.run("admin", "jobs", "list")
        assert ended.returncode == 0, ended.stderr
        return platform

    return SimpleNamespace(kms=with_key(**kms), rsa=with_key())


def test_a_type_of_key_alone_that_the_data_keys_do_not_belong_to_ends_the_process(set_up, kms):
    kept = {name: one.rows("select wrapped from data_key") for name, one in vars(set_up).items()}
    rsa = {
        "ENCRYPTION_TYPE": "rsa",
        "ENCRYPTION_RSA_PRIVATE_KEY": encryption_key(),
        "ENCRYPTION_KMS_ENCRYPTION_KEY_ID": "",
    }

    to_rsa = set_up.kms.run("admin", "jobs", "list", **rsa)
    to_kms = set_up.rsa.run("admin", "jobs", "list", **kms)

    assert "belong to AWS KMS: ENCRYPTION_TYPE has to be kms" in to_rsa.stderr
    assert "belong to an RSA key: ENCRYPTION_TYPE has to be rsa" in to_kms.stderr
    assert to_rsa.returncode == to_kms.returncode == 1
    assert kept == {
        name: one.rows("select wrapped from data_key") for name, one in vars(set_up).items()
    }


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("ENCRYPTION_KMS_ENCRYPTION_KEY_ID", "no such key in this account and region"),
        ("ENCRYPTION_KMS_SIGNING_KEY_ID", "no such key in this account and region"),
        ("AWS_ENDPOINT_URL_KMS", "ENCRYPTION_KMS_SIGNING_KEY_ID is not usable: AWS KMS cannot be"),
    ],
)
def test_a_key_that_cannot_be_used_ends_the_process_with_one_line(
    new_platform, kms, variable, words
):
    value = "http://127.0.0.1:1" if variable == "AWS_ENDPOINT_URL_KMS" else GONE

    ended = new_platform(**{**kms, variable: value}).run("admin", "jobs", "list")

    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("gantry: ")]
    assert words in line
    assert "Traceback" not in ended.stderr
