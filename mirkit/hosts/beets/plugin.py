"""The plug-in itself: a command, a stage of the import, and the types of its fields."""

from __future__ import annotations

import optparse
from collections.abc import Iterable
from typing import ClassVar

from beets import ui
from beets.dbcore import types
from beets.exceptions import UserError
from beets.importer import ImportSession, ImportTask
from beets.library import Item, Library
from beets.plugins import BeetsPlugin

from mirkit.errors import MirkitError
from mirkit.hosts.beets.fields import FIELD_OF, HEARD, Fields, fields_of, missing_tasks

_SHARE = types.Float(digits=2)


class MirkitPlugin(BeetsPlugin):
    """Fill in tempo and key of items that lack them.

    Its options stand under ``mirkit:`` in the configuration of beets: ``auto`` (on import),
    ``force`` (hear again, and replace what is there) and ``write`` (into the files too, where
    ``import: write`` lets it; the command alone, as importing writes files itself).
    """

    item_types: ClassVar[dict[str, types.Type]] = {
        "mirkit_bpm": types.Float(digits=2),
        "mirkit_tempo_confidence": _SHARE,
        "mirkit_tempo_alternatives": types.STRING,
        "mirkit_beat_confidence": _SHARE,
        "mirkit_key_confidence": _SHARE,
        HEARD: types.STRING,
    }

    def __init__(self) -> None:
        super().__init__()
        self.config.add({"auto": True, "force": False, "write": True})
        if self.config["auto"].get(bool):
            self.import_stages = [self.imported]

    def commands(self) -> list[ui.Subcommand]:
        """Return ``beet mirkit``."""
        command = ui.Subcommand("mirkit", help="listen for tempo and key")
        command.parser.add_option(
            "-f", "--force", action="store_true",
            help="hear again what has tempo and key, and replace them",
        )  # fmt: skip
        command.parser.add_option(
            "-W", "--nowrite", action="store_true", help="change the library, but no file"
        )
        command.func = self.command
        return [command]

    def command(self, lib: Library, opts: optparse.Values, args: list[str]) -> None:
        """Listen to the items that a query finds; the exit status is 1 where one of them failed."""
        force = bool(opts.force) or self.config["force"].get(bool)
        write = not opts.nowrite and self.config["write"].get(bool) and ui.should_write()
        items = list(lib.items(args))
        n_failed = self.listen(items, force=force, write=write)
        if n_failed:
            raise UserError(f"mirkit: {n_failed} of {len(items)} items failed")

    def imported(self, session: ImportSession, task: ImportTask) -> None:
        """Listen to what an import brings; the import writes the files itself, where it does.

        The paths are still those of the originals here, which must not change.
        """
        self.listen(task.imported_items(), force=self.config["force"].get(bool), write=False)

    def listen(self, items: Iterable[Item], *, force: bool, write: bool) -> int:
        """Fill in the fields of items, and return how many failed; each of these is named."""
        from mirkit.analysis import analyze  # not before there is something to hear

        n_failed = 0
        for item in items:
            tasks = tuple(FIELD_OF) if force else missing_tasks(item)
            if not tasks:
                self._log.info("{0.filepath} has tempo and key", item)
                continue
            try:
                found = analyze(item.filepath, tasks=tasks)
            except (MirkitError, OSError) as error:
                n_failed += 1
                self._log.error("{0.filepath}: {1}", item, error)
                continue
            fields = fields_of(found, str(item.get(HEARD) or ""))
            _set(item, fields)
            item.store()
            self._log.info("{0.filepath}: {1}", item, _shown(fields))
            n_failed += write and not item.try_write()
        return n_failed


def _set(item: Item, fields: Fields) -> None:
    """Set what was heard; tempo and key stay where there is none, and our own fields go."""
    for name, value in fields.items():
        if value is not None:
            item[name] = value
        elif name not in FIELD_OF.values() and name in item:
            del item[name]


def _shown(fields: Fields) -> str:
    return ", ".join(f"{name} {fields[name]}" for name in FIELD_OF.values() if name in fields)
