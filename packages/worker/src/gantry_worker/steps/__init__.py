"""What a run is made of, one file a step."""
