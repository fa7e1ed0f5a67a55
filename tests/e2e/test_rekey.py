"""Another data key under an installation that goes on: real processes, told by nobody."""

from __future__ import annotations

import time

from tests.support.api_client import PATIENCE

SET = (
    """mutation ($c: ID!, $v: ConfigInput!) { contextConfigAdd(context: $c, config: $v) { id } }"""
)
READ = "query ($c: ID!) { context(id: $c) { config { id value } } }"


def test_everything_is_sealed_anew_and_nobody_is_signed_out(new_platform):
    platform = new_platform()
    api = platform.admin(platform.start())
    made = api.ask('mutation { contextCreateV2(input: {name: "kept", space: "root"}) { id } }')
    context = made["contextCreateV2"]["id"]
    for number in range(3):
        element = {"id": f"V{number}", "type": "ENVIRONMENT_VARIABLE", "value": f"value {number}"}
        api.ask(SET, c=context, v=element | {"writeOnly": False})
    before = api.ask(READ, c=context)

    begun = platform.run("admin", "rekey", "start")
    again = platform.run("admin", "rekey", "start")

    assert (begun.returncode, begun.stderr) == (0, "")
    assert again.returncode == 1
    assert "A re-key is under way already: to version 2" in again.stderr
    deadline = time.monotonic() + PATIENCE
    while platform.rows("select phase from rekey") != [("done",)]:
        assert time.monotonic() < deadline, platform.run("admin", "rekey", "status").stdout
        assert api.ask(READ, c=context) == before  # by the token from before
        time.sleep(0.1)
    assert "is finished" in platform.run("admin", "rekey", "status").stdout
    sealed = "select distinct get_byte(value_sealed, 4) from config_element"
    assert platform.rows(sealed) == [(2,)]
    assert api.ask(READ, c=context) == before
    assert "data keys: version 2" in platform.run("admin", "doctor").stdout
