"""Signed URLs of local object storage."""
