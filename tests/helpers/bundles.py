"""Small TensorFlow checkpoints, written from the formats' documents; the originals' own checksums
are tested on published files.
"""

import struct

import numpy as np

from mirkit.zoo.crc32c import crc32c
from mirkit.zoo.protobuf import blob, integer, varint

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
CODES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19, "bool": 10}


def masked(content):
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def block(pairs, restart_every=3):
    """A block whose keys share prefixes, but for every third."""
    out, restarts, last = b"", [], b""
    for i, (key, value) in enumerate(pairs):
        shared = 0
        if i % restart_every == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    return out + b"".join(struct.pack("<I", place) for place in [*restarts, len(restarts)])


def table(pairs, per_block=4, compression=0):
    """A sorted string table of several blocks."""
    out, index = b"", []

    def written(content):
        nonlocal out
        handle = varint(len(out)) + varint(len(content))
        kind = bytes([compression])
        out += content + kind + struct.pack("<I", masked(content + kind))
        return handle

    for start in range(0, len(pairs), per_block):
        part = pairs[start : start + per_block]
        index.append((part[-1][0], written(block(part))))
    handles = written(block([])) + written(block(index, 1))
    return out + handles.ljust(40, b"\0") + MAGIC


def entry(array, offset, content):
    shape = b"".join(blob(2, integer(1, n)) for n in array.shape)
    crc = struct.pack("<I", masked(content))
    parts = integer(1, CODES[array.dtype.name]) + blob(2, shape) + integer(4, offset)
    return parts + integer(5, len(content)) + varint(6 << 3 | 5) + crc


def write(folder, arrays, header=None, **options):
    """Write a checkpoint of one file of data and return the path of its index."""
    data, pairs = b"", [(b"", integer(1, 1) if header is None else header)]
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        content = array.tobytes()
        pairs.append((name.encode(), entry(array, len(data), content)))
        data += content
    (folder / "net.index").write_bytes(table(pairs, **options))
    (folder / "net.data-00000-of-00001").write_bytes(data)
    return folder / "net.index"
