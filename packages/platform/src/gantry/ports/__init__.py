"""What the business needs from outside, as protocols."""
