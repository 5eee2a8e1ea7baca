"""The temporal convolutional network of the beat trackers."""
