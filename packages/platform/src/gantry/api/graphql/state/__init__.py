"""Terraform state in the API."""
