"""What was used, for spreadsheets."""
