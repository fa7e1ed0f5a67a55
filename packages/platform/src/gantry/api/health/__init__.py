"""Whether the process lives and is ready."""
