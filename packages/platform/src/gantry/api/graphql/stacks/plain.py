"""The settings of a stack that are shown as they are kept."""

from __future__ import annotations

import strawberry

from gantry.domains.stacks.model import Stack as StackModel


@strawberry.type
class StackSettings:
    """Read straight from the row."""

    model: strawberry.Private[StackModel]

    @strawberry.field
    def name(self) -> str:
        """What people call it."""
        return self.model.name

    @strawberry.field
    def description(self) -> str | None:
        """What it is for."""
        return self.model.description

    @strawberry.field
    def labels(self) -> list[str]:
        """Sorted."""
        return self.model.labels

    @strawberry.field
    def namespace(self) -> str:
        """Owner, group or project of the repository."""
        return self.model.namespace

    @strawberry.field
    def repository(self) -> str:
        """The repository's name."""
        return self.model.repository

    @strawberry.field(name="repositoryURL")
    def repository_url(self) -> str | None:
        """The address of a raw Git repository."""
        return self.model.repository_url

    @strawberry.field
    def branch(self) -> str:
        """The branch that tracked runs follow."""
        return self.model.branch

    @strawberry.field
    def project_root(self) -> str | None:
        """Its directory in the repository."""
        return self.model.project_root

    @strawberry.field
    def additional_project_globs(self) -> list[str]:
        """Further paths whose changes concern it."""
        return self.model.project_globs

    @strawberry.field
    def git_sparse_checkout_paths(self) -> list[str]:
        """Paths that runs are given besides the project root; empty: the whole repository."""
        return self.model.sparse_checkout_paths

    @strawberry.field
    def tracked_commit_set_by(self) -> str | None:
        """Who chose the tracked commit."""
        return self.model.tracked_commit_set_by

    @strawberry.field
    def administrative(self) -> bool:
        """Whether its runs are admins of its space; then roles that it was given do not count."""
        return self.model.administrative

    @strawberry.field
    def autodeploy(self) -> bool:
        """Whether plans are applied without confirmation."""
        return self.model.autodeploy

    @strawberry.field
    def autoretry(self) -> bool:
        """Whether outdated previews are made again."""
        return self.model.autoretry

    @strawberry.field
    def github_action_deploy(self) -> bool:
        """Whether checks offer to deploy."""
        return self.model.github_action_deploy

    @strawberry.field
    def local_preview_enabled(self) -> bool:
        """Whether local trees can be previewed."""
        return self.model.local_preview_enabled

    @strawberry.field
    def protect_from_deletion(self) -> bool:
        """Whether it can not be deleted."""
        return self.model.protect_from_deletion

    @strawberry.field
    def enable_well_known_secret_masking(self) -> bool:
        """Whether well-known shapes of secrets are masked in logs."""
        return self.model.well_known_secret_masking

    @strawberry.field
    def enable_sensitive_output_upload(self) -> bool:
        """Whether secret outputs are kept."""
        return self.model.sensitive_output_upload

    @strawberry.field
    def manages_state_file(self) -> bool:
        """Whether its Terraform state is kept here."""
        return self.model.manages_state

    @strawberry.field
    def runner_image(self) -> str | None:
        """The image its runs want."""
        return self.model.runner_image

    @strawberry.field
    def was_migrated_from_terraform(self) -> bool:
        """Whether it was a Terraform stack once."""
        return self.model.migrated_from_terraform

    @strawberry.field
    def state_set_by(self) -> str | None:
        """Who brought it into its state."""
        return self.model.state_set_by

    @strawberry.field
    def is_disabled(self) -> bool:
        """Whether it takes no runs."""
        return self.model.disabled

    @strawberry.field
    def deleting(self) -> bool:
        """Whether it is on its way out."""
        return self.model.deleting

    @strawberry.field
    def locked_by(self) -> str | None:
        """Who locked it."""
        return self.model.locked_by

    @strawberry.field
    def lock_note(self) -> str | None:
        """Why it is locked."""
        return self.model.lock_note

    @strawberry.field
    def after_apply(self) -> list[str]:
        """Commands after the phase."""
        return list(self.model.hooks.get("after_apply", []))

    @strawberry.field
    def after_destroy(self) -> list[str]:
        """Commands after the phase."""
        return list(self.model.hooks.get("after_destroy", []))

    @strawberry.field
    def after_init(self) -> list[str]:
        """Commands after the phase."""
        return list(self.model.hooks.get("after_init", []))

    @strawberry.field
    def after_perform(self) -> list[str]:
        """Commands after the phase."""
        return list(self.model.hooks.get("after_perform", []))

    @strawberry.field
    def after_plan(self) -> list[str]:
        """Commands after the phase."""
        return list(self.model.hooks.get("after_plan", []))

    @strawberry.field
    def after_run(self) -> list[str]:
        """Commands after the phase."""
        return list(self.model.hooks.get("after_run", []))

    @strawberry.field
    def before_apply(self) -> list[str]:
        """Commands before the phase."""
        return list(self.model.hooks.get("before_apply", []))

    @strawberry.field
    def before_destroy(self) -> list[str]:
        """Commands before the phase."""
        return list(self.model.hooks.get("before_destroy", []))

    @strawberry.field
    def before_init(self) -> list[str]:
        """Commands before the phase."""
        return list(self.model.hooks.get("before_init", []))

    @strawberry.field
    def before_perform(self) -> list[str]:
        """Commands before the phase."""
        return list(self.model.hooks.get("before_perform", []))

    @strawberry.field
    def before_plan(self) -> list[str]:
        """Commands before the phase."""
        return list(self.model.hooks.get("before_plan", []))
