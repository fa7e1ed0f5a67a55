"""The audit trail in the API."""
