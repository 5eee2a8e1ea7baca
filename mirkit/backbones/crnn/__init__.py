"""The convolutional recurrent network of chords and keys."""
