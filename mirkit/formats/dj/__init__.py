"""DJ software: one value for what it knows of a track, and the files that hold it."""
