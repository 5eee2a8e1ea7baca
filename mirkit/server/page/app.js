// The page: a list of tracks, one of them in the timeline, and the edits that people make.

import { call, follow, get, patch, post, upload } from "./api.js";
import { clock, lastBefore, shortChord } from "./music.js";
import { Player } from "./player.js";
import { Pyramid } from "./pyramid.js";
import { Timeline, listen, startsOf } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const state = { tracks: [], track: null, taps: [], followed: new Set(), drawn: 0, spoken: "" };
const timeline = new Timeline($("overview"), $("wave"), $("cursor"));
const player = new Player(tick);
window.mirkit = { state, timeline, player }; // for tests and for the curious

// Words

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error.status === 401) await enter();
    else say(error.message, true);
    return null;
  }
}

async function enter() {
  $("enter").showModal();
  await new Promise((resolve) => { $("enter").onclose = resolve; });
  await attempt(() => post("/v1/session", { token: $("token").value }));
  $("token").value = "";
  await refresh();
}

// A dialog with one text; null where it is called off.
function ask(title, label, value, hint = "") {
  $("ask-title").textContent = title;
  $("ask-label").textContent = label;
  $("ask-hint").textContent = hint;
  $("ask-input").value = value;
  $("ask").returnValue = "cancel";
  $("ask").showModal();
  $("ask-input").select();
  return new Promise((resolve) => {
    $("ask").onclose = () => resolve($("ask").returnValue === "ok" ? $("ask-input").value.trim() : null);
  });
}

function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// The list of tracks

async function refresh() {
  const found = await attempt(() => get("/v1/tracks?limit=200"));
  if (!found) return;
  state.tracks = found.tracks;
  showList();
  for (const track of found.tracks) {
    if (track.job && ["queued", "running"].includes(track.job.status)) watch(track.job);
  }
}

function matches(track, text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean).every((word) => {
    const range = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(word);
    if (range) return track.bpm !== null && [0.5, 1, 2].some((k) => k * track.bpm >= +range[1] && k * track.bpm <= +range[2]);
    if (/^\d{1,2}[ab]$/.test(word)) return (track.camelot ?? "").toLowerCase() === word;
    return `${track.name} ${track.title ?? ""} ${track.artist ?? ""} ${track.key ?? ""}`.toLowerCase().includes(word);
  });
}

function showList() {
  const shown = state.tracks.filter((track) => matches(track, $("filter").value));
  $("list").replaceChildren(...shown.map((track) => make("li", {}, row(track))));
}

function row(track) {
  const current = state.track?.id === track.id;
  const button = make("button", { type: "button", onclick: () => open(track.id), "data-track": track.id },
    make("span", { class: "name" }, track.title ?? track.name), make("small", {}, facts(track)));
  if (current) button.setAttribute("aria-current", "true");
  if (track.job && ["queued", "running"].includes(track.job.status)) {
    button.append(make("progress", { max: "1", value: String(track.job.progress), "aria-label": "Analysis" }));
  }
  return button;
}

function facts(track) {
  if (track.job?.status === "failed" && !track.tasks.length) return track.job.error?.message ?? "failed";
  if (track.job && ["queued", "running"].includes(track.job.status)) return `${track.job.stage} …`;
  const bpm = track.bpm === null ? "–" : track.bpm.toFixed(1);
  return `${bpm} bpm · ${track.camelot ?? "–"} · ${track.duration ? clock(track.duration) : "–"}`;
}

// The library

async function search(query) {
  const found = await attempt(() => get(`/v1/search?${new URLSearchParams({ q: query, limit: 100 })}`));
  if (found) showRows(found.rows);
}

async function similar() {
  const found = await attempt(() => get(`/v1/library/${state.track.library}/similar?n=20`));
  if (!found) return;
  showRows(found.rows);
  say(`${found.rows.length} tracks sound most like this one`);
  $("rows").querySelector("button")?.focus();
}

function showRows(rows) {
  $("rows").replaceChildren(...rows.map((found) => make("li", {}, make("button",
    { type: "button", "data-number": found.id, onclick: () => openNumber(found) },
    make("span", { class: "name" }, found.title), make("small", {}, facts({ ...found, job: null, tasks: [] })
      + (found.score === null ? "" : ` · ${Math.round(100 * found.score)} % alike`))))));
}

async function openNumber(found) {
  const opened = await attempt(() => post(`/v1/library/${found.id}/open`));
  if (!opened) return;
  if (opened.job) watch(opened.job, true);
  await refresh();
  if (!opened.job) await open(opened.track);
}

async function add(files) {
  for (const file of files) {
    const found = await attempt(() => upload(file, (share) => say(`${file.name}: ${Math.round(100 * share)} %`)));
    if (!found) continue;
    say(`${file.name} is here`);
    if (found.job) watch(found.job, true);
    await refresh();
    if (!found.job) await open(found.track);
  }
}

function watch(job, opens = false) {
  if (state.followed.has(job.id)) return;
  state.followed.add(job.id);
  follow(job.id, (news) => hear(news, opens));
}

async function hear(job, opens) {
  const track = state.tracks.find((each) => each.id === job.track);
  if (track) track.job = job;
  if (job.status === "failed") say(job.error?.message ?? "failed", true);
  if (["done", "failed", "canceled"].includes(job.status)) {
    await refresh();
    if (job.status === "done") {
      say(`${track?.name ?? "The track"} is analyzed`);
      if (opens || state.track?.id === job.track) await open(job.track);
    }
  } else showList();
}

// One track

async function open(id) {
  const track = await attempt(() => get(`/v1/tracks/${id}`));
  if (!track) return;
  const names = ["beats", "chords", "key", "sections", "tags", "events"].filter((task) => track.tasks.includes(task));
  const bodies = await Promise.all(names.map((task) => attempt(() => get(`/v1/tracks/${id}/${task}`))));
  const same = state.track?.id === id;
  state.track = { ...track, beats: [], positions: [], confidence: [], barNumbers: [], chords: [], keys: [],
    sections: [], events: [], tags: [], duration: track.duration ?? 1 };
  if (track.waveform) state.track.pyramid = new Pyramid(id, track.waveform, () => timeline.refresh());
  bodies.filter(Boolean).forEach(take);
  if (!same) player.load(`/v1/tracks/${id}/audio`);
  history.replaceState(null, "", `#${id}`);
  showTrack();
  if (same) timeline.track = state.track;
  else timeline.show(state.track);
  timeline.refresh();
  showList();
}

// Puts an annotation of the service where the page keeps it.
function take(body) {
  const track = state.track;
  const found = body.annotation;
  if (body.task === "beats") {
    track.beats = found.beats.map((each) => each.time);
    track.positions = found.beats.map((each) => each.position ?? 0);
    track.confidence = found.beats.map((each) => each.confidence);
    let bar = 0;
    track.barNumbers = track.positions.map((position) => (position === 1 ? ++bar : bar));
    track.bpm = found.tempo?.bpm ?? null;
    track.source = body.source;
    player.setBeats(track.beats, track.positions);
  } else if (body.task === "key") {
    track.key = found.key.label;
    track.keys = found.key.segments ?? [];
    if (!track.keys.length && track.key) track.keys = [{ start: 0, end: track.duration, label: track.key }];
  } else track[body.task] = found[body.task] ?? [];
}

function showTrack() {
  const track = state.track;
  $("empty").hidden = true;
  $("track").hidden = false;
  document.title = `${track.title ?? track.name} · mirkit`;
  $("title").textContent = track.title ?? track.name;
  $("artist").textContent = track.artist ?? (track.title ? track.name : "");
  $("length").textContent = clock(track.duration);
  $("wave").setAttribute("aria-valuemax", track.duration.toFixed(1));
  $("similar").hidden = track.library === null;
  $("location").placeholder = `/Music/${track.name}`;
  showFacts();
  showTags();
  showChords();
  showHistory();
}

function showFacts() {
  const track = state.track;
  $("bpm").textContent = track.bpm === null ? "–" : track.bpm.toFixed(2);
  $("key").textContent = track.key ? `${track.key}${track.camelot ? ` (${track.camelot})` : ""}` : "–";
  $("source").textContent = track.source === "human" ? "yours" : "model";
  if (document.activeElement !== $("tempo")) $("tempo").value = track.bpm === null ? "" : track.bpm.toFixed(2);
}

function showTags() {
  const chips = state.track.tags.map((tag, i) => make("li", {}, make("button",
    { type: "button", onclick: () => relabel("tags", i, tag.label, "Leave it empty to take the tag away.") },
    tag.label, make("small", {}, tag.score.toFixed(2)))));
  $("tags").replaceChildren(...chips);
}

function showChords() {
  const items = state.track.chords.map((chord, i) => make("li", {}, make("button",
    { type: "button", "data-chord": i, onclick: () => {
      seek(chord.start);
      relabel("chords", i, chord.label, "Harte's syntax: C:maj, A:min7, G:7/3, N for none.");
    } }, shortChord(chord.label) || "none", make("small", {}, clock(chord.start)))));
  $("chords").replaceChildren(...items);
}

async function showHistory() {
  const found = await attempt(() => get(`/v1/tracks/${state.track.id}/corrections/history`));
  $("undo").disabled = !found?.can_undo;
  $("redo").disabled = !found?.can_redo;
}

// Edits

async function change(work, text) {
  const body = await attempt(work);
  timeline.moved = null;
  if (body) {
    take(body);
    if (body.task === "key") state.track.camelot = (await attempt(() => get(`/v1/tracks/${state.track.id}`)))?.camelot;
    if (body.task === "tags") showTags();
    if (body.task === "chords") showChords();
    showFacts();
    await showHistory();
    say(text);
  }
  timeline.draw();
}

const grid = (edit, text) => change(() => patch(`/v1/tracks/${state.track.id}/grid`, edit), text);
const step = (way) => change(() => post(`/v1/tracks/${state.track.id}/${way}`), way === "undo" ? "Undone" : "Redone");

async function relabel(task, index, label, hint) {
  const wanted = await ask(task === "tags" ? "Tag" : task === "key" ? "Key" : "Chord", "Label", label, hint);
  if (wanted === null || wanted === label) return;
  await change(() => patch(`/v1/tracks/${state.track.id}/${task}/label`, { index, label: wanted }), "Kept");
}

const EDITS = {
  halve: () => grid({ op: "halve" }, "Half the tempo"),
  double: () => grid({ op: "double" }, "Twice the tempo"),
  "half-back": () => grid({ op: "shift", beats: -0.5 }, "Half a beat earlier"),
  "half-on": () => grid({ op: "shift", beats: 0.5 }, "Half a beat later"),
  "beat-back": () => grid({ op: "shift", beats: -1 }, "Downbeat a beat earlier"),
  "beat-on": () => grid({ op: "shift", beats: 1 }, "Downbeat a beat later"),
  downbeat: () => grid({ op: "set_downbeat", time: player.time }, "Downbeat set"),
  adjust: () => grid({ op: "adjust_from", time: player.time }, "Adjusted from here"),
  "one-tempo": () => grid({ op: "one_tempo" }, "One tempo"),
  earlier: () => grid({ op: "nudge", seconds: -0.005 }, "5 ms earlier"),
  later: () => grid({ op: "nudge", seconds: 0.005 }, "5 ms later"),
};

function drag(from, by, kind) {
  if (kind === "all") return grid({ op: "nudge", seconds: by }, `Grid moved by ${Math.round(1000 * by)} ms`);
  const to = Math.max(0, from + by);
  if (kind === "one") return grid({ op: "move", time: from, to }, "Beat moved");
  return grid({ op: "adjust_from", time: to }, "Adjusted from here");
}

let tapTimer = 0;
function tap() {
  state.taps.push(player.time);
  const taps = state.taps;
  if (taps.length > 1) {
    const bpm = (60 * (taps.length - 1)) / (taps.at(-1) - taps[0]);
    say(`${taps.length} taps, ${Number.isFinite(bpm) ? bpm.toFixed(1) : "–"} bpm`);
  }
  clearTimeout(tapTimer);
  tapTimer = setTimeout(() => {
    if (taps.length >= 4 && player.playing) grid({ op: "tap", times: taps }, "Laid as tapped");
    else say("Tap at least four times while it plays");
    state.taps = [];
  }, 1500);
}

// Playback

function tick(time) {
  const track = state.track;
  if (!track) return;
  if (player.playing && (time > timeline.start + 0.85 * timeline.seconds || time < timeline.start)) {
    timeline.move(time - 0.15 * timeline.seconds);
  }
  state.drawn = timeline.paintCursor(time, player.loop);
  const beat = lastBefore(track.beats, time);
  const place = beat < 0 ? "–" : `${track.barNumbers[beat]}.${track.positions[beat] || "?"}`;
  const chord = lastBefore(startsOf(track.chords), time);
  const label = chord < 0 ? "" : shortChord(track.chords[chord].label);
  set($("time"), clock(time, 1));
  set($("bar"), place);
  set($("chord"), label);
  const words = `${clock(time, 0)}, bar ${place}${label ? `, chord ${label}` : ""}`;
  if (words !== state.spoken) {
    state.spoken = words;
    $("wave").setAttribute("aria-valuenow", time.toFixed(1));
    $("wave").setAttribute("aria-valuetext", words);
    $("chords").querySelector("[aria-current]")?.removeAttribute("aria-current");
    $("chords").querySelector(`[data-chord="${chord}"]`)?.setAttribute("aria-current", "true");
  }
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function seek(time) {
  player.seek(time);
  if (time < timeline.start || time > timeline.start + timeline.seconds) timeline.move(time - timeline.seconds / 4);
}

function seekBeats(by) {
  const { beats } = state.track;
  if (!beats.length) return seek(player.time + by);
  const at = lastBefore(beats, player.time + 0.01) + by;
  return seek(beats[Math.max(0, Math.min(at, beats.length - 1))]);
}

function press(id, value) {
  $(id).setAttribute("aria-pressed", String(value));
}

async function play() {
  await attempt(() => player.toggle());
}
player.audio.addEventListener("play", () => { press("play", true); $("play").textContent = "Pause"; });
player.audio.addEventListener("pause", () => { press("play", false); $("play").textContent = "Play"; });
player.audio.addEventListener("error", () => { if (state.track) say("This browser does not play the recording", true); });

function toggleClick() {
  player.clicks = !player.clicks;
  player.aim();
  press("click", player.clicks);
}

function toggleHalf() {
  const half = player.audio.playbackRate === 1;
  player.speed = half ? 0.5 : 1;
  press("half", half);
}

function toggleLoop() {
  const section = state.track.sections.find((each) => each.start <= player.time && player.time < each.end);
  player.loop = player.loop || !section ? null : section;
  press("loop", player.loop !== null);
}

// Keys

const KEYS = [
  [" ", "Space", "play or pause", play],
  ["ArrowLeft", "←", "a beat back", () => seekBeats(-1)],
  ["ArrowRight", "→", "a beat on", () => seekBeats(1)],
  ["Home", "Home", "to the start", () => seek(0)],
  ["+", "+", "zoom in", () => timeline.zoom(1.5, player.time)],
  ["-", "−", "zoom out", () => timeline.zoom(1 / 1.5, player.time)],
  ["c", "C", "click track", toggleClick],
  ["l", "L", "loop the section", toggleLoop],
  ["h", "H", "half the tempo", EDITS.halve],
  ["d", "D", "twice the tempo", EDITS.double],
  ["[", "[", "half a beat earlier", EDITS["half-back"]],
  ["]", "]", "half a beat later", EDITS["half-on"]],
  ["{", "{", "downbeat a beat earlier", EDITS["beat-back"]],
  ["}", "}", "downbeat a beat later", EDITS["beat-on"]],
  [",", ",", "5 ms earlier", EDITS.earlier],
  [".", ".", "5 ms later", EDITS.later],
  ["b", "B", "downbeat here", EDITS.downbeat],
  ["a", "A", "adjust from here", EDITS.adjust],
  ["o", "O", "one tempo", EDITS["one-tempo"]],
  ["t", "T", "tap", tap],
  ["z", "Z", "undo", () => step("undo")],
  ["y", "Y", "redo", () => step("redo")],
  ["?", "?", "this list", () => $("help").showModal()],
];

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, dialog");
  if (typing || event.altKey || !state.track) return;
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (command && key === "z") return act(event, () => step(event.shiftKey ? "redo" : "undo"));
  if (command && key === "y") return act(event, () => step("redo"));
  if (command || (event.key === " " && event.target.closest("button, a"))) return;
  const letter = /^[a-z]$/.test(key);
  if (letter && !$("letters").checked) return;
  const found = KEYS.find(([name]) => name === key);
  if (found) act(event, found[3]);
});

function act(event, work) {
  event.preventDefault();
  work();
}

// Wiring

function exportAs(format) {
  const query = new URLSearchParams({ format });
  if ($("location").value.trim()) query.set("location", $("location").value.trim());
  const link = make("a", { href: `/v1/tracks/${state.track.id}/export?${query}`, download: "" });
  link.click();
}

async function showExports() {
  const names = (await attempt(() => get("/v1/formats"))) ?? [];
  const wanted = ["rekordbox", "traktor", "virtualdj", "serato", "m3u", "midi", "jams", "json", "csv", "reaper", "audacity", "svl"];
  $("exports").replaceChildren(...wanted.filter((name) => names.includes(name)).map((name) =>
    make("button", { type: "button", "data-format": name, onclick: () => exportAs(name) }, name)));
}

function theme(name) {
  if (name) document.documentElement.dataset.theme = name;
  timeline.refresh();
}

listen(timeline, { seek, drag, jump: (time) => player.seek(time) });
for (const button of document.querySelectorAll("[data-edit]")) {
  button.addEventListener("click", () => EDITS[button.dataset.edit]());
}
const CLICKS = { play, click: toggleClick, half: toggleHalf, loop: toggleLoop, tap,
  undo: () => step("undo"), redo: () => step("redo"),
  in: () => timeline.zoom(1.5, player.time), out: () => timeline.zoom(1 / 1.5, player.time),
  similar,
  add: () => $("files").click(), "help-open": () => $("help").showModal(),
  key: () => relabel("key", 0, state.track.key ?? "", "Such as A minor, Eb major or 8A."),
  again: async () => {
    const found = await attempt(() => post(`/v1/tracks/${state.track.id}/analysis`, {
      tasks: ["beats", "tempo", "chords", "key", "sections", "tags"].filter((task) => state.track.tasks.includes(task)),
    }));
    if (found?.job) { say("Analyzing again; corrections stay"); watch(found.job, true); }
  },
  remove: async () => {
    if ((await ask("Remove this track?", "Type remove", "")) !== "remove") return;
    await attempt(() => call("DELETE", `/v1/tracks/${state.track.id}`));
    location.assign("/");
  },
  theme: () => {
    const next = document.documentElement.dataset.theme === "light" ? "dark" : "light";
    localStorage.setItem("theme", next);
    theme(next);
  },
};
for (const [id, work] of Object.entries(CLICKS)) $(id).addEventListener("click", work);
$("files").addEventListener("change", () => { add([...$("files").files]); $("files").value = ""; });
$("filter").addEventListener("input", showList);
$("query").addEventListener("change", () => search($("query").value));
$("tempo").addEventListener("change", () => {
  const bpm = Number($("tempo").value.replace(",", "."));
  if (bpm > 0) grid({ op: "set_bpm", bpm }, `${bpm} bpm`);
  else say("A tempo is a number of beats per minute", true);
});
$("keys").replaceChildren(...KEYS.flatMap(([, sign, text]) => [make("dt", {}, sign), make("dd", {}, text)]));

let depth = 0;
addEventListener("dragenter", () => { depth += 1; $("drop").hidden = false; });
addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) $("drop").hidden = true; });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  $("drop").hidden = true;
  add([...event.dataTransfer.files]);
});

const light = matchMedia("(prefers-color-scheme: light)").matches;
theme(localStorage.getItem("theme") ?? (light ? "light" : "dark"));
const asked = location.hash.slice(1);
if (/^[0-9a-f]{16}$/.test(asked)) await open(asked);
await Promise.all([showExports(), refresh()]);
const health = await attempt(() => get("/v1/health"));
if (health?.library) {
  $("library").hidden = false;
  await search("");
}
