"""The schema of a library's database, and the migrations that bring an older one up to it.

A file is a path; a track is a content, and may lie at several paths. A maker is a model with its
settings; a result is what a maker found in a track, or why it failed. Large values lie in a table
of their own, so that lists of tracks do not read past them. Counts are kept by triggers, as
counting a million rows takes longer than a page may.
"""

from __future__ import annotations

APPLICATION_ID = 0x6D69726B
"""What marks a database as a library ("mirk")."""

_FIRST = """
create table roots (
    path text primary key,
    added real not null
) without rowid;

create table tracks (
    id integer primary key,
    content_hash text not null unique,
    audio_hash text,
    duration real,
    title text not null default '',
    artist text not null default '',
    album text not null default '',
    genre text not null default '',
    name text not null default '',
    labels text not null default '',
    bpm real,
    bpm_confidence real,
    beat_confidence real,
    meter integer,
    key integer,
    key_confidence real,
    energy real,
    loudness real,
    loudness_range real,
    true_peak real,
    status text not null default 'new',
    here integer not null default 0,
    added real not null
);
create index tracks_bpm on tracks (bpm);
create index tracks_key on tracks (key, bpm);
create index tracks_energy on tracks (energy);
create index tracks_loudness on tracks (loudness);
create index tracks_title on tracks (title collate nocase);
create index tracks_artist on tracks (artist collate nocase);
create index tracks_status on tracks (status);
create index tracks_audio on tracks (audio_hash);

create table files (
    id integer primary key,
    path text not null unique,
    size integer not null,
    mtime_ns integer not null,
    track integer references tracks (id) on delete cascade,
    state text not null default 'here',
    error_type text,
    error_message text,
    added real not null
);
create index files_track on files (track);
create index files_state on files (state);

create table makers (
    id integer primary key,
    fingerprint text not null unique,
    task text not null,
    model text not null,
    version text,
    weights_hash text,
    settings text not null
);

create table results (
    id integer primary key,
    track integer not null references tracks (id) on delete cascade,
    maker integer not null references makers (id),
    task text not null,
    current integer not null default 1,
    error_type text,
    error_message text,
    seconds real,
    made real not null,
    unique (track, maker)
);
create unique index results_current on results (track, task) where current;
create index results_maker on results (maker);

create table contents (
    result integer primary key references results (id) on delete cascade,
    value blob not null
);

create table tags (
    id integer primary key,
    name text not null unique collate nocase,
    threshold real
);

create table track_tags (
    tag integer not null references tags (id),
    track integer not null references tracks (id) on delete cascade,
    score real not null,
    primary key (tag, track)
) without rowid;
create index track_tags_track on track_tags (track);

create table owners (
    id text primary key,
    host text not null,
    process integer not null,
    started text not null,
    seen real not null
) without rowid;

create table claims (
    track integer primary key references tracks (id) on delete cascade,
    owner text not null references owners (id) on delete cascade
);

create table counters (
    name text primary key,
    n integer not null
) without rowid;

create virtual table words using fts5 (
    title, artist, album, genre, name, labels,
    content = 'tracks', content_rowid = 'id', tokenize = "unicode61 remove_diacritics 2"
);

create trigger words_insert after insert on tracks begin
    insert into words (rowid, title, artist, album, genre, name, labels)
    values (new.id, new.title, new.artist, new.album, new.genre, new.name, new.labels);
end;
create trigger words_delete after delete on tracks begin
    insert into words (words, rowid, title, artist, album, genre, name, labels)
    values ('delete', old.id, old.title, old.artist, old.album, old.genre, old.name, old.labels);
end;
create trigger words_update
after update of title, artist, album, genre, name, labels on tracks begin
    insert into words (words, rowid, title, artist, album, genre, name, labels)
    values ('delete', old.id, old.title, old.artist, old.album, old.genre, old.name, old.labels);
    insert into words (rowid, title, artist, album, genre, name, labels)
    values (new.id, new.title, new.artist, new.album, new.genre, new.name, new.labels);
end;
"""


def _counter(table: str, name: str, column: str) -> str:
    """Return the triggers that count the rows of a table by what an expression says of them."""
    change = (
        "insert into counters (name, n) values ('{name}:' || {value}, {step})"
        " on conflict (name) do update set n = n + {step};"
    )
    up = change.format(name=name, value=column.replace("$", "new."), step=1)
    down = change.format(name=name, value=column.replace("$", "old."), step=-1)
    return (
        f"create trigger count_{name}_insert after insert on {table} begin {up} end;\n"
        f"create trigger count_{name}_delete after delete on {table} begin {down} end;\n"
        f"create trigger count_{name}_update after update on {table} when"
        f" {column.replace('$', 'old.')} is not {column.replace('$', 'new.')}"
        f" begin {down} {up} end;\n"
    )


_COUNTERS = (
    _counter("files", "files", "$state")
    + _counter("tracks", "tracks", "$status")
    + _counter("results", "results", "($task || ':' || iif($error_type is null, 'done', 'failed'))")
)

_HERE = """
create trigger here_insert after insert on files begin
    update tracks set here = here + (new.state = 'here') where id = new.track;
end;
create trigger here_delete after delete on files begin
    update tracks set here = here - (old.state = 'here') where id = old.track;
end;
create trigger here_update after update of state, track on files begin
    update tracks set here = here - (old.state = 'here') where id = old.track;
    update tracks set here = here + (new.state = 'here') where id = new.track;
end;
"""

_SECOND = """
alter table tracks add column pulse real generated always as (
    case when bpm < 40 then bpm * 4 when bpm < 80 then bpm * 2 when bpm < 160 then bpm
    when bpm < 320 then bpm / 2 else bpm / 4 end
) virtual;
create index tracks_pulse on tracks (pulse);
create index tracks_key_pulse on tracks (key, pulse);
create index tracks_duration on tracks (duration);

create table edits (
    id integer primary key,
    path text not null,
    made real not null,
    kind text not null,
    before blob not null,
    after blob not null,
    undone integer not null default 0
);
create index edits_path on edits (path);

create table examples (
    tag integer not null references tags (id),
    track integer not null references tracks (id) on delete cascade,
    is_one integer not null,
    primary key (tag, track)
) without rowid;
"""

_THIRD = """
alter table tags add column taught real;

create table own_tags (
    tag integer not null references tags (id),
    track integer not null references tracks (id) on delete cascade,
    score real not null,
    primary key (tag, track)
) without rowid;
create index own_tags_track on own_tags (track);
"""

_FOURTH = """
create table deliveries (
    target text not null,
    track integer not null references tracks (id) on delete cascade,
    newest real not null,
    digest text,
    why text,
    made real not null,
    primary key (target, track)
) without rowid;

create index results_made on results (task, made);
"""

MIGRATIONS: tuple[str, ...] = (_FIRST + _HERE + _COUNTERS, _SECOND, _THIRD, _FOURTH)
"""The script that makes each version from the one before; version 1 is made from nothing."""

VERSION = len(MIGRATIONS)
"""The version that this package writes, kept in ``user_version`` of the database."""
