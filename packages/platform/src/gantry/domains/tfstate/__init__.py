"""Terraform state: versions, locks, outputs, resources."""
