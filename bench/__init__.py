"""Measurements. `make bench` runs them all; results go to bench/results/."""
