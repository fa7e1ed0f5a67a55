"""A worker that is told where its runs may connect to."""

from __future__ import annotations

from gantry_protocol.token import decode_pool_token

from tests.support.site import Site

KNOCK = (
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128;"
    ' printf "CONNECT evil.example:443 HTTP/1.1\\r\\n\\r\\n" >&3; head -n 1 <&3\''
)
BESIDE = "bash -c ': <>/dev/tcp/127.0.0.1/%s' || echo no way beside"


def test_a_run_reaches_its_state_and_what_is_listed_and_its_log_names_the_rest(site: Site):
    fenced = Site(site.platform, site.server, pool="fenced")
    fenced.start_workers(1, GANTRY_WORKER_EGRESS="registry.terraform.io, *.example.org")
    broker = BESIDE % decode_pool_token(site.pool.config).broker.rpartition(":")[2]
    stack = fenced.stack(
        'resource "terraform_data" "it" { input = "kept" }\n'
        'output "it" { value = terraform_data.it.output }\n',
        beforePlan=[KNOCK, broker],
    )

    run = fenced.applied(stack)

    log = fenced.api.whole_log(run)
    assert "HTTP/1.1 403 Forbidden" in log
    assert log.count("egress to evil.example:443 refused: not in GANTRY_WORKER_EGRESS") == 1
    assert "no way beside" in log
    assert fenced.outputs(stack) == {"it": '"kept"'}


def test_a_worker_that_cannot_keep_its_runs_to_the_list_does_not_start(site: Site):
    pool = site.pool
    ended = site.platform.run(
        "worker",
        SPACELIFT_TOKEN=pool.config,
        SPACELIFT_POOL_PRIVATE_KEY=pool.key,
        GANTRY_WORKER_DIR=str(site.platform.place / "unfenced"),
        GANTRY_WORKER_RUNTIME="process",
        GANTRY_WORKER_EGRESS="example.org",
    )

    assert ended.returncode == 1
    assert "GANTRY_WORKER_EGRESS holds in sandboxes only" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_list_that_means_nothing_is_refused_with_its_entry(site: Site):
    ended = site.platform.run(
        "worker",
        SPACELIFT_TOKEN="t",
        SPACELIFT_POOL_PRIVATE_KEY="k",
        GANTRY_WORKER_EGRESS="https://example.org",
    )

    assert ended.returncode == 1
    assert "GANTRY_WORKER_EGRESS is not usable: 'https://example.org'" in ended.stderr
