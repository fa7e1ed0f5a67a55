"""The life of a run: queue, lease, plan, decision, apply, logs."""
