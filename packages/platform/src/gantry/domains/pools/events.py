"""What has happened to pools and workers."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class PoolChanged(Event):
    """Workers came, went or changed their state, or the pool itself changed."""

    pool_id: str


@dataclass(frozen=True, slots=True)
class WorkerOrdered(Event):
    """A worker has new orders: drain, undrain, or leave."""

    pool_id: str
    worker_id: str
