"""Vision transformers over spectrograms: AST and PaSST."""
