"""Follow music as it sounds, and tell other programs on the beat: OSC, WebSocket, MIDI clock, JSON.

``source → beat-tcn-live → Conductor → outputs``: the network hears a beat a moment after it; the
conductor foretells the next one, so that what is sent goes out on the beat.
"""
