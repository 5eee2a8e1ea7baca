"""Convolutional recurrent networks for sound event detection, with pooling over time."""
