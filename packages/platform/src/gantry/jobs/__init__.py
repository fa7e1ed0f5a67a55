"""What the drain does."""
