// The pyramid of a waveform: fetches only the columns that are shown, in tiles that are kept.

const TILE = 2048; // columns
const BYTES = 4;

export class Pyramid {
  constructor(track, waveform, changed) {
    this.track = track;
    this.rate = waveform.columns_per_second;
    this.levels = waveform.levels;
    this.changed = changed;
    this.tiles = new Map();
    this.gain = 1; // so that the loudest part fills the height
    this.tile(this.levels.length - 1, 0);
  }

  // The coarsest level that still has a column for each pixel.
  levelFor(pixelsPerSecond) {
    const level = Math.floor(Math.log2(this.rate / Math.max(pixelsPerSecond, 1e-9)));
    return Math.min(Math.max(level, 0), this.levels.length - 1);
  }

  ratio(level) {
    return this.rate / 2 ** level;
  }

  // The bytes of a column, or null while they are on their way.
  tile(level, index) {
    const key = `${level}/${index}`;
    const known = this.tiles.get(key);
    if (known !== undefined) return known;
    this.tiles.set(key, null);
    this.load(level, index, key);
    return null;
  }

  async load(level, index, key) {
    const query = `level=${level}&start=${index * TILE}&count=${TILE}`;
    try {
      const answer = await fetch(`/v1/tracks/${this.track}/waveform?${query}`);
      if (!answer.ok) throw new Error(answer.statusText);
      this.tiles.set(key, new Uint8Array(await answer.arrayBuffer()));
      if (level === this.levels.length - 1) this.measure(this.tiles.get(key));
      this.changed();
    } catch {
      this.tiles.delete(key);
    }
  }

  measure(columns) {
    let loudest = 1;
    for (let i = 0; i < columns.length; i++) {
      if (i % BYTES === 1 || i % BYTES === 2) loudest = Math.max(loudest, columns[i]);
    }
    this.gain = Math.min(255 / loudest, 4);
  }

  // Calls `visit(x, peak, low, mid, high)` for each pixel of a window, values 0 to 1.
  columns(start, pixelsPerSecond, width, visit) {
    const level = this.levelFor(pixelsPerSecond);
    const ratio = this.ratio(level);
    for (let x = 0; x < width; x++) {
      const column = Math.floor((start + (x + 0.5) / pixelsPerSecond) * ratio);
      if (column < 0 || column >= this.levels[level]) continue;
      const tile = this.tile(level, Math.floor(column / TILE));
      if (tile === null) continue;
      const at = BYTES * (column % TILE);
      visit(x, tile[at] / 255, tile[at + 1] / 255, tile[at + 2] / 255, tile[at + 3] / 255);
    }
  }
}
