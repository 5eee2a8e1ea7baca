"""PANNs: convolutional networks on log-mel features or samples."""
