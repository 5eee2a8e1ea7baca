"""A CLAP so small that it is made in a second: random heads on the tagger that mirkit ships."""

import hashlib
from pathlib import Path

import torch

from mirkit.text.wordpiece import PAD, UNKNOWN, WordPiece
from mirkit.training.clap.export import export_audio, export_text
from mirkit.training.clap.small_text import AudioHead, SmallText
from mirkit.zoo.checkpoints import shipped_path

PIECES = (PAD, UNKNOWN, "a", "dog", "bark", "##ing", "cat", "hiss", "the", "sound", "of")
N_JOINT = 16


def small_towers(seed=0):
    """Towers with random weights, and their tokenizer."""
    torch.manual_seed(seed)
    audio, text = AudioHead(3 * 128, N_JOINT, 24).eval(), SmallText(len(PIECES), 12, N_JOINT, 24)
    with torch.no_grad():
        audio.fit_scale(torch.randn(50, 3 * 128))
        text.vectors.weight.div_(text.vectors.weight.abs().max() / 1.27)
        text.weights.weight.normal_()
    return audio, text.eval(), WordPiece(PIECES)


def write_clap(folder: Path, seed=0):
    """Write a small CLAP and return the path of its audio tower."""
    audio, text, tokenizer = small_towers(seed)
    path = folder / "small.onnx"
    export_text(text, tokenizer, folder / "small-text.onnx", {})
    digits = hashlib.sha256((folder / "small-text.onnx").read_bytes()).hexdigest()
    kept = {"scale": "20.0", "text_sha256": digits, "weights_sha256": f"{seed:064d}"}
    export_audio(shipped_path("tag-mn.onnx"), audio, path, kept)
    return path
