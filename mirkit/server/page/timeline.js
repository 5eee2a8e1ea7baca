// The canvases: an overview, and a window with waveform, beats and lanes. Only what is seen is drawn.

import { chordColor, keyColor, lastBefore, nameColors, shortChord } from "./music.js";

const STRIP = 26; // height of the beat strip [px]
const LANE = 26;
const DOUBT = 0.5; // confidence below which a beat is doubtful
const NEAR = 7; // how near a beat is grabbed [px]

export class Timeline {
  constructor(overview, wave, cursor) {
    this.overview = overview;
    this.wave = wave;
    this.cursor = cursor;
    this.start = 0; // left edge [s]
    this.scale = 50; // pixels per second
    this.track = null;
    this.moved = null; // a drag of the grid that is not kept yet: {from, by, kind}
    this.waiting = false;
    this.ink = null; // colors of the theme, read once
    this.miniature = null; // the overview without the window, painted once
    this.under = null; // what the cursor canvas shows
    new ResizeObserver(() => this.resize()).observe(wave);
  }

  show(track) {
    this.track = track;
    this.miniature = null;
    this.resize();
    this.scale = Math.max(this.width / track.duration, Math.min(60, this.width / 12));
    this.move(0);
  }

  get width() { return this.wave.clientWidth || 1; }
  get height() { return this.wave.clientHeight || 1; }
  get seconds() { return this.width / this.scale; }

  resize() {
    for (const canvas of [this.overview, this.wave, this.cursor]) {
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(canvas.clientWidth * ratio);
      canvas.height = Math.round(canvas.clientHeight * ratio);
    }
    this.refresh();
  }

  // Paints all anew: the theme, the size or the columns have changed.
  refresh() {
    this.ink = null;
    this.miniature = null;
    this.under = null;
    this.draw();
  }

  // Shows the window that begins at `start` seconds.
  move(start) {
    const duration = this.track?.duration ?? 0;
    this.start = Math.max(0, Math.min(start, duration - this.seconds));
    this.draw();
  }

  zoom(factor, at) {
    const duration = this.track?.duration ?? 1;
    const anchor = at ?? this.start + this.seconds / 2;
    const share = (anchor - this.start) / this.seconds;
    this.scale = Math.max(this.width / duration, Math.min(800, this.scale * factor));
    this.move(anchor - share * this.seconds);
  }

  timeAt(x) { return this.start + x / this.scale; }
  xOf(time) { return (time - this.start) * this.scale; }

  // The beat under a place in the strip, or null.
  beatAt(x) {
    const times = this.track?.beats ?? [];
    const i = lastBefore(times, this.timeAt(x));
    const near = [i, i + 1].filter((k) => k >= 0 && k < times.length);
    near.sort((a, b) => Math.abs(this.xOf(times[a]) - x) - Math.abs(this.xOf(times[b]) - x));
    return near.length && Math.abs(this.xOf(times[near[0]]) - x) <= NEAR ? times[near[0]] : null;
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (!this.track) return;
      this.paint();
      this.paintOverview();
    });
  }

  colors() {
    this.ink ??= this.readColors();
    return this.ink;
  }

  readColors() {
    const style = getComputedStyle(document.documentElement);
    const names = ["ground", "panel", "line", "ink", "dim", "accent", "mark", "warn", "low", "mid",
      "high", "peak", "beat", "chord-ink"];
    return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  paint() {
    const pen = begin(this.wave);
    const ink = this.colors();
    const lanes = this.lanes();
    const bottom = this.height - LANE * lanes.length - 4;
    this.paintWave(pen, ink, this.start, this.scale, this.width, STRIP, bottom);
    this.paintBeats(pen, ink, bottom);
    lanes.forEach((lane, i) => this.paintLane(pen, ink, lane, bottom + 4 + i * LANE));
  }

  // Writes the columns as pixels, which is many times as fast as filling shapes.
  paintWave(pen, ink, start, scale, width, top, bottom) {
    const ratio = window.devicePixelRatio || 1;
    const [columns, rows] = [Math.round(width * ratio), Math.round((bottom - top) * ratio)];
    if (columns < 1 || rows < 1) return;
    const image = pen.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const colors = ["peak", "low", "mid", "high"].map((name) => packed(ink[name]));
    const middle = rows >> 1;
    const half = middle - 1;
    const gain = this.track.pyramid?.gain ?? 1;
    const share = [0.5, 0.95 * gain, 0.72 * gain, 0.5 * gain]; // of the height
    this.track.pyramid?.columns(start, scale * ratio, columns, (x, ...values) => {
      for (let i = 0; i < 4; i++) {
        const height = Math.min(half, Math.max(Math.round(values[i] * share[i] * half), i ? 0 : 1));
        const end = (middle + height) * columns + x;
        for (let at = (middle - height) * columns + x; at < end; at += columns) pixels[at] = colors[i];
      }
    });
    pen.putImageData(image, 0, Math.round(top * ratio));
  }

  // Beats as they would be after the drag that goes on.
  shownBeats() {
    const { beats } = this.track;
    if (!this.moved) return beats;
    const { from, by, kind } = this.moved;
    if (kind === "all") return beats.map((time) => time + by);
    if (kind === "one") return beats.map((time) => (time === from ? time + by : time));
    return beats.map((time) => (time >= from ? time + by : time));
  }

  paintBeats(pen, ink, bottom) {
    const times = this.shownBeats();
    const { positions, confidence, barNumbers } = this.track;
    const end = this.start + this.seconds;
    const period = times.length > 1 ? (times.at(-1) - times[0]) / (times.length - 1) : 1;
    const dense = period * this.scale < 5;
    let lastNumber = -99;
    pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    pen.textBaseline = "middle";
    for (let i = Math.max(0, lastBefore(times, this.start)); i < times.length; i++) {
      if (times[i] > end) break;
      const x = Math.round(this.xOf(times[i])) + 0.5;
      const first = positions[i] === 1;
      if (dense && !first) continue;
      const doubtful = confidence[i] !== null && confidence[i] < DOUBT;
      pen.strokeStyle = doubtful ? ink.warn : first ? ink.mark : ink.beat;
      pen.lineWidth = first ? 1.6 : 1;
      pen.setLineDash(doubtful ? [3, 3] : []);
      line(pen, x, first ? 4 : 13, bottom);
      if (first && x - lastNumber > 30) {
        pen.fillStyle = ink.ink;
        pen.fillText(String(barNumbers[i]), x + 4, 10);
        lastNumber = x;
      }
    }
    pen.setLineDash([]);
  }

  lanes() {
    const { chords, sections, keys, events } = this.track;
    const plain = nameColors(sections.map((each) => each.label));
    const heard = nameColors(events.map((each) => each.label));
    const found = [
      { name: "Chords", spans: chords, color: chordColor, text: shortChord },
      { name: "Key", spans: keys, color: keyColor, text: (label) => label },
      { name: "Sections", spans: sections, color: (label) => plain.get(label), text: (x) => x },
      { name: "Events", spans: events, color: (label) => heard.get(label), text: (x) => x },
    ];
    return found.filter((lane) => lane.spans.length);
  }

  paintLane(pen, ink, lane, top) {
    const end = this.start + this.seconds;
    pen.font = "600 12px system-ui, 'DejaVu Sans', sans-serif";
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    const first = Math.max(0, lastBefore(startsOf(lane.spans), this.start));
    for (const { start, end: stop, label } of lane.spans.slice(first)) {
      if (start > end) break;
      const left = Math.max(0, this.xOf(start));
      const right = Math.min(this.width, this.xOf(stop));
      pen.fillStyle = lane.color(label) ?? ink.peak;
      pen.fillRect(left + 0.5, top + 2, Math.max(right - left - 1, 1), LANE - 4);
      const text = lane.text(label) ?? "";
      if (text && pen.measureText(text).width + 8 < right - left) {
        pen.fillStyle = lane.color(label) ? ink["chord-ink"] : ink.dim;
        pen.fillText(text, (left + right) / 2, top + LANE / 2);
      }
    }
    pen.textAlign = "start";
  }

  paintOverview() {
    const pen = begin(this.overview);
    const width = this.overview.clientWidth;
    const height = this.overview.clientHeight;
    const scale = width / this.track.duration;
    this.miniature ??= this.paintMiniature(width, height, scale);
    if (this.miniature) pen.drawImage(this.miniature, 0, 0, width, height);
    pen.fillStyle = this.colors().accent;
    pen.globalAlpha = 0.22;
    pen.fillRect(this.start * scale, 0, Math.max(this.seconds * scale, 3), height);
    pen.globalAlpha = 1;
  }

  paintMiniature(width, height, scale) {
    if (!width || !height) return null;
    const canvas = document.createElement("canvas");
    canvas.width = this.overview.width;
    canvas.height = this.overview.height;
    const pen = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.paintWave(pen, this.colors(), 0, scale, width, 2, height - 8);
    const plain = nameColors(this.track.sections.map((each) => each.label));
    for (const { start, end, label } of this.track.sections) {
      pen.fillStyle = plain.get(label);
      pen.fillRect(start * scale + 0.5, height - 6, Math.max((end - start) * scale - 1, 1), 4);
    }
    return canvas;
  }

  // Draws the playhead, and returns the time at which it stands.
  paintCursor(time, loop) {
    const shown = [time, loop?.start, this.start, this.scale, this.width].join();
    if (shown === this.under) return time;
    this.under = shown;
    const pen = begin(this.cursor);
    const ink = this.colors();
    if (loop) {
      pen.fillStyle = ink.accent;
      pen.globalAlpha = 0.12;
      pen.fillRect(this.xOf(loop.start), STRIP, (loop.end - loop.start) * this.scale, this.height);
      pen.globalAlpha = 1;
    }
    const x = this.xOf(time);
    pen.strokeStyle = ink.ink;
    pen.lineWidth = 2;
    line(pen, x, 0, this.height);
    pen.fillStyle = ink.ink;
    pen.beginPath();
    pen.moveTo(x - 6, 0);
    pen.lineTo(x + 6, 0);
    pen.lineTo(x, 8);
    pen.fill();
    return this.timeAt(x);
  }
}

// Dragging, wheel and clicks. `act` has seek(time), drag(from, by, kind) and jump(time).
export function listen(timeline, act) {
  const { wave, overview } = timeline;
  let held = null;
  wave.addEventListener("pointerdown", (event) => {
    const { x, y } = place(event, wave);
    const beat = y <= STRIP ? timeline.beatAt(x) : null;
    held = { x, start: timeline.start, beat, moved: false };
    held.kind = event.altKey ? "one" : event.shiftKey ? "behind" : "all";
    wave.setPointerCapture(event.pointerId);
  });
  wave.addEventListener("pointermove", (event) => {
    const { x, y } = place(event, wave);
    if (!held) {
      wave.style.cursor = y <= STRIP && timeline.beatAt(x) !== null ? "ew-resize" : "text";
      return;
    }
    held.moved ||= Math.abs(x - held.x) > 2;
    if (!held.moved) return;
    if (held.beat === null) timeline.move(held.start - (x - held.x) / timeline.scale);
    else {
      timeline.moved = { from: held.beat, by: (x - held.x) / timeline.scale, kind: held.kind };
      timeline.draw();
    }
  });
  const release = (event) => {
    if (!held) return;
    const { x } = place(event, wave);
    if (!held.moved) act.seek(timeline.timeAt(x));
    else if (timeline.moved) act.drag(timeline.moved.from, timeline.moved.by, timeline.moved.kind);
    held = null;
  };
  wave.addEventListener("pointerup", release);
  wave.addEventListener("pointercancel", () => {
    held = null;
    timeline.moved = null;
    timeline.draw();
  });
  wave.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x } = place(event, wave);
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      timeline.move(timeline.start + (event.deltaX || event.deltaY) / timeline.scale);
    } else timeline.zoom(Math.exp(-event.deltaY / 300), timeline.timeAt(x));
  }, { passive: false });
  const jump = (event) => {
    if (event.buttons !== 1 || !timeline.track) return;
    const { x } = place(event, overview);
    const time = (x / overview.clientWidth) * timeline.track.duration;
    timeline.move(time - timeline.seconds / 2);
    act.jump(time);
  };
  overview.addEventListener("pointerdown", jump);
  overview.addEventListener("pointermove", jump);
}

const STARTS = new WeakMap();

// The starts of spans, taken once.
export function startsOf(spans) {
  if (!STARTS.has(spans)) STARTS.set(spans, spans.map((each) => each.start));
  return STARTS.get(spans);
}

// A color as a pixel: red in the lowest byte.
function packed(hex) {
  const value = parseInt(hex.slice(1), 16);
  return (255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16);
}

function place(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function begin(canvas) {
  const pen = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return pen;
}

function line(pen, x, top, bottom) {
  pen.beginPath();
  pen.moveTo(x, top);
  pen.lineTo(x, bottom);
  pen.stroke();
}

