"""Music that others played or wrote: human drumming, lead sheets, MIDI and score collections."""
