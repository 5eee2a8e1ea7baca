"""Every other sound: tags of a recording, and what it is near to."""
