"""Notes: what any instruments play, transcribed."""
