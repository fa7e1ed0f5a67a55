"""Every place where something sealed lies is one that a re-key walks through."""

from __future__ import annotations

import string

import sqlalchemy as sa
from gantry.apps import wiring  # noqa: F401 - imports every mapped class
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_columns
from gantry.ports.objects import Bucket

NOT_SEALED = {
    "audit_chain.digest": "a digest",
    "audit_entry.digest": "a digest",
    "data_key.wrapped": "wrapped by the operator's key",
    "run_log_chunk.data": "masked by the worker, for readers of the stack",
}
"""Columns of bytes that no data key protects, and why."""

SEALED_BY_US = {Bucket.STATES: "gantry.domains.tfstate.resealing"}
"""Buckets with objects that a data key protects, and what walks through them."""

NOT_BY_US = {
    Bucket.DELIVERIES: "traces of deliveries, without secrets",
    Bucket.LARGE_QUEUE_MESSAGES: "not used",
    Bucket.METADATA: "trees of commits, as their repository has them",
    Bucket.MODULES: "not used",
    Bucket.POLICY_INPUTS: "plans, secrets replaced by words",
    Bucket.RUN_LOGS: "masked by the worker",
    Bucket.UPLOADS: "here for minutes, as the browser sent it",
    Bucket.USER_UPLOADED_WORKSPACES: "as a person's machine sent it, for one run",
    Bucket.WORKSPACE: "sealed by workers with the key of their pool",
}


def test_a_column_of_bytes_is_sealed_or_says_why_not():
    """If yours is new: make it with `sealed_for`, or name it above with its reason."""
    bytes_columns = {
        f"{table.name}.{column.name}"
        for table in Model.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    sealed = {one.name for one in sealed_columns()}

    assert bytes_columns == sealed | NOT_SEALED.keys()
    assert not sealed & NOT_SEALED.keys()


def test_what_is_called_sealed_is():
    called = {
        f"{table.name}.{column.name}"
        for table in Model.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("sealed")
    }

    assert called <= {one.name for one in sealed_columns()}


def test_a_sealed_value_is_bound_to_what_tells_rows_apart():
    for one in sealed_columns():
        named = {name for _, name, _, _ in string.Formatter().parse(one.identity) if name}
        key = {column.name for column in one.key}

        assert named <= key, one.name
        # A re-key notes in JSON how far it is.
        assert all(isinstance(column.type, sa.String | sa.BigInteger) for column in one.key)


def test_of_every_bucket_it_is_known_whether_data_keys_protect_what_is_in_it():
    assert {*SEALED_BY_US, *NOT_BY_US} == set(Bucket)
    assert not SEALED_BY_US.keys() & NOT_BY_US.keys()
