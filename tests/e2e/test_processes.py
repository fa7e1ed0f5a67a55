"""Processes start, answer probes and end as operators expect, and say in one line why not."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from contextlib import closing

import httpx2
import pytest

from tests.support.certificates import Authority
from tests.support.platform import GANTRY, free_port, wait_until_ready


@pytest.mark.parametrize("command", [("backend", "server"), ("backend", "drain"), ("scheduler",)])
def test_each_process_answers_probes_on_a_port_of_its_own_when_asked_to(bare, command):
    process = bare.start_probed(*command)
    wait_until_ready(process)

    for path in ("/health", "/startup", "/readiness"):
        assert httpx2.get(f"{process.address}{path}").status_code == 200, path
    metrics = httpx2.get(f"{process.address}/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "\ngantry_database_up 1.0\n" in metrics.text
    assert "\nprocess_resident_memory_bytes " in metrics.text

    process.terminate()
    assert process.ended() == 0, process.said()


def test_both_ports_of_a_server_speak_tls_by_certificates_of_their_own(bare, tmp_path):
    authority = Authority(tmp_path)
    web, bell = (authority.issue("127.0.0.1", file=name) for name in ("web", "bell"))
    port = free_port()
    server = bare.start_server(
        MQTT_BROKER_ENDPOINT=f"tls://127.0.0.1:{port}",
        GANTRY_MQTT_BROKER_PORT=str(port),
        GANTRY_SERVER_SCHEME="https",
        GANTRY_TLS_CERTIFICATE=str(web[0]),
        GANTRY_TLS_KEY=str(web[1]),
        GANTRY_MQTT_TLS_CERTIFICATE=str(bell[0]),
        GANTRY_MQTT_TLS_KEY=str(bell[1]),
    )
    server.address = server.address.replace("http://", "https://")
    server.verify = ssl.create_default_context(cafile=authority.file)
    wait_until_ready(server)

    answer = httpx2.get(f"{server.address}/admin-login", verify=server.verify)
    assert answer.headers["strict-transport-security"]
    with (
        socket.create_connection(("127.0.0.1", port)) as line,
        server.verify.wrap_socket(line, server_hostname="127.0.0.1") as encrypted,
    ):
        shown = encrypted.getpeercert(binary_form=True)
    assert shown == ssl.PEM_cert_to_DER_cert(bell[0].read_text())

    server.terminate()
    assert server.ended() == 0, server.said()


def test_a_server_that_is_told_to_end_says_so_and_serves_on_until_it_is_told_again(bare):
    server = bare.start_probed("backend", "server", GANTRY_SHUTDOWN_DELAY_SECONDS="300")
    wait_until_ready(server)

    server.terminate()

    server.wait_to_say("server leaving")
    readiness = httpx2.get(f"{server.address}/readiness")
    assert (readiness.status_code, readiness.json()["reason"]) == (
        503,
        "the server is about to end",
    )
    assert httpx2.get(f"{server.address}/health").status_code == 200
    assert server.alive
    server.terminate()
    assert server.ended() == 0, server.said()


@pytest.fixture(scope="module")
def bare(new_platform):
    """An installation none of whose processes run."""
    return new_platform()


def test_what_a_process_logs_is_one_json_object_a_line_with_the_name_of_the_environment(
    new_platform,
):
    platform = new_platform()
    platform.place.joinpath("odd").mkdir()
    # The URL is sound and nobody listens: the process ends, and says why.
    ended = platform.run("scheduler", DATABASE_URL="postgres://u:p@127.0.0.1:1/d")
    assert ended.returncode == 1
    assert ended.stderr.startswith("gantry: DATABASE_URL cannot be reached: ")
    assert len(ended.stderr.splitlines()) == 1


def test_what_a_process_logs_is_json_and_names_its_environment(bare):
    settings = {"ENVIRONMENT": "staging", "SLACK_SECRET": "x"}
    process = bare.start_probed("backend", "drain", **settings)
    wait_until_ready(process)

    process.terminate()
    process.ended()
    lines = [json.loads(line) for line in process.said().splitlines()]
    assert {line["environment"] for line in lines} == {"staging"}
    ignored = next(line for line in lines if "without effect" in line["event"])
    assert ignored["names"] == ["SLACK_SECRET"]


@pytest.mark.parametrize(
    ("command", "settings", "words"),
    [
        (("backend", "server"), {"MESSAGE_QUEUE_TYPE": "sqs"}, "sqs is not offered"),
        (("backend", "drain"), {"DATABASE_URL": "postgres://u:p@h:abc/d"}, "DATABASE_URL is not"),
        (("backend", "server"), {"MQTT_BROKER_ENDPOINT": "banana"}, "MQTT_BROKER_ENDPOINT is not"),
        (("scheduler",), {"OBJECT_STORAGE_BUCKET_STATES": "x"}, "OBJECT_STORAGE_TYPE is not set"),
        (("backend", "drain"), {"OBJECT_STORAGE_TYPE": "minio"}, "OBJECT_STORAGE_MINIO_ENDPOINT"),
        (("backend", "drain"), {"ENCRYPTION_RSA_PRIVATE_KEY": "eA=="}, "is base64, but not of"),
        (
            ("backend", "server"),
            {
                "GANTRY_SERVER_SCHEME": "https",
                "GANTRY_TLS_CERTIFICATE": "/nowhere.pem",
                "GANTRY_TLS_KEY": "/nowhere.key",
            },
            "GANTRY_TLS_CERTIFICATE and GANTRY_TLS_KEY are not usable: ",
        ),
        (("up",), {"GANTRY_SERVER_PORT": "abc"}, "GANTRY_SERVER_PORT is not usable"),
        (("up",), {"GANTRY_LOG_LEVEL": "loud"}, "GANTRY_LOG_LEVEL is not usable"),
    ],
)
def test_a_setting_that_does_not_add_up_ends_the_process_with_one_line(
    site, command, settings, words
):
    ended = site.platform.run(*command, **settings)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("taken", ["GANTRY_SERVER_PORT", "GANTRY_MQTT_BROKER_PORT"])
def test_a_port_that_is_taken_is_named_in_one_line(site, taken):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        ports = {"GANTRY_SERVER_PORT": free_port(), "GANTRY_MQTT_BROKER_PORT": free_port()}
        settings = {**{name: str(number) for name, number in ports.items()}, taken: str(port)}

        ended = site.platform.run("backend", "server", **settings)

    assert ended.returncode == 1
    assert str(port) in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "SPACELIFT_TOKEN is not set"),
        ({"SPACELIFT_TOKEN": "x"}, "SPACELIFT_POOL_PRIVATE_KEY is not set"),
        ({"SPACELIFT_LAUNCHER_RUN_TIMEOUT": "0s"}, "must be longer than nothing"),
        ({"GANTRY_CA_BUNDLE": "/nowhere.pem"}, "GANTRY_CA_BUNDLE is not usable"),
        ({"ADDITIONAL_ROOT_CAS": "x"}, "ADDITIONAL_ROOT_CAS is not usable: must be base64 of"),
        ({"HTTPS_PROXY": "proxy:3128"}, "HTTPS_PROXY is not usable: must be http://host:port"),
        (
            {"SPACELIFT_LAUNCHER_RUN_INITIALIZATION_POLICY": "/policy.rego"},
            "SPACELIFT_LAUNCHER_RUN_INITIALIZATION_POLICY is set, and this launcher does not heed",
        ),
        ({"SPACELIFT_WORKER_NETWORK": "isolated"}, "does not heed it"),
    ],
)
def test_a_launcher_that_cannot_do_what_it_is_set_to_does_not_start(tmp_path, settings, words):
    both = {"SPACELIFT_TOKEN": "x", "SPACELIFT_POOL_PRIVATE_KEY": "x"}
    given = settings if not settings or "SPACELIFT_TOKEN" in settings else {**both, **settings}
    ended = subprocess.run(
        [str(GANTRY), "worker"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **given},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("gantry worker: ")
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
