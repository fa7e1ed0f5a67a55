"""Addresses that are called when something happens, and what came of each call."""
