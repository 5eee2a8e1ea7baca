"""Published sets of labeled sounds.

`read_set` reads the sets that `SOUND_SETS` describes, each item a `Sound`.
"""

from mirkit.datasets.sound_sets import SOUND_SETS, SoundSet, read_set, sound_set
from mirkit.datasets.sounds import Sound

__all__ = ["SOUND_SETS", "Sound", "SoundSet", "read_set", "sound_set"]
