"""A setting that does not add up is named in one line, with the remedy and without its value."""

from __future__ import annotations

from pathlib import Path

import pytest
from gantry.apps.setting_groups.encryption import EncryptionType
from gantry.apps.setting_groups.storage import StorageType
from gantry.apps.settings import (
    MisconfiguredError,
    default_data_dir,
    load_settings,
)
from gantry.apps.settings_rules import azure_account, without_effect
from gantry.ports.objects import Bucket
from gantry_protocol.proxies import Proxies

NEEDED = {
    "SERVER_DOMAIN": "gantry.example.com",
    "DATABASE_URL": "postgres://gantry:s3cr3t-password@db:5432/gantry",
    "ENCRYPTION_RSA_PRIVATE_KEY": "czNjcjN0LWtleQ==",
    "MQTT_BROKER_ENDPOINT": "tls://gantry.example.com:1984",
}
BUCKETS = {f"OBJECT_STORAGE_BUCKET_{b.name}": f"gantry-{b.value}" for b in Bucket}
MINIO = {
    "OBJECT_STORAGE_TYPE": "minio",
    "OBJECT_STORAGE_MINIO_ENDPOINT": "minio:9000",
    "OBJECT_STORAGE_MINIO_ACCESS_KEY_ID": "gantry",
    "OBJECT_STORAGE_MINIO_SECRET_ACCESS_KEY": "s3cr3t-minio",
    **BUCKETS,
}


AZURE = {"OBJECT_STORAGE_AZURE_ACCOUNT_URL": "https://gantry.blob.core.windows.net"}


def without(values, name):
    return {key: value for key, value in values.items() if key != name}


def refusal(values):
    with pytest.raises(MisconfiguredError) as refused:
        load_settings(values)
    assert refused.value.__cause__ is None
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_four_variables_are_enough_and_the_rest_has_defaults():
    settings = load_settings(NEEDED)

    assert settings.base_url == "https://gantry.example.com"
    assert (settings.server_host, settings.server_port) == ("0.0.0.0", 1983)
    assert (settings.mqtt_broker_port, settings.mqtt_namespace) == (1984, "spacelift")
    assert settings.object_storage_type is StorageType.LOCAL
    assert settings.encryption_type is EncryptionType.RSA
    assert settings.message_queue_type == "postgres"
    assert settings.message_processing_timeout == 900
    assert settings.drain_concurrency == 10
    assert settings.lease_seconds == 30
    assert settings.run_log_retention_days == 60
    assert settings.session_hours == 10
    assert settings.max_log_bytes == settings.max_state_bytes == 256 * 1024 * 1024
    assert (settings.admin_username, settings.admin_password) == (None, None)
    assert settings.terraform_versions == []
    assert not settings.git_allow_file
    assert not settings.git_allow_private
    assert all(settings.bucket(bucket) is None for bucket in Bucket)


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named_together_with_what_it_is_for(name):
    words = refusal(without(NEEDED, name))
    assert words.startswith(f"{name} is not set. ")
    assert len(words) > len(f"{name} is not set. ")


@pytest.mark.parametrize("name", NEEDED)
def test_a_variable_that_is_set_to_nothing_is_missing(name):
    assert refusal({**NEEDED, name: ""}).startswith(f"{name} is not set. ")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SERVER_DOMAIN", "https://gantry.example.com", "host name only"),
        ("SERVER_DOMAIN", "gantry.example.com/path", "host name only"),
        ("DATABASE_URL", "mysql://u:s3cr3t@db/x", "postgres://"),
        ("GANTRY_SERVER_PORT", "eighty", "integer"),
        ("GANTRY_SERVER_PORT", "0", "greater than or equal to 1"),
        ("GANTRY_SERVER_PORT", "65536", "less than or equal to 65535"),
        ("GANTRY_SERVER_SCHEME", "ftp", "'https' or 'http'"),
        ("ENCRYPTION_TYPE", "sha", "'rsa' or 'kms'"),
        ("MESSAGE_QUEUE_TYPE", "sqs", "not offered by this release. Leave it out"),
        ("MQTT_BROKER_TYPE", "iotcore", "not offered by this release. Set it to builtin"),
        ("SERVER_DOMAIN", "a b?c", "give a host name"),
        ("DATABASE_URL", "postgres://u:p@h:abc/d", "not an address that PostgreSQL"),
        ("DATABASE_URL", "postgres://u:p@h/d?foo=bar", "options behind `?`"),
        ("DATABASE_READ_ONLY_URL", "mysql://h/d", "postgres://"),
        ("MQTT_BROKER_ENDPOINT", "banana", "tls://host:port"),
        ("MQTT_BROKER_ENDPOINT", "mqtts://h:1984", "tls://host:port"),
        ("MQTT_BROKER_ENDPOINT", "x-ats.iot.eu-west-1.amazonaws.com", "tls://host:port"),
        ("MQTT_BROKER_BUILTIN_LOG_LEVEL", "loudest", "'debug'"),
        ("FEDERATION_CUSTOM_ISSUER", "id.example.com", "starts with https://"),
        ("GANTRY_INSTRUMENTATION_PORT", "0", "greater than or equal to 1"),
        ("MQTT_BROKER_IOTCORE_NAMESPACE", "a/b", "pattern"),
        ("OBJECT_STORAGE_TYPE", "gcs", "'local', 'aws', 'minio', 'gcp' or 'azure'"),
        ("STORAGE_EMULATOR_HOST", "localhost:4443", "starts with https"),
        ("GANTRY_LEASE_SECONDS", "1", "greater than or equal to 5"),
        ("GANTRY_LEASE_SECONDS", "nan", "greater than or equal to 5"),
        ("GANTRY_DATABASE_POOL_SIZE", "1", "greater than or equal to 2"),
        ("GANTRY_RUN_LOG_RETENTION_DAYS", "0", "greater than or equal to 1"),
        ("GANTRY_LOG_LEVEL", "loud", "'debug'"),
        ("GANTRY_GIT_ALLOW_FILE_URLS", "perhaps", "boolean"),
        ("HTTPS_PROXY", "proxy.example.com:3128", "http://host:port"),
        ("ADDITIONAL_ROOT_CAS", "eyJhIjogMX0=", "must be base64 of"),
        ("GANTRY_CA_BUNDLE", "/nowhere.pem", "cannot be read"),
        ("GANTRY_CA_BUNDLE", __file__, "no certificates in PEM form"),
        ("GANTRY_MQTT_SERVER_ENDPOINT", "banana", "tls://host:port"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_reason(name, value, reason):
    words = refusal({**NEEDED, name: value})
    assert words.startswith(f"{name} is not usable: ")
    assert reason in words


@pytest.mark.parametrize(
    ("values", "secret"),
    [
        ({**NEEDED, "DATABASE_URL": "s3cr3t-password"}, "s3cr3t"),
        ({**NEEDED, "DATABASE_URL": "mysql://gantry:s3cr3t@db"}, "s3cr3t"),
        ({**NEEDED, "GANTRY_SERVER_PORT": "s3cr3t"}, "s3cr3t"),  # pasted into the wrong place
        (without({**NEEDED, "ADMIN_PASSWORD": "s3cr3t"}, "DATABASE_URL"), "s3cr3t"),
        ({**NEEDED, "DATABASE_URL": "postgres://gantry:s3cr3t@db:port/d"}, "s3cr3t"),
        ({**NEEDED, "DATABASE_URL": "postgres://gantry:s3cr3t@db/d?s3cr3t=1"}, "s3cr3t"),
        ({**NEEDED, "ADMIN_PASSWORD": "s3cr3t"}, "s3cr3t"),
        (without({**NEEDED, **MINIO}, "OBJECT_STORAGE_MINIO_ENDPOINT"), "s3cr3t"),
        ({**NEEDED, "GANTRY_MQTT_BROKER_PORT": "1983"}, "s3cr3t"),
        ({**NEEDED, "HTTPS_PROXY": "ftp://u:s3cr3t@proxy"}, "s3cr3t"),
        ({**NEEDED, "GANTRY_MQTT_PASSWORD": "s3cr3t"}, "s3cr3t"),
    ],
)
def test_a_refusal_never_shows_what_was_set(values, secret):
    assert secret not in refusal(values)


EXTERNAL = {**NEEDED, "MQTT_BROKER_TYPE": "external"}
PAIR = {"GANTRY_TLS_CERTIFICATE": "/c.pem", "GANTRY_TLS_KEY": "/k.pem"}
MQTT_PAIR = {"GANTRY_MQTT_TLS_CERTIFICATE": "/c.pem", "GANTRY_MQTT_TLS_KEY": "/k.pem"}
PLAIN_BELL = {"MQTT_BROKER_ENDPOINT": "tcp://gantry.example.com:1984"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({**EXTERNAL, **PLAIN_BELL}, "MQTT_BROKER_ENDPOINT must be tls://host:port"),
        (
            {**EXTERNAL, "GANTRY_MQTT_SERVER_ENDPOINT": "tcp://mqtt:1883"},
            "GANTRY_MQTT_SERVER_ENDPOINT must be tls://host:port, or GANTRY_MQTT_USERNAME",
        ),
        ({**EXTERNAL, "GANTRY_MQTT_USERNAME": "gantry"}, "are set together"),
        ({**EXTERNAL, **MQTT_PAIR}, "is for MQTT_BROKER_TYPE=builtin"),
        ({**NEEDED, "GANTRY_MQTT_USERNAME": "gantry"}, "are for MQTT_BROKER_TYPE=external"),
        ({**NEEDED, "GANTRY_TLS_KEY": "/k.pem"}, "GANTRY_TLS_CERTIFICATE and GANTRY_TLS_KEY are"),
        (without({**NEEDED, **MQTT_PAIR}, "GANTRY_MQTT_TLS_KEY"), "GANTRY_MQTT_TLS_KEY are set"),
        ({**NEEDED, **PAIR, "GANTRY_SERVER_SCHEME": "http"}, "GANTRY_SERVER_SCHEME must be https"),
        ({**NEEDED, **MQTT_PAIR, **PLAIN_BELL}, "MQTT_BROKER_ENDPOINT must be tls://host:port"),
    ],
)
def test_settings_of_encryption_that_contradict_each_other_are_refused(values, reason):
    assert reason in refusal(values)


def test_a_plain_line_from_the_servers_to_an_external_broker_needs_a_password():
    user = {"GANTRY_MQTT_USERNAME": "gantry", "GANTRY_MQTT_PASSWORD": "s3cr3t"}
    settings = load_settings({**EXTERNAL, **user, "GANTRY_MQTT_SERVER_ENDPOINT": "mqtt:1883"})

    assert settings.server_endpoint == "mqtt:1883"
    assert load_settings(EXTERNAL).server_endpoint == NEEDED["MQTT_BROKER_ENDPOINT"]


def test_proxies_may_be_named_in_small_letters_and_capitals_win():
    small = {"https_proxy": "http://small:1", "no_proxy": "near"}
    both = {**small, "HTTPS_PROXY": "http://capital:1"}

    assert load_settings({**NEEDED, **small}).proxies == Proxies(None, "http://small:1", "near")
    assert load_settings({**NEEDED, **both}).proxies.https == "http://capital:1"


def test_settings_that_are_printed_show_no_secret():
    admin = {"ADMIN_USERNAME": "ada", "ADMIN_PASSWORD": "s3cr3t-admin"}
    settings = load_settings({**NEEDED, **MINIO, **admin})
    for shown in (str(settings), repr(settings), str(settings.model_dump()), f"{settings}"):
        assert "s3cr3t" not in shown
        assert NEEDED["ENCRYPTION_RSA_PRIVATE_KEY"] not in shown
    assert "s3cr3t" not in settings.model_dump_json()
    assert settings.admin_password.get_secret_value() == "s3cr3t-admin"


def test_settings_do_not_change_once_they_are_read():
    settings = load_settings(NEEDED)
    with pytest.raises(ValueError, match="frozen"):
        settings.server_domain = "elsewhere.example.com"
    assert settings.server_domain == "gantry.example.com"


@pytest.mark.parametrize("name", BUCKETS)
@pytest.mark.parametrize("kind", ["aws", "minio", "gcp", "azure"])
def test_storage_elsewhere_needs_every_bucket(kind, name):
    values = {**NEEDED, **MINIO, "OBJECT_STORAGE_TYPE": kind, "AWS_REGION": "eu-west-1", **AZURE}
    assert load_settings(values).bucket(Bucket[name.removeprefix("OBJECT_STORAGE_BUCKET_")])

    assert refusal(without(values, name)) == f"{name} must name a bucket"
    for odd in ("a/b", "a b", "s3://a"):
        assert refusal({**values, name: odd}) == f"{name} must be a bare bucket name"


@pytest.mark.parametrize(
    "name",
    [
        "OBJECT_STORAGE_MINIO_ENDPOINT",
        "OBJECT_STORAGE_MINIO_ACCESS_KEY_ID",
        "OBJECT_STORAGE_MINIO_SECRET_ACCESS_KEY",
    ],
)
def test_minio_needs_an_address_and_a_key(name):
    assert name in refusal(without({**NEEDED, **MINIO}, name))


def test_minio_is_named_by_host_and_port():
    words = refusal({**NEEDED, **MINIO, "OBJECT_STORAGE_MINIO_ENDPOINT": "http://minio:9000"})
    assert "give host:port, without a scheme" in words


def test_azure_needs_the_address_of_an_account_and_a_key_that_can_be_one():
    values = {**NEEDED, **BUCKETS, "OBJECT_STORAGE_TYPE": "azure"}

    assert refusal(values).startswith("OBJECT_STORAGE_AZURE_ACCOUNT_URL is required")
    for url, reason in (
        ("gantry.blob.core.windows.net", "starts with https://"),
        ("https://gantry.example.com", "the account's address"),
    ):
        assert reason in refusal({**values, "OBJECT_STORAGE_AZURE_ACCOUNT_URL": url})
    words = refusal({**values, **AZURE, "AZURE_STORAGE_ACCOUNT_KEY": "s3cr3t!"})
    assert words == "AZURE_STORAGE_ACCOUNT_KEY is not base64; copy the whole key"
    assert (
        load_settings({**values, **AZURE}).azure_account_url
        == AZURE["OBJECT_STORAGE_AZURE_ACCOUNT_URL"]
    )


@pytest.mark.parametrize(
    ("url", "account"),
    [
        ("https://gantry.blob.core.windows.net", "gantry"),
        ("https://gantry1.blob.core.chinacloudapi.cn", "gantry1"),
        ("http://127.0.0.1:10000/devstoreaccount1", "devstoreaccount1"),
    ],
)
def test_an_azure_account_is_named_by_its_address(url, account):
    assert azure_account(url) == account


def test_what_other_programs_read_is_not_looked_at_while_storage_is_elsewhere():
    others = {"AZURE_STORAGE_ACCOUNT_KEY": "not one", "GOOGLE_APPLICATION_CREDENTIALS": "/gone"}

    assert load_settings({**NEEDED, **others}).object_storage_type is StorageType.LOCAL


KMS = {
    **without(NEEDED, "ENCRYPTION_RSA_PRIVATE_KEY"),
    "ENCRYPTION_TYPE": "kms",
    "ENCRYPTION_KMS_ENCRYPTION_KEY_ID": "alias/gantry",
    "ENCRYPTION_KMS_SIGNING_KEY_ID": "alias/gantry-tokens",
    "AWS_REGION": "eu-west-1",
}


def test_keys_in_kms_take_the_place_of_an_rsa_key():
    settings = load_settings(KMS)

    assert settings.encryption_type is EncryptionType.KMS
    assert settings.encryption_rsa_private_key is None
    assert without_effect(KMS) == []


@pytest.mark.parametrize(
    "name", ["ENCRYPTION_KMS_ENCRYPTION_KEY_ID", "ENCRYPTION_KMS_SIGNING_KEY_ID", "AWS_REGION"]
)
def test_kms_needs_two_keys_and_a_region(name):
    assert refusal(without(KMS, name)) == f"{name} is required when ENCRYPTION_TYPE is kms"


def test_keys_in_kms_that_are_configured_and_not_chosen_are_told():
    words = refusal(without(KMS, "ENCRYPTION_TYPE"))

    assert words.startswith("ENCRYPTION_TYPE is not set, and ENCRYPTION_KMS_ENCRYPTION_KEY_ID is.")


def test_a_process_needs_names_for_the_buckets_that_it_uses_alone():
    values = {name: value for name, value in {**NEEDED, **MINIO}.items() if name not in BUCKETS}
    assert load_settings(values, buckets=()).bucket(Bucket.STATES) is None
    words = "OBJECT_STORAGE_BUCKET_STATES must name a bucket"
    with pytest.raises(MisconfiguredError, match=words):
        load_settings(values, buckets=[Bucket.STATES])


def test_aws_needs_a_region_by_either_name():
    values = {**NEEDED, **BUCKETS, "OBJECT_STORAGE_TYPE": "aws"}
    assert refusal(values).startswith("AWS_REGION is required")
    assert load_settings({**values, "AWS_DEFAULT_REGION": "eu-west-1"}).region == "eu-west-1"
    both = {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert load_settings({**values, **both}).region == "eu-west-2"


@pytest.mark.parametrize("stray", ["OBJECT_STORAGE_BUCKET_STATES", "OBJECT_STORAGE_MINIO_ENDPOINT"])
def test_storage_that_is_configured_and_not_chosen_is_not_taken_for_files(stray):
    words = refusal({**NEEDED, stray: "s3cr3t"})
    assert words.startswith(f"OBJECT_STORAGE_TYPE is not set, and {stray} is.")
    assert "s3cr3t" not in words
    assert load_settings({**NEEDED, stray: "x", "OBJECT_STORAGE_TYPE": "local"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ADMIN_USERNAME": "ada"}, {"ADMIN_PASSWORD": "x"}),
        ({"GANTRY_GIT_SSH_KEY": "/k"}, {"GANTRY_GIT_SSH_KNOWN_HOSTS": "/h"}),
    ],
)
def test_what_belongs_together_is_not_taken_apart(one, other):
    assert load_settings({**NEEDED, **one, **other})
    for half in (one, other):
        assert "set together, or neither" in refusal({**NEEDED, **half})


def test_an_issuer_of_ones_own_has_its_keys_below_it_unless_said_otherwise():
    own = {"FEDERATION_CUSTOM_ISSUER": "https://id.example.com/"}
    keys = {"FEDERATION_CUSTOM_JWKS_URI": "https://keys.example.com/all.json"}
    plain, issuer, both = (load_settings({**NEEDED, **more}) for more in ({}, own, own | keys))

    assert plain.issuer == "https://gantry.example.com"
    assert plain.jwks_url == "https://gantry.example.com/.well-known/jwks"
    assert issuer.issuer == "https://id.example.com"
    assert issuer.jwks_url == "https://id.example.com/.well-known/jwks"
    assert both.jwks_url == "https://keys.example.com/all.json"


def test_variables_that_change_nothing_are_named_for_a_warning():
    given = {
        "ENCRYPTION_KMS_SIGNING_KEY_ID": "x",
        "DRAIN_CONCURRENCY_EVENTS": "4",
        "DRAIN_CONCURRENCY_CRONJOBS": "4",
        "SLACK_SECRET": "",
        "VCS_GATEWAY_ENDPOINT": "x:443",
    }
    expected = ["DRAIN_CONCURRENCY_EVENTS", "ENCRYPTION_KMS_SIGNING_KEY_ID", "VCS_GATEWAY_ENDPOINT"]
    assert without_effect({**NEEDED, **given}) == expected


def test_the_broker_may_not_listen_on_the_port_of_http():
    words = refusal({**NEEDED, "GANTRY_SERVER_PORT": "1984"})
    assert "GANTRY_MQTT_BROKER_PORT" in words


def test_a_comma_list_is_read_without_its_blanks():
    settings = load_settings({**NEEDED, "GANTRY_TERRAFORM_VERSIONS": " 1.5.7, ,1.9.0 "})
    assert settings.terraform_versions == ["1.5.7", "1.9.0"]


def test_variables_of_others_are_left_alone():
    settings = load_settings({**NEEDED, "PATH": "/bin", "SERVER_DOMAINS": "x", "server_port": "7"})
    assert settings.server_port == 1983


def test_without_values_the_process_environment_is_read(monkeypatch):
    for name, value in {**NEEDED, "GANTRY_SERVER_PORT": "4444"}.items():
        monkeypatch.setenv(name, value)
    assert load_settings().server_port == 4444


def test_given_values_are_read_in_place_of_the_environment(monkeypatch):
    for name, value in {**NEEDED, "GANTRY_SERVER_PORT": "4444"}.items():
        monkeypatch.setenv(name, value)

    assert load_settings(NEEDED).server_port == 1983
    assert refusal({}).startswith("SERVER_DOMAIN is not set. ")


def test_a_variable_of_the_environment_that_is_set_to_nothing_is_not_set(monkeypatch):
    for name, value in {**NEEDED, "GANTRY_SERVER_PORT": "", "ADMIN_USERNAME": ""}.items():
        monkeypatch.setenv(name, value)

    assert load_settings().server_port == 1983
    assert load_settings().admin_username is None


def test_local_files_go_where_the_user_keeps_data(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "gantry"
    assert load_settings(NEEDED).data_dir == tmp_path / "gantry"
    assert load_settings({**NEEDED, "GANTRY_DATA_DIR": "/srv/g"}).data_dir == Path("/srv/g")


def test_traces_go_to_the_collector_that_is_named_unless_another_vendor_is():
    collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}

    def to(**given: str) -> str | None:
        return load_settings({**NEEDED, **given}).traces_to

    assert to() is None
    assert to(**collector) == "http://collector:4318"
    assert to(OBSERVABILITY_VENDOR="OpenTelemetry", **collector) == "http://collector:4318"
    assert to(OBSERVABILITY_VENDOR="Disabled", **collector) is None
    assert to(OBSERVABILITY_VENDOR="Datadog", **collector) is None
    assert without_effect({"OBSERVABILITY_VENDOR": "Datadog"}) == ["OBSERVABILITY_VENDOR"]
    assert without_effect({"OBSERVABILITY_VENDOR": "OpenTelemetry"}) == []
    grpc = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert without_effect(grpc) == ["OTEL_EXPORTER_OTLP_PROTOCOL"]


def test_traces_need_a_collector_that_could_be_one():
    words = refusal({**NEEDED, "OBSERVABILITY_VENDOR": "OpenTelemetry"})
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is not set" in words
    words = refusal({**NEEDED, "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})
    assert words.startswith("OTEL_EXPORTER_OTLP_ENDPOINT is not usable")
    words = refusal({**NEEDED, "OBSERVABILITY_VENDOR": "opentelemetry"})
    assert words.startswith("OBSERVABILITY_VENDOR is not usable")
