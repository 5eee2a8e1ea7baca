"""Training of chord and key networks."""
