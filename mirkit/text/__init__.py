"""Tokenizers without torch."""
