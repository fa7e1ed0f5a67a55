"""An installation in a network that lets nothing out but through a proxy, and whose every
connection is encrypted, by certificates of the company's own authority."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.forward_proxy import PASSWORD, ForwardProxy
from tests.support.git_repository import Repository
from tests.support.git_server import GitServer
from tests.support.mosquitto import Mosquitto, mosquitto
from tests.support.platform import Platform, Process, free_port, wait_until_ready
from tests.support.site import Site, states

# Names that only the proxy knows: whoever does not ask it finds nothing.
WEB, BELL, CODE = "gantry.test", "mqtt.test", "git.test"


@dataclass
class Company:
    """The site, and what stands around it."""

    site: Site
    proxy: ForwardProxy
    broker: Mosquitto
    worker: Process
    code: Repository
    bell: str
    """The broker, as the server knows it."""


def https(server: GitServer, certificate: tuple[Path, Path]) -> GitServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


@pytest.fixture(scope="module")
def company(new_platform, tmp_path_factory) -> Iterator[Company]:
    mosquitto()
    place = tmp_path_factory.mktemp("company")
    authority, port = Authority(place / "authority"), free_port()
    certificate, key = authority.issue(WEB, "127.0.0.1", file="web")
    code, repository = GitServer(place), Repository(place / "infra")
    repository.commit({"main.tf": 'output "greeting" { value = "hello" }\n'}, "The beginning")
    repository.url = f"https://{CODE}:{code.port}/smart/infra/.git"
    bell = free_port()
    with ForwardProxy() as proxy, https(code, authority.issue(CODE, file="code")):
        way_out = {"HTTPS_PROXY": proxy.url, "GANTRY_CA_BUNDLE": str(authority.file)}
        platform: Platform = new_platform(
            SERVER_DOMAIN=f"{WEB}:{port}",
            GANTRY_SERVER_SCHEME="https",
            GANTRY_TLS_CERTIFICATE=str(certificate),
            GANTRY_TLS_KEY=str(key),
            MQTT_BROKER_TYPE="external",
            MQTT_BROKER_ENDPOINT=f"tls://{BELL}:{bell}",
            GANTRY_MQTT_SERVER_ENDPOINT=f"tls://127.0.0.1:{bell}",
            **way_out,
        )
        platform.secrets.add(PASSWORD)
        server = platform.start_server(port=port)
        server.address = f"https://127.0.0.1:{port}"
        server.verify = ssl.create_default_context(cafile=authority.file)
        wait_until_ready(server)
        shown = platform.run("admin", "broker-ca")
        assert shown.returncode == 0, shown.stderr
        broker = Mosquitto(
            place / "mosquitto",
            bell,
            clients=shown.stdout,
            server=authority.issue(BELL, "127.0.0.1", file="bell"),
        )
        broker.start()
        platform.start_drain()
        platform.start_scheduler()
        site = Site(platform, server)
        (worker,) = site.start_workers(1, **way_out)
        yield Company(site, proxy, broker, worker, repository, f"tls://127.0.0.1:{bell}")
        platform.stop()
        broker.stop()


def test_a_run_goes_from_its_commit_to_its_state_through_the_proxy(company):
    site, proxy = company.site, company.proxy
    (worker,) = site.api.ask(WORKERS, id=site.pool.id)["workerPool"]["workers"]

    stack = site.stack(company.code)
    run = site.applied(stack)

    assert site.outputs(stack) == {"greeting": '"hello"'}
    # The server asked for the code; the worker for the server and its bell, and Terraform in the
    # sandbox for its state. None of the names means anything without the proxy.
    assert {WEB, BELL, CODE} <= proxy.hosts()
    # The bell rang on the broker, for this worker.
    topic = f"spacelift/readonly/{site.pool.id}/{worker['id']}"
    assert f"Sending PUBLISH to {worker['id']}" in company.broker.said()
    assert topic in company.broker.said()
    assert "doorbell connected" in company.worker.said()
    assert states(site.api.run(run))[-1] == "FINISHED"


def test_commands_of_a_run_are_told_of_proxy_and_authorities_and_the_log_hides_the_password(
    company,
):
    site = company.site
    stack = site.stack(company.code)

    run = site.task(stack, WHAT_IS_TOLD)
    site.api.wait_for(run, "FINISHED")

    said = site.api.whole_log(run)
    assert "whole: *****" in said
    assert f"host: 127.0.0.1:{company.proxy.port}" in said
    assert "-----BEGIN CERTIFICATE-----" in said
    assert PASSWORD not in said


def test_a_source_that_the_proxy_does_not_let_us_have_is_told_of_without_the_password(company):
    stack = company.site.stack(company.code)
    company.proxy.refusing = True
    try:
        refused = company.site.api.expect_error(TRIGGER, stack=stack)
    finally:
        company.proxy.refusing = False

    proxy = f"http://127.0.0.1:{company.proxy.port}"
    assert f"because the proxy {proxy} does not let us through" in refused.message
    assert company.site.look(stack, "runs { id }")["runs"] == []


def test_the_broker_may_be_restarted(company):
    site = company.site
    company.broker.stop()
    stack = site.stack(company.code)
    run = site.trigger(stack)
    company.broker.start()

    site.api.wait_for(run, "UNCONFIRMED")
    site.decide("runDiscard", stack, run)


TRIGGER = "mutation ($stack: ID!) { runTrigger(stack: $stack, runType: TRACKED) { id } }"


def doctor(company: Company, **settings: str) -> dict[str, str]:
    """{what: how it was found and what is said of it}, from where the server runs."""
    web = company.site.server.address.removeprefix("https://")
    ended = company.site.platform.run(
        "admin",
        "doctor",
        **{
            "SERVER_DOMAIN": web,
            "MQTT_BROKER_ENDPOINT": company.bell,
            "HTTPS_PROXY": "",
            **settings,
        },
    )
    lines = [line for line in ended.stdout.splitlines() if not line.startswith(" ")]
    found = (line.partition(" ")[::2] for line in lines)
    return {
        what: f"{health}: {says}"
        for health, rest in found
        for what, _, says in [rest.strip().partition(": ")]
    }


def test_the_doctor_tries_out_the_broker_and_looks_at_certificates(company):
    findings = doctor(company)

    assert not [what for what, said in findings.items() if said.startswith("bad")], findings
    assert findings[f"broker {company.bell} for servers"] == "good: lets us in"
    assert findings[f"broker {company.bell}"] == "good: takes connections"
    assert findings["certificate of the server"].startswith("good: lasts until ")
    assert findings["certificate of the broker"].startswith("good: lasts until ")


def test_the_doctor_names_addresses_that_are_not_in_the_certificates(company):
    web = company.site.server.address.replace("127.0.0.1", "localhost")
    bell = company.bell.replace("127.0.0.1", "localhost")

    findings = doctor(
        company, SERVER_DOMAIN=web.removeprefix("https://"), MQTT_BROKER_ENDPOINT=bell
    )

    for what in (f"server {web}", f"broker {bell}"):
        assert "its certificate is not believed: Hostname mismatch" in findings[what]


def test_the_doctor_says_that_the_broker_is_away(company):
    company.broker.stop()
    try:
        findings = doctor(company)
    finally:
        company.broker.start()

    assert findings[f"broker {company.bell} for servers"].startswith("bad: does not let us in")
    assert findings[f"broker {company.bell}"].startswith("bad: cannot be reached")


WHAT_IS_TOLD = """
echo "whole: $HTTPS_PROXY" && echo "host: ${https_proxy#*@}" && head -c 27 "$SSL_CERT_FILE"
"""
WORKERS = "query ($id: ID!) { workerPool(id: $id) { workers { id } } }"
