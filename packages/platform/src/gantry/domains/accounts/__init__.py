"""The installation: its name, its keys, its settings."""
