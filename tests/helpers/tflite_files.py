"""Small TensorFlow Lite files, written by the flatbuffers package and not by what reads them."""

import flatbuffers
import numpy as np


def _vector(builder, values, code):
    width, prepend = {
        "i": (4, builder.PrependInt32),
        "f": (4, builder.PrependFloat32),
        "q": (8, builder.PrependInt64),
        "B": (1, builder.PrependUint8),
        "o": (4, builder.PrependUOffsetTRelative),
    }[code]
    builder.StartVector(width, len(values), max(width, 4))
    for value in reversed(list(values)):
        prepend(value)
    return builder.EndVector()


def _table(builder, slots):
    """A table of (slot, kind, value): ``"o"`` an offset, else the name of a builder's method."""
    builder.StartObject(12)
    for slot, kind, value in slots:
        if kind == "o":
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        else:
            getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
    return builder.EndObject()


def model(tensors, operators, ends, codes, identifier=b"TFL3"):
    """The bytes of a file.

    `tensors`: dicts with shape, type, and perhaps data (bytes), name, scale, zero, axis.
    `operators`: dicts with code (place), inputs, outputs, perhaps options [(slot, kind, value)].
    """
    b = flatbuffers.Builder(1024)
    contents = [b"", *(each.get("data", b"") for each in tensors)]
    buffers = []
    for content in contents:
        data = [(0, "o", _vector(b, content, "B"))] if content else []
        buffers.append(_table(b, data))
    made = []
    for place, each in enumerate(tensors):
        slots = [(0, "o", _vector(b, each["shape"], "i")), (1, "Int8", each["type"])]
        slots += [(2, "Uint32", place + 1), (3, "o", b.CreateString(each.get("name", "")))]
        if "scale" in each:
            scale, zero = _vector(b, each["scale"], "f"), _vector(b, each["zero"], "q")
            parts = [(2, "o", scale), (3, "o", zero), (6, "Int32", each.get("axis", 0))]
            slots.append((4, "o", _table(b, parts)))
        made.append(_table(b, slots))
    steps = []
    for each in operators:
        slots = [(0, "Uint32", each["code"])]
        slots += [(1, "o", _vector(b, each["inputs"], "i"))]
        slots += [(2, "o", _vector(b, each["outputs"], "i"))]
        if "options" in each:
            slots.append((4, "o", _table(b, each["options"])))
        steps.append(_table(b, slots))
    first, last = (_vector(b, end, "i") for end in ends)
    parts = [(0, "o", _vector(b, made, "o")), (1, "o", first), (2, "o", last)]
    graph = _table(b, [*parts, (3, "o", _vector(b, steps, "o"))])
    kinds = [_table(b, [(0, "Int8", min(code, 127)), (3, "Int32", code)]) for code in codes]
    slots = [(0, "Uint32", 3), (1, "o", _vector(b, kinds, "o"))]
    slots += [(2, "o", _vector(b, [graph], "o")), (4, "o", _vector(b, buffers, "o"))]
    b.Finish(_table(b, slots), identifier)
    return bytes(b.Output())


def small(kernel=None):
    """A convolution, its kernel quantized by filter, and its magnitude."""
    kernel = np.arange(-6, 6, dtype=np.int8).reshape(2, 2, 3, 1) if kernel is None else kernel
    tensors = [
        {"shape": [1, 4, 6, 1], "type": 0, "name": "x"},
        {
            "shape": kernel.shape,
            "type": 9,
            "name": "kernel",
            "data": kernel.tobytes(),
            "scale": [0.5, 2.0],
            "zero": [0, 1],
        },
        {"shape": [2], "type": 0, "name": "bias", "data": np.float32([0.25, -1]).tobytes()},
        {"shape": [1, 2, 3, 2], "type": 0, "name": "y"},
        {"shape": [1, 2, 3, 2], "type": 0, "name": "z"},
    ]
    options = [(1, "Int32", 2), (2, "Int32", 3), (3, "Int8", 1)]
    operators = [
        {"code": 0, "inputs": [0, 1, 2], "outputs": [3], "options": options},
        {"code": 1, "inputs": [3], "outputs": [4]},
        {"code": 2, "inputs": [3, -1], "outputs": [4]},
    ]
    return model(tensors, operators, ([0], [4]), [3, 135, 200])
