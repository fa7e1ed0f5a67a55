"""The gantry command line."""
