"""What a stack manages, tool by tool. This release fills in Terraform and OpenTofu."""

from __future__ import annotations

from typing import Annotated

import strawberry


@strawberry.type
class AnsibleResource:
    """See the API reference."""

    data: str


AnsibleEntity = Annotated[
    AnsibleResource,
    strawberry.union("AnsibleEntity"),
]


@strawberry.type
class CloudFormationResource:
    """See the API reference."""

    logical_resource_id: str
    physical_resource_id: str
    template: str


@strawberry.type
class CloudFormationOutput:
    """See the API reference."""

    description: str | None
    export: str | None
    value: str


CloudFormationEntity = Annotated[
    CloudFormationResource | CloudFormationOutput,
    strawberry.union("CloudFormationEntity"),
]


@strawberry.type
class KubernetesResource:
    """See the API reference."""

    data: str


@strawberry.type
class KubernetesRoot:
    """See the API reference."""

    phantom: bool


KubernetesEntity = Annotated[
    KubernetesResource | KubernetesRoot,
    strawberry.union("KubernetesEntity"),
]


@strawberry.type
class PulumiOutput:
    """See the API reference."""

    sensitive: bool
    value: str | None
    hash: str


@strawberry.type
class PulumiStack:
    """See the API reference."""

    phantom: bool


@strawberry.type
class PulumiResource:
    """See the API reference."""

    urn: str
    id: strawberry.ID
    provider: str
    parent: str
    outputs: str


PulumiEntity = Annotated[
    PulumiOutput | PulumiStack | PulumiResource,
    strawberry.union("PulumiEntity"),
]


@strawberry.type
class TerraformResource:
    """See the API reference."""

    address: str
    mode: str
    module: str
    provider: str
    tainted: bool
    values: str


@strawberry.type
class TerraformModule:
    """See the API reference."""

    phantom: bool


@strawberry.type
class TerraformOutput:
    """See the API reference."""

    sensitive: bool
    value: str | None
    hash: str


TerraformEntity = Annotated[
    TerraformResource | TerraformModule | TerraformOutput,
    strawberry.union("TerraformEntity"),
]


@strawberry.type
class EntityVendorAnsible:
    """See the API reference."""

    ansible: AnsibleEntity | None


@strawberry.type
class EntityVendorCloudFormation:
    """See the API reference."""

    cloud_formation: CloudFormationEntity | None


@strawberry.type
class EntityVendorKubernetes:
    """See the API reference."""

    kubernetes: KubernetesEntity | None


@strawberry.type
class EntityVendorPulumi:
    """See the API reference."""

    pulumi: PulumiEntity | None


@strawberry.type
class EntityVendorTerraform:
    """See the API reference."""

    terraform: TerraformEntity | None


EntityVendor = Annotated[
    EntityVendorAnsible
    | EntityVendorCloudFormation
    | EntityVendorKubernetes
    | EntityVendorPulumi
    | EntityVendorTerraform,
    strawberry.union("EntityVendor"),
]
