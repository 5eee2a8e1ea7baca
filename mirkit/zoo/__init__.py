"""Models: cards, checkpoints, networks, and what runs them."""
