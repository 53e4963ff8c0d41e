// Plays a clip beside its waveform: a click or the arrow keys seek, and a clip can be slowed down.

import { drawRecording, levelsOf } from "./waveform.js";

const SPEEDS = [1, 0.75, 0.5];
const BACK_S = 1;

export class Player {
  /**
   * @param {{root: HTMLElement, play: HTMLButtonElement, waveform: SVGElement, seek: HTMLInputElement,
   *   clock: HTMLElement, slower: HTMLElement}} parts `seek` is a range from 0 to 1 that lies over the waveform.
   * @param {() => void} onheard Called now and then while it plays.
   */
  constructor(parts, onheard) {
    this.parts = parts;
    this.audio = new Audio();
    this.speed = 0;
    this.heard = false; // whether half of this clip was reached
    const show = () => this.#show();
    for (const event of ["play", "pause", "ended", "loadedmetadata", "ratechange", "seeked"]) {
      this.audio.addEventListener(event, show);
    }
    this.audio.addEventListener("timeupdate", () => !this.audio.paused && onheard());
    parts.seek.addEventListener("input", () => {
      this.audio.currentTime = parts.seek.valueAsNumber * this.seconds;
    });
  }

  get seconds() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : 0;
  }

  /** Take up another clip and play it, where the browser lets a page play before anybody touched it. */
  async load(sound) {
    this.unload();
    const url = (this.url = URL.createObjectURL(sound));
    this.audio.src = url;
    this.audio.playbackRate = SPEEDS[this.speed];
    this.play();
    const drawn = await levelsOf(sound);
    if (drawn && url === this.url) drawRecording(this.parts.waveform, drawn.levels, { before: 0, after: 0 });
  }

  unload() {
    this.pause();
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    this.heard = false;
    this.audio.removeAttribute("src");
    this.parts.waveform.replaceChildren();
    this.#show();
  }

  play() {
    this.audio.play().catch(() => this.#show()); // not allowed yet, or the next clip came
  }

  pause() {
    this.audio.pause();
  }

  toggle() {
    if (!this.url) return;
    if (this.audio.paused) this.play();
    else this.pause();
  }

  /** Play the last second again. */
  again() {
    if (!this.url) return;
    this.audio.currentTime = Math.max(0, this.audio.currentTime - BACK_S);
    this.play();
  }

  /** Play slower; after the slowest, at full speed again. */
  slower() {
    this.speed = (this.speed + 1) % SPEEDS.length;
    this.audio.defaultPlaybackRate = this.audio.playbackRate = SPEEDS[this.speed];
    this.#show();
  }

  #show() {
    const { root, play, seek, clock, slower } = this.parts;
    const at = this.audio.currentTime;
    const playing = Boolean(this.url) && !this.audio.paused && !this.audio.ended;
    this.heard ||= Boolean(this.url) && this.seconds > 0 && at >= this.seconds / 2;
    root.classList.toggle("heard", this.heard);
    root.classList.toggle("playing", playing);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    seek.value = this.seconds ? at / this.seconds : 0;
    seek.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${this.seconds.toFixed(1)} seconds`);
    clock.textContent = `${at.toFixed(1)} / ${this.seconds.toFixed(1)} s`;
    slower.textContent = `${SPEEDS[this.speed]}×`;
    if (playing) requestAnimationFrame(() => this.#show());
  }
}
