"""Tempo and key in the library of beets: ``beet mirkit``, and on import.

`fields` says what an item gets, `plugin` is what beets runs; ``beetsplug/mirkit.py`` is where beets
looks for it. Beets itself is imported by `plugin` alone.
"""
