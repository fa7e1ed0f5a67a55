"""The notifications that somebody may see and dismiss: those of what they administer."""
