"""The launcher's settings, read once from the environment.

Names and meanings of the SPACELIFT_* variables are the deployment contract's (§7).
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from gantry_protocol.authorities import decode_root_cas
from gantry_protocol.proxies import VARIABLES, Proxies, parse_proxy
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gantry_worker.runtimes import bounds, egress
from gantry_worker.runtimes.images import Pull
from gantry_worker.runtimes.mounts import ExtraMount, Phases, parse
from gantry_worker.tools import publishers
from gantry_worker.trust import Trust

_GO_UNIT = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


PROTECTING = {
    "SPACELIFT_LAUNCHER_RUN_INITIALIZATION_POLICY": "runs would start that the policy refuses.",
}
"""Variables of existing launchers that keep something apart: whoever sets one relies on it, so
that ignoring it would be worse than not starting."""

PROTECTING_CONTAINERS = {
    "SPACELIFT_WORKER_NETWORK": "commands use the network of the worker itself.",
    "SPACELIFT_WORKER_RUNTIME": "commands run in a sandbox of the worker's own.",
    "SPACELIFT_WORKER_EXTRA_MOUNTS": "commands see their workspace and the system only.",
    "SPACELIFT_WORKER_RO_EXTRA_MOUNTS": "commands see their workspace and the system only.",
    "SPACELIFT_WORKER_WO_EXTRA_MOUNTS": "commands see their workspace and the system only.",
}
"""The same of those that only containers heed, and what is so without them."""

UNHEEDED = (
    "SPACELIFT_DEBUG",
    "SPACELIFT_DEFAULT_ANSIBLE_RUNNER_IMAGE",
)
"""Variables of existing launchers that are passed over with a warning."""

UNHEEDED_WITHOUT_CONTAINERS = ("SPACELIFT_DOCKER_CONFIG_DIR", "SPACELIFT_DEFAULT_RUNNER_IMAGE")
"""The same of those that only containers heed."""


MOUNTED: dict[str, Phases] = {
    "extra_mounts": "all",
    "reading_mounts": "reading",
    "writing_mounts": "writing",
}
"""In which phases the mounts of each setting are there."""


class MisconfiguredError(Exception):
    """The environment does not add up; the message is one line for the operator."""


class WorkerSettings(BaseSettings):
    """One launcher's settings."""

    model_config = SettingsConfigDict(
        frozen=True, hide_input_in_errors=True, extra="ignore", populate_by_name=True
    )

    token: str = Field(
        validation_alias="SPACELIFT_TOKEN", description="The worker pool's `config`, verbatim."
    )
    private_key: SecretStr = Field(
        validation_alias="SPACELIFT_POOL_PRIVATE_KEY",
        description="The pool's private key: base64 of the whole PEM, on one line.",
    )
    work_dir: Path = Field(
        default_factory=lambda: Path("/var/lib/gantry-worker"),
        validation_alias="GANTRY_WORKER_DIR",
        description="Where workspaces and downloaded tools lie.",
    )
    concurrency: int = Field(
        default=1,
        ge=1,
        le=256,
        validation_alias="GANTRY_WORKER_CONCURRENCY",
        description="Runs taken at a time.",
    )
    runtime: Literal["auto", "sandbox", "process", "docker"] = Field(
        default="auto",
        validation_alias="GANTRY_WORKER_RUNTIME",
        description="Where commands run: `sandbox`, `process`, or the stronger that works; or in"
        " containers (`docker`), which the variables below are about that say so.",
    )
    docker_host: str = Field(
        default="unix:///var/run/docker.sock",
        validation_alias="DOCKER_HOST",
        description="Containers: the engine's Unix socket, Docker's or Podman's.",
    )
    runner_image: str = Field(
        default="public.ecr.aws/spacelift/runner-terraform:latest",
        validation_alias="SPACELIFT_DEFAULT_RUNNER_IMAGE",
        description="Containers: the image for stacks that name none.",
    )
    docker_pull: Pull = Field(
        default="if-missing",
        validation_alias="GANTRY_WORKER_DOCKER_PULL",
        description="Containers: when images are pulled.",
    )
    docker_config_dir: Path | None = Field(
        default=None,
        validation_alias="SPACELIFT_DOCKER_CONFIG_DIR",
        description="Containers: the directory of the `config.json` that `docker login` writes,"
        " with credentials for registries.",
    )
    docker_network: str = Field(
        default="bridge",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        validation_alias="SPACELIFT_WORKER_NETWORK",
        description="Containers: the engine's network that they are in; `host` is the machine's.",
    )
    docker_runtime: str | None = Field(
        default=None,
        validation_alias="SPACELIFT_WORKER_RUNTIME",
        description="Containers: the engine's runtime for them, for example `runsc`.",
    )
    extra_mounts: Annotated[tuple[ExtraMount, ...], NoDecode] = Field(
        default=(),
        validation_alias="SPACELIFT_WORKER_EXTRA_MOUNTS",
        description="Containers: comma list of `/host/path:/container/path` to mount besides,"
        " writable.",
    )
    reading_mounts: Annotated[tuple[ExtraMount, ...], NoDecode] = Field(
        default=(),
        validation_alias="SPACELIFT_WORKER_RO_EXTRA_MOUNTS",
        description="The same, in all phases but applying and destroying.",
    )
    writing_mounts: Annotated[tuple[ExtraMount, ...], NoDecode] = Field(
        default=(),
        validation_alias="SPACELIFT_WORKER_WO_EXTRA_MOUNTS",
        description="The same, while applying and destroying only.",
    )
    memory_limit: int | None = Field(
        default=None,
        validation_alias="GANTRY_WORKER_MEMORY_LIMIT",
        description="Memory of one command, such as `2GiB`; needs control groups, or containers.",
    )
    pids_limit: int = Field(
        default=bounds.PROCESSES,
        ge=64,  # terraform with one provider has about forty threads
        le=4194304,  # PID_MAX_LIMIT of Linux
        validation_alias="GANTRY_WORKER_PIDS_LIMIT",
        description="Processes and threads of one command.",
    )
    cpu_limit: float | None = Field(
        default=None,
        ge=0.1,
        le=4096,
        validation_alias="GANTRY_WORKER_CPU_LIMIT",
        description="Processors that one command may keep busy, such as `1.5`; needs control"
        " groups, or containers.",
    )
    egress: Annotated[list[str] | None, NoDecode] = Field(
        default=None,
        validation_alias="GANTRY_WORKER_EGRESS",
        description="Comma list of what commands may connect to: `host`, `*.suffix`, address or"
        " network, each with `:port` or for 80 and 443; `*` is every public host.",
    )
    logs_timeout: timedelta = Field(
        default=timedelta(minutes=7),
        validation_alias="SPACELIFT_LAUNCHER_LOGS_TIMEOUT",
        description="A command that prints nothing for this long is ended (Go duration).",
    )
    run_timeout: timedelta = Field(
        default=timedelta(minutes=70),
        validation_alias="SPACELIFT_LAUNCHER_RUN_TIMEOUT",
        description="A run's part may take this long (Go duration).",
    )
    mask_envs: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        validation_alias="SPACELIFT_MASK_ENVS",
        description="Comma list of passed-through variables whose values are masked in logs.",
    )
    whitelist_envs: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        validation_alias="SPACELIFT_WHITELIST_ENVS",
        description="Comma list of launcher variables copied into runs; ro_ and wo_ prefixes.",
    )
    sensitive_outputs: bool = Field(
        default=False,
        validation_alias="SPACELIFT_SENSITIVE_OUTPUT_UPLOAD_ENABLED",
        description="Upload sensitive outputs of states that are kept elsewhere.",
    )
    logs_on_stdout: bool = Field(
        default=False,
        validation_alias="SPACELIFT_RUN_LOGS_ON_STANDARD_OUTPUT_ENABLED",
        description="Mirror run logs to standard output as structured lines.",
    )
    terraform_mirror: str | None = Field(
        default=None,
        validation_alias="GANTRY_TERRAFORM_MIRROR",
        description="Base address to download Terraform from; `none` downloads nothing.",
    )
    opentofu_mirror: str | None = Field(
        default=None,
        validation_alias="GANTRY_OPENTOFU_MIRROR",
        description="Base address to download OpenTofu from; `none` downloads nothing.",
    )
    terraform_key: Path = Field(
        default=publishers.TERRAFORM,
        validation_alias="GANTRY_TERRAFORM_KEYRING",
        description="File of public keys for Terraform's checksums; default: its publisher's.",
    )
    opentofu_key: Path = Field(
        default=publishers.OPENTOFU,
        validation_alias="GANTRY_OPENTOFU_KEYRING",
        description="File of public keys for OpenTofu's checksums; default: its publisher's.",
    )
    allow_unsigned: bool = Field(
        default=False,
        validation_alias="GANTRY_ALLOW_UNSIGNED_TOOLS",
        description="Accept downloads whose checksums nobody signed.",
    )
    ca_bundle: Path | None = Field(
        default=None,
        validation_alias="GANTRY_CA_BUNDLE",
        description=(
            "File of PEM authorities to trust besides the system's: for the server, the broker,"
            " object storage and downloads, and by the commands of runs."
        ),
    )
    additional_root_cas: str | None = Field(
        default=None,
        validation_alias="ADDITIONAL_ROOT_CAS",
        description=(
            'The same as base64 of `{"caCertificates": ["<base64 of PEM>", …]}`. Both may be set.'
        ),
    )
    http_proxy: SecretStr | None = Field(
        default=None,
        validation_alias="HTTP_PROXY",
        description="Proxy for what goes out over http, and for a broker that is dialled plainly.",
    )
    https_proxy: SecretStr | None = Field(
        default=None,
        validation_alias="HTTPS_PROXY",
        description="Proxy for what goes out over https, and for a broker that is dialled by TLS.",
    )
    no_proxy: str | None = Field(
        default=None,
        validation_alias="NO_PROXY",
        description=(
            "Comma list of hosts that are reached without a proxy, each with all below it. Commands"
            " of runs are given all three."
        ),
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", validation_alias="GANTRY_LOG_LEVEL", description="What is logged."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands over, which leaves out variables that are empty."""
        return (init_settings,)

    @field_validator("memory_limit", mode="before")
    @classmethod
    def _size(cls, value: Any) -> Any:
        return bounds.size(value) if isinstance(value, str) else value

    @field_validator("mask_envs", "whitelist_envs", "egress", mode="before")
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return (
            [v.strip() for v in value.split(",") if v.strip()] if isinstance(value, str) else value
        )

    @field_validator("logs_timeout", "run_timeout", mode="before")
    @classmethod
    def _go_duration(cls, value: Any) -> Any:
        found = go_duration(value) if isinstance(value, str) else value
        if found == timedelta(0):
            raise ValueError("must be longer than nothing")
        return found

    @field_validator("egress")
    @classmethod
    def _entries(cls, value: list[str] | None) -> list[str] | None:
        if value is not None:
            egress.parse(value)
        return value

    @field_validator("docker_host")
    @classmethod
    def _unix_socket(cls, value: str) -> str:
        if not value.startswith("unix:///"):
            # Over a network every command could reach the engine as well, and own the machine.
            raise ValueError("must be a Unix socket, such as unix:///var/run/docker.sock")
        return value

    @field_validator("extra_mounts", "reading_mounts", "writing_mounts", mode="before")
    @classmethod
    def _mounts(cls, value: Any, info: ValidationInfo) -> Any:
        phases = MOUNTED[str(info.field_name)]
        if not isinstance(value, str):
            return value
        return tuple(parse(entry.strip(), phases) for entry in value.split(",") if entry.strip())

    @field_validator("ca_bundle")
    @classmethod
    def _authorities(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                Trust(value).context()
            except OSError as error:
                reason = error.strerror or "it holds no certificate in PEM form"
                raise ValueError(f"{value} cannot be read: {reason}") from None
        return value

    @field_validator("additional_root_cas")
    @classmethod
    def _more_authorities(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                Trust(added=decode_root_cas(value)).context()
            except OSError:
                raise ValueError("one of its certificates is none") from None
        return value

    @field_validator("http_proxy", "https_proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_proxy(value.get_secret_value())
        return value

    @property
    def trust(self) -> Trust:
        """Whom this worker believes."""
        more = self.additional_root_cas
        return Trust(self.ca_bundle, decode_root_cas(more) if more else None)

    @property
    def proxies(self) -> Proxies:
        """The proxies on the way out."""
        http, https = self.http_proxy, self.https_proxy
        return Proxies(
            http.get_secret_value() if http else None,
            https.get_secret_value() if https else None,
            self.no_proxy or "",
        )


def go_duration(text: str) -> timedelta:
    """A duration as Go writes them: `7m`, `1h30m`, `1.5s`. Raises ValueError."""
    parts = _GO_PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise ValueError('must be a duration such as "7m" or "1h30m"')
    return timedelta(seconds=sum(float(number) * _GO_UNIT[unit] for number, unit in parts))


def unheeded(environment: dict[str, str]) -> list[str]:
    """The variables of existing launchers that are set and have no effect here."""
    mapped = [name for name in environment if name.startswith("SPACELIFT_PRIVATEVCS_MAPPING_")]
    names = UNHEEDED if _containers(environment) else (*UNHEEDED, *UNHEEDED_WITHOUT_CONTAINERS)
    # Traces of a run's steps are the server's to send: it knows of them from reports.
    foreign = environment.get("OBSERVABILITY_VENDOR", "Disabled") in ("Datadog", "AWS")
    vendor = ["OBSERVABILITY_VENDOR"] if foreign else []
    return sorted([*(name for name in names if environment.get(name)), *mapped, *vendor])


def _containers(environment: dict[str, str]) -> bool:
    return environment.get("GANTRY_WORKER_RUNTIME") == "docker"


def metadata(environment: dict[str, str]) -> dict[str, str]:
    """The tags of this worker: SPACELIFT_METADATA_<key> variables."""
    prefix = "SPACELIFT_METADATA_"
    return {
        name.removeprefix(prefix): value
        for name, value in environment.items()
        if name.startswith(prefix) and name != prefix
    }


def environment() -> dict[str, str]:
    """A copy of the process environment; nothing outside this module reads it."""
    return dict(os.environ)


def forget_key() -> None:
    """Take the private key out of the environment, which children and libraries may read.

    The kernel keeps what the process was started with: /proc/<pid>/environ still shows it to
    whoever may look in there (see __main__ on that).
    """
    os.environ.pop("SPACELIFT_POOL_PRIVATE_KEY", None)


def load_settings(values: dict[str, str] | None = None) -> WorkerSettings:
    """Read the settings from the environment, or from `values` in its place.

    Raises MisconfiguredError with one line that names the variable and the remedy.
    """
    source = environment() if values is None else values
    refused = PROTECTING if _containers(source) else PROTECTING | PROTECTING_CONTAINERS
    for variable, remedy in refused.items():
        if source.get(variable):
            raise MisconfiguredError(
                f"{variable} is set, and this launcher does not heed it: {remedy}"
            )
    source = {name: source.get(name.lower(), "") for name in VARIABLES} | {
        name: value for name, value in source.items() if value
    }
    known = [str(field.validation_alias) for field in WorkerSettings.model_fields.values()]
    try:
        return WorkerSettings.model_validate(
            {name: source[name] for name in known if source.get(name)}
        )
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        variable = str(problem["loc"][0]) if problem["loc"] else ""
        about = next(
            (
                f.description
                for f in WorkerSettings.model_fields.values()
                if f.validation_alias == variable
            ),
            "",
        )
        said = problem["msg"].removeprefix("Value error, ")
        what = "is not set" if problem["type"] == "missing" else f"is not usable: {said}"
        raise MisconfiguredError(f"{variable} {what}. {about}") from None
