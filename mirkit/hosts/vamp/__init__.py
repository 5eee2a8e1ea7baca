"""A Vamp plug-in library: beats, chords and key inside Sonic Visualiser, Audacity and other hosts.

``mirkit.c`` is the library that hosts load; it hands the audio to `mirkit.hosts.vamp.worker`, which
runs in a process of its own, so no fault of Python's reaches the host. `install` compiles it.
"""
