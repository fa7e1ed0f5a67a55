"""The mains: settings, wiring and one entry per process."""
