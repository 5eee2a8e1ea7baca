"""mirkit inside other programs: Vamp hosts, and whatever listens to OSC, WebSockets or MIDI."""
