// Words and colors of music: chords as musicians write them, hues along the circle of fifths.

const CLASSES = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

export function pitchClass(name) {
  let found = CLASSES[name[0]] ?? 0;
  for (const sign of name.slice(1)) found += sign === "#" ? 1 : sign === "b" ? -1 : 0;
  return ((found % 12) + 12) % 12;
}

export function shortChord(label) {
  if (!label || label === "N" || label === "X") return "";
  const [head, bass] = label.split("/");
  const [root, quality = "maj"] = head.split(":");
  const short = quality.startsWith("min") ? `m${quality.slice(3)}` : quality === "maj" ? "" : quality;
  return root + short + (bass ? `/${bass}` : "");
}

function color(pitch, minor) {
  const hue = 30 * ((7 * (pitch + (minor ? 3 : 0))) % 12);
  return `hsl(${hue} ${minor ? 45 : 55}% ${minor ? 64 : 75}%)`;
}

export function chordColor(label) {
  if (!label || label === "N" || label === "X") return null;
  const [root, quality = ""] = label.split("/")[0].split(":");
  return color(pitchClass(root), /^(min|dim|hdim)/.test(quality));
}

export function keyColor(label) {
  const [tonic, mode] = (label ?? "").split(" ");
  return mode ? color(pitchClass(tonic), mode !== "major") : null;
}

const NAMES = ["#8fb8de", "#f2b880", "#a6cfa1", "#d9a5c7", "#b7b1e0", "#e8d28a", "#9ed3ce", "#e0a69b"];

export function nameColors(labels) {
  const known = [...new Set(labels)];
  return new Map(known.map((label, i) => [label, NAMES[i % NAMES.length]]));
}

export function clock(seconds, digits = 0) {
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${minutes}:${rest}`;
}

// The index of the last item whose time is not after `time`; -1 before the first.
export function lastBefore(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
