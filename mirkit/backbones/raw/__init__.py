"""Networks on samples."""
