"""Who did what, when, and a chain that shows whether anybody has changed it since."""
