"""What TensorFlow makes of a signal with the published YAMNet and musicnn, for tests without it.

In an environment of its own (``pip install tensorflow-cpu==2.15.1 'numpy<2' librosa``), with the
wheel of musicnn 0.1.0 unpacked in a folder:

    python tests/helpers/golden_taggers.py yamnet.tflite FOLDER_OF_MUSICNN

writes golden_taggers.json beside this file. YAMNet runs twice: as published, where TensorFlow Lite
rounds what flows between layers to 8 bits, and with its weights as real numbers.
"""

import json
import sys
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).with_suffix(".json")
SAMPLE_RATE = 16000
MODELS = ("MTT_musicnn", "MSD_musicnn", "MTT_vgg", "MSD_vgg")


def signal():
    """Six and a half seconds: a gliding chord, hits of noise, and a second of near silence."""
    rng = np.random.default_rng(5)
    t = np.arange(int(6.5 * SAMPLE_RATE)) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * f * (t + 0.01 * t**2)) for f in (196, 247, 294, 880)) / 16
    hits = 0.3 * rng.standard_normal(t.size) * np.exp(-30 * (t % 0.4))
    loud = np.where((t > 4.2) & (t < 5.2), 0.002, 1.0)
    return ((chord + hits) * loud).astype(np.float32)


def highest(row, n=6):
    """The highest values of a row, by place."""
    return {int(i): round(float(row[i]), 7) for i in np.argsort(row)[::-1][:n]}


def with_real_weights(path):
    """A TensorFlow Lite file whose weights of 8 bits are written as real numbers."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(path)
    for tensor in model.subgraphs[0].tensors:
        known = tensor.quantization
        if tensor.type != schema.TensorType.INT8 or known is None or known.scale is None:
            continue
        shape = [1] * len(tensor.shape)
        if len(known.scale) > 1:
            shape[known.quantizedDimension] = len(known.scale)
        buffer = model.buffers[tensor.buffer]
        stored = np.frombuffer(bytes(buffer.data), np.int8).reshape(tensor.shape)
        real = stored.astype(np.float32) * np.float32(known.scale).reshape(shape)
        buffer.data = np.frombuffer(real.tobytes(), np.uint8)
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def yamnet(content):
    """The scores of each window."""
    import tensorflow as tf

    net = tf.lite.Interpreter(model_content=content, num_threads=1)
    net.allocate_tensors()
    first, last = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    samples, rows = signal(), []
    samples = np.pad(samples, (0, (15600 - samples.size) % 7680))
    for start in range(0, samples.size - 15599, 7680):
        net.set_tensor(first, samples[start : start + 15600])
        net.invoke()
        rows.append(net.get_tensor(last)[0].copy())
    return np.array(rows)


def musicnn(folder):
    """Tags and embedding of the first window, and the tags of all, of each network."""
    sys.path.insert(0, str(folder))
    import librosa
    from musicnn import extractor

    def batch_data(_, n_frames, hop):
        """As theirs, without half precision, and mirrored ends as librosa had them then."""
        power = librosa.feature.melspectrogram(
            y=signal(), sr=SAMPLE_RATE, hop_length=256, n_fft=512, n_mels=96, pad_mode="reflect"
        )
        values = np.log10(10000 * power.T + 1)
        starts = range(0, len(values) - n_frames + 1, hop)
        return np.stack([values[start : start + n_frames] for start in starts]), values

    extractor.batch_data = batch_data
    made = {}
    for name in MODELS:
        tags, _, features = extractor.extractor("", model=name)
        embedding = features["pool5"].reshape(len(tags), -1) if "vgg" in name else None
        embedding = features["penultimate"] if embedding is None else embedding
        made[name] = {
            "frames": [highest(row) for row in tags],
            "embedding": highest(embedding[0]),
        }
    return made


def main():
    """Write the file."""
    path, folder = sys.argv[1:]
    published, real = Path(path).read_bytes(), with_real_weights(path)
    made = {
        "yamnet": [highest(row) for row in yamnet(real)],
        "yamnet_8_bits": [highest(row) for row in yamnet(published)],
        "musicnn": musicnn(folder),
    }
    GOLDEN.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
