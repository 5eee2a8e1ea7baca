"""Training of sound event models on mixed scenes: features once, strong and weak labels."""
