// Plays an embedded clip, as it was recorded or as the recogniser gets it: the same samples, cut and amplified.

const SVG = "http://www.w3.org/2000/svg";
const BARS = 240;

class Sound {
  constructor(onmove) {
    this.onmove = onmove;
    this.context = null;
    this.decoded = new Map();
    this.playing = null;
  }

  /** Decode a clip, once. Gives null where there is none or this browser cannot decode it. */
  async load(item) {
    if (item.sound < 0) return null;
    if (!this.decoded.has(item.sound)) {
      if (this.decoded.size > 40) this.decoded.clear();
      const bytes = Uint8Array.from(atob(document.getElementById(`sound-${item.sound}`).textContent), (c) => c.charCodeAt(0));
      const offline = new OfflineAudioContext(1, 1, 48_000);
      this.decoded.set(item.sound, offline.decodeAudioData(bytes.buffer).catch(() => null));
    }
    return this.decoded.get(item.sound);
  }

  async play(item, conditioned, from = 0) {
    this.stop();
    const buffer = await this.load(item);
    if (!buffer) return;
    this.context ??= new AudioContext();
    await this.context.resume();
    const [before, after] = conditioned ? item.cut : [0, 0];
    const start = Math.max(before, from);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    const gain = new GainNode(this.context, { gain: conditioned ? 10 ** (item.gain / 20) : 1 });
    source.connect(gain).connect(this.context.destination);
    const playing = (this.playing = { source, began: this.context.currentTime - start, item, conditioned });
    source.onended = () => {
      if (this.playing === playing) this.playing = null;
      this.onmove(item, null);
    };
    source.start(0, start, Math.max(0, buffer.duration - after - start));
    const move = () => {
      if (this.playing !== playing) return;
      this.onmove(item, (this.context.currentTime - playing.began) / buffer.duration);
      requestAnimationFrame(move);
    };
    move();
  }

  stop() {
    this.playing?.source.stop();
    this.playing = null;
  }
}

/** Draw a clip with what conditioning cuts off it. */
function drawWave(svg, buffer, item) {
  const samples = buffer.getChannelData(0);
  const width = samples.length / BARS;
  const peaks = Array.from({ length: BARS }, (_, bar) => {
    let peak = 0;
    for (let i = Math.floor(bar * width); i < Math.floor((bar + 1) * width); i += 1) peak = Math.max(peak, Math.abs(samples[i]));
    return peak;
  });
  const loudest = Math.max(...peaks, 1e-4);
  const shape = (name, set) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(set)) made.setAttribute(key, value);
    return made;
  };
  const at = (seconds) => Math.min(Math.max(seconds / buffer.duration, 0), 1) * BARS;
  const [start, end] = [at(item.cut[0]), BARS - at(item.cut[1])];
  svg.setAttribute("viewBox", `0 0 ${BARS} 2`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.replaceChildren(
    shape("rect", { class: "cut", x: 0, y: 0, width: start, height: 2 }),
    shape("rect", { class: "cut", x: end, y: 0, width: BARS - end, height: 2 }),
    shape("path", { d: peaks.map((p, x) => `M${x + 0.5} ${1 - Math.max((0.95 * p) / loudest, 0.01)}V${1 + Math.max((0.95 * p) / loudest, 0.01)}`).join("") }),
    shape("line", { class: "trim", x1: start, x2: start, y1: 0, y2: 2 }),
    shape("line", { class: "trim", x1: end, x2: end, y1: 0, y2: 2 }),
  );
}
