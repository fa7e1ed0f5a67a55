"""Settings of how Git repositories are reached."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings


class SourceSettings(BaseSettings):
    """What Git may reach, and with which credentials."""

    # -- source control
    git_allow_file: bool = Field(
        default=False,
        validation_alias="GANTRY_GIT_ALLOW_FILE_URLS",
        description="Accept file:// repositories. For development and the demo only.",
    )
    git_allow_private: bool = Field(
        default=False,
        validation_alias="GANTRY_GIT_ALLOW_PRIVATE_ADDRESSES",
        description="Let Git reach private and loopback addresses, for servers inside the network.",
    )
    git_credentials: Path | None = Field(
        default=None,
        validation_alias="GANTRY_GIT_CREDENTIALS",
        description="File of lines `https://user:password@host/path`, for private repositories.",
    )
    git_ssh_key: Path | None = Field(
        default=None,
        validation_alias="GANTRY_GIT_SSH_KEY",
        description="Private key for ssh:// repositories.",
    )
    git_ssh_known_hosts: Path | None = Field(
        default=None,
        validation_alias="GANTRY_GIT_SSH_KNOWN_HOSTS",
        description="Known hosts for ssh:// repositories; none other is talked to.",
    )
    git_timeout: int = Field(
        default=120,
        ge=5,
        validation_alias="GANTRY_GIT_TIMEOUT_SECONDS",
        description="Seconds one Git operation may take.",
    )

    @field_validator("git_credentials", "git_ssh_key", "git_ssh_known_hosts")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        return value and value.expanduser()

    @model_validator(mode="after")
    def _ssh_is_complete(self) -> SourceSettings:
        if (self.git_ssh_key is None) != (self.git_ssh_known_hosts is None):
            raise ValueError(
                "GANTRY_GIT_SSH_KEY and GANTRY_GIT_SSH_KNOWN_HOSTS are set together, or neither"
            )
        return self
