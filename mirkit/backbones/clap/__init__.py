"""CLAP: an audio and a text tower with one joint space; how published ones name their tensors."""
