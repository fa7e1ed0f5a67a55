"""What `gantry admin doctor` says of an installation, by what it looked at."""

from __future__ import annotations

from gantry_protocol.token import decode_pool_token

from tests.support.site import Site


def doctor(site: Site, **settings: str) -> tuple[int, dict[str, str]]:
    """(exit code, {what: how it was found and what is said of it})."""
    broker = decode_pool_token(site.pool.config).broker
    ended = site.platform.run("admin", "doctor", **{"MQTT_BROKER_ENDPOINT": broker, **settings})
    findings = read(ended.stdout)
    assert findings, ended.stderr
    return ended.returncode, findings


def read(said: str) -> dict[str, str]:
    """{what: how it was found and what is said of it}."""
    findings = {}
    for line in said.splitlines():
        if not line.startswith(" "):
            health, _, rest = line.partition(" ")
            what, _, says = rest.strip().partition(": ")
            findings[what] = f"{health}: {says}"
    return findings


def bad(findings: dict[str, str]) -> set[str]:
    return {what for what, says in findings.items() if says.startswith("bad")}
