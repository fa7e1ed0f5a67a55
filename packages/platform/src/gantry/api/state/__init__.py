"""Terraform's HTTP backend protocol."""
