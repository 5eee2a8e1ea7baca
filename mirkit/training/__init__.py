"""Training: one base and one family of tasks in each folder.

The base: recipes (`recipe`, `families`), the `Task` that the loop drives (`task`, `loop`, `run`,
`batches`, `optim`, `ranks`, `logs`), data (`stores`, `packing`, `division`), and what tasks are
made of (`losses`, `augment`, `twin`, `weights`). The families: `beat`, `harmony` (chords and key),
`tag`, and `ssl` (self-supervised BEATs).
"""
