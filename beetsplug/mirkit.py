"""The plug-in ``mirkit`` of beets, which finds it here by its name; see `mirkit.hosts.beets`.

No ``__init__.py`` stands beside this file: the plug-ins of many packages share the namespace.
"""

from mirkit.hosts.beets import plugin


class MirkitPlugin(plugin.MirkitPlugin):
    """Beets takes only a class that was made in its namespace."""
