"""Teaching: other networks label recordings, and ours learn from what they hear."""
