"""Gantry's control plane: server, drain and scheduler."""
