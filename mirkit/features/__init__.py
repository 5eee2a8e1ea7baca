"""Front ends: from audio to what models and trackers read, in numpy, in blocks of any size."""

from mirkit.features.attack import AttackEnvelope
from mirkit.features.base import FrontEnd
from mirkit.features.cache import FeatureCache
from mirkit.features.logfilt import LogBank
from mirkit.features.mel import MelBank
from mirkit.features.onset import OnsetStrength, mel_onset
from mirkit.features.registry import FRONT_ENDS, front_end
from mirkit.features.spectrogram import LogSpectrogram
from mirkit.features.stft import STFT
from mirkit.features.tempogram import (
    FourierTempogram,
    Tempogram,
    fourier_tempo_frequencies,
    tempo_frequencies,
)
from mirkit.features.tuning import estimate_tuning, tune, tuning_of
from mirkit.features.vqt import VQT
from mirkit.features.windows import window

__all__ = [
    "FRONT_ENDS",
    "STFT",
    "VQT",
    "AttackEnvelope",
    "FeatureCache",
    "FourierTempogram",
    "FrontEnd",
    "LogBank",
    "LogSpectrogram",
    "MelBank",
    "OnsetStrength",
    "Tempogram",
    "estimate_tuning",
    "fourier_tempo_frequencies",
    "front_end",
    "mel_onset",
    "tempo_frequencies",
    "tune",
    "tuning_of",
    "window",
]
