"""Roles, to whom they are given in which space, and what somebody may do because of it."""
