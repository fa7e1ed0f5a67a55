"""The plumbing: one file per port, the only home of vendors."""
