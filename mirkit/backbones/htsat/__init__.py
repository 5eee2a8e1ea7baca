"""HTS-AT: a hierarchical transformer with shifted windows."""
