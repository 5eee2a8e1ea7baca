"""Log-mel front ends as published networks were trained with, one preset a family of checkpoints.

Each preset is what a checkpoint needs, number by number; a network fed by another one still runs,
and is wrong. What looks at a whole clip is left to whoever cuts windows for the network: LAION's
repetition of short clips, AST's padding to 1024 frames (with ``AST.normalized(0.0)``), the minimum
and maximum that DCASE's networks are scaled by.
"""

from __future__ import annotations

from typing import Any

from mirkit.features.conditioning import Gain, Int16RoundTrip, PreEmphasis
from mirkit.features.logs import DECIBEL_OF_MAGNITUDE, DECIBEL_OF_POWER, FloorLog, OffsetLog
from mirkit.features.mel import MelBank
from mirkit.features.spectrogram import LogSpectrogram
from mirkit.features.stft import STFT

DECIBELS = FloorLog(1e-10, DECIBEL_OF_POWER)  # re 1; nothing is cut off below the loudest frame
KALDI_LOG = FloorLog(2.0**-23)  # the spacing of single precision at 1


def _panns(
    name: str, sample_rate: int, n_fft: int, hop_length: int, fmax: float, **options: Any
) -> LogSpectrogram:
    """PANNs' numbers, which HTS-AT and both CLAPs took over: 64 mels from 50 Hz, decibels."""
    bank = MelBank(64, 50, fmax, options.pop("family", "slaney"))
    return LogSpectrogram(name, sample_rate, STFT(n_fft, hop_length), bank, DECIBELS, **options)


def _kaldi(name: str, window: str, mean: float, deviation: float, **options: Any) -> LogSpectrogram:
    """Kaldi's filterbank of 128 mels at 16 kHz, scaled to a standard deviation of a half."""
    stft = STFT(
        512,
        160,
        win_length=400,
        window=window,
        padding="none",
        remove_dc=True,
        preemphasis=0.97,
    )
    bank = MelBank(128, 20, 8000, "kaldi")
    scale = 1 / (2 * deviation)
    return LogSpectrogram(name, 16000, stft, bank, KALDI_LOG, -mean, scale, **options)


def _passt(name: str, hop_length: int = 320) -> LogSpectrogram:
    """PaSST's numbers, which EfficientAT took over, as at evaluation: no jitter of the edges."""
    return LogSpectrogram(
        name,
        32000,
        STFT(1024, hop_length, win_length=800, window="hann_symmetric"),
        MelBank(128, 0, 15000, "kaldi"),
        OffsetLog(1e-5),
        shift=4.5,
        scale=1 / 5,
        conditioning=(PreEmphasis(0.97),),
    )


# Kong et al., "PANNs: large-scale pretrained audio neural networks", 2020.
PANNS_32K = _panns("panns_32k", 32000, 1024, 320, fmax=14000)
PANNS_16K = _panns("panns_16k", 16000, 512, 160, fmax=8000)
PANNS_8K = _panns("panns_8k", 8000, 256, 80, fmax=4000)

# Chen et al., "HTS-AT", 2022, on AudioSet.
HTSAT = _panns("htsat", 32000, 1024, 320, fmax=14000)

# Wu et al., "Large-scale contrastive language-audio pretraining", 2023.
LAION_CLAP = _panns("laion_clap", 48000, 1024, 480, fmax=14000, conditioning=(Int16RoundTrip(),))
LAION_CLAP_FUSED = _panns(
    "laion_clap_fused", 48000, 1024, 480, fmax=14000, family="htk", conditioning=(Int16RoundTrip(),)
)

# Elizalde et al., "CLAP: learning audio concepts from natural language supervision", 2022, 2023.
MS_CLAP_2022 = _panns("ms_clap_2022", 44100, 1024, 320, fmax=14000)
MS_CLAP_2023 = _panns("ms_clap_2023", 44100, 1024, 320, fmax=8000)

# Gong et al., "AST: audio spectrogram transformer", 2021; the mean of the waveform, which its
# authors subtract, leaves each frame with the frame's own mean.
AST = _kaldi("ast", "hann_symmetric", mean=-4.2677393, deviation=4.5689974)
AST_ESC50 = _kaldi("ast_esc50", "hann_symmetric", mean=-6.6268077, deviation=5.358466)

# Chen et al., "BEATs: audio pre-training with acoustic tokenizers", 2022.
BEATS = _kaldi("beats", "povey", mean=15.41663, deviation=6.55582, conditioning=(Gain(2.0**15),))

# Koutini et al., "Efficient training of audio transformers with patchout", 2022.
PASST = _passt("passt")
# Schmid et al., "Efficient large-scale audio tagging via transformer-to-CNN distillation", 2023.
EFFICIENTAT = _passt("efficientat")

# Hershey et al., "CNN architectures for large-scale audio classification", 2017.
VGGISH = LogSpectrogram(
    "vggish",
    16000,
    STFT(512, 160, win_length=400, padding="none", power=1),
    MelBank(64, 125, 7500, "kaldi"),
    OffsetLog(0.01),
)

# The recurrent baselines of DCASE task 4, 2021 to 2024: magnitudes, kept between -50 and 80 dB.
DCASE_CRNN = LogSpectrogram(
    "dcase_crnn",
    16000,
    STFT(2048, 256, window="hamming_symmetric", power=1),
    MelBank(128, 0, 8000, "htk"),
    FloorLog(10**-2.5, DECIBEL_OF_MAGNITUDE, ceiling=1e4),
)

# Foscarin et al., "Beat This!", 2024: magnitudes divided by the root of the length of a frame.
BEAT_THIS = LogSpectrogram(
    "beat_this",
    22050,
    STFT(1024, 441, power=1),
    MelBank(128, 30, 11000, "slaney_height"),
    OffsetLog(1.0, gain=1000 / 32),
)

# Ours, for small taggers: half the bands of the others, and less than a third of their frames.
MIRKIT_32K = LogSpectrogram(
    "mirkit_32k", 32000, STFT(2048, 1024), MelBank(64, 50, 15000, "kaldi"), OffsetLog(1e-5)
)

PRESETS = (
    PANNS_32K,
    PANNS_16K,
    PANNS_8K,
    HTSAT,
    LAION_CLAP,
    LAION_CLAP_FUSED,
    MS_CLAP_2022,
    MS_CLAP_2023,
    AST,
    AST_ESC50,
    BEATS,
    PASST,
    EFFICIENTAT,
    VGGISH,
    DCASE_CRNN,
    BEAT_THIS,
    MIRKIT_32K,
)
