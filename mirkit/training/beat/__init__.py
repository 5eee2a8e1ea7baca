"""Training of beat networks."""
