"""Training of CLAP: the contrastive loss, and the towers of clap-mini."""
