"""BEATs: a transformer trained by masked prediction, and its tokenizer."""
