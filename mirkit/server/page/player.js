// Playback: the recording, a click track on its beats, loops and half speed.

import { lastBefore } from "./music.js";

const AHEAD = 0.12; // how far ahead clicks are scheduled [s]

export class Player {
  constructor(tick) {
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.audio.preservesPitch = true;
    this.clicks = false;
    this.loop = null;
    this.beats = [];
    this.positions = [];
    this.next = 0;
    this.context = null;
    const frame = () => {
      this.work();
      tick(this.time);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  load(url) {
    this.audio.src = url;
    this.loop = null;
    this.next = 0;
  }

  setBeats(beats, positions) {
    this.beats = beats;
    this.positions = positions;
    this.aim();
  }

  get time() { return this.audio.currentTime; }
  get playing() { return !this.audio.paused; }

  async toggle() {
    this.context ??= new AudioContext();
    await this.context.resume();
    this.aim();
    if (this.playing) this.audio.pause();
    else await this.audio.play();
  }

  seek(time) {
    this.audio.currentTime = Math.max(0, Math.min(time, this.audio.duration || time));
    this.aim();
  }

  set speed(value) { this.audio.playbackRate = value; }

  // The next click is that of the first beat that is still to come.
  aim() { this.next = lastBefore(this.beats, this.time) + 1; }

  work() {
    if (!this.playing) return;
    if (this.loop && this.time >= this.loop.end) this.seek(this.loop.start);
    if (!this.clicks || !this.context) return;
    const rate = this.audio.playbackRate;
    while (this.next < this.beats.length && this.beats[this.next] < this.time + AHEAD * rate) {
      const wait = (this.beats[this.next] - this.time) / rate;
      if (wait > -0.03) this.sound(this.context.currentTime + Math.max(0, wait), this.positions[this.next] === 1);
      this.next += 1;
    }
  }

  sound(at, accented) {
    const tone = this.context.createOscillator();
    const level = this.context.createGain();
    tone.frequency.value = accented ? 1600 : 1000;
    level.gain.setValueAtTime(accented ? 0.5 : 0.3, at);
    level.gain.exponentialRampToValueAtTime(0.001, at + 0.04);
    tone.connect(level).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + 0.05);
  }
}
