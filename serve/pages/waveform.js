// Draws sound: bars while it comes in, the whole recording afterwards with the silence that was cut.
// SVG, so that the style sheet colours it and it stretches to any width.

const SVG = "http://www.w3.org/2000/svg";
const BARS = 96;
const HEIGHT = 100;

/**
 * Draw levels, the newest at the right.
 * @param {SVGElement} svg
 * @param {number[]} levels Oldest first, each 0 to 1; the last 96 are drawn.
 */
export function drawLevels(svg, levels) {
  const recent = levels.slice(-BARS);
  const missing = BARS - recent.length;
  svg.setAttribute("viewBox", `0 0 ${BARS} ${HEIGHT}`);
  svg.replaceChildren(bars(recent.map((level, index) => [index + missing, level]), "kept"));
}

/**
 * Draw a recording.
 * @param {SVGElement} svg
 * @param {number[]} levels What `levelsOf` gave.
 * @param {{before: number, after: number}} cut Shares of the recording that were cut as silence, 0 to 1.
 */
export function drawRecording(svg, levels, { before, after }) {
  const isCut = (index) => index + 1 <= before * BARS || index >= (1 - after) * BARS;
  const all = levels.map((level, index) => [index, level]);
  svg.setAttribute("viewBox", `0 0 ${BARS} ${HEIGHT}`);
  svg.replaceChildren(
    shade(0, before),
    shade(1 - after, 1),
    bars(all.filter(([index]) => isCut(index)), "cut"),
    bars(all.filter(([index]) => !isCut(index)), "kept"),
  );
}

/**
 * Decode a recording to what is drawn of it.
 * @param {Blob} recording
 * @returns {Promise<{levels: number[], seconds: number} | null>} Null where this browser cannot decode it.
 */
export async function levelsOf(recording) {
  try {
    const context = new OfflineAudioContext(1, 1, 16_000);
    const sound = await context.decodeAudioData(await recording.arrayBuffer());
    return { levels: loudness(sound.getChannelData(0)), seconds: sound.duration };
  } catch {
    return null;
  }
}

/** The loudness of each bar's samples, scaled so that the loudest bar is 1; the root shows quiet sound too. */
function loudness(samples) {
  const width = samples.length / BARS;
  const powers = Array.from({ length: BARS }, (_, bar) => {
    const part = samples.subarray(Math.floor(bar * width), Math.floor((bar + 1) * width));
    return part.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, part.length);
  });
  const loudest = Math.max(...powers, 1e-6);
  return powers.map((power) => (power / loudest) ** 0.35);
}

function bars(entries, name) {
  const path = document.createElementNS(SVG, "path");
  const middle = HEIGHT / 2;
  const half = (level) => Math.max(1, level * (middle - 4));
  path.setAttribute("class", name);
  path.setAttribute(
    "d",
    entries.map(([index, level]) => `M${index + 0.5} ${middle - half(level)}V${middle + half(level)}`).join(""),
  );
  return path;
}

function shade(from, to) {
  const rectangle = document.createElementNS(SVG, "rect");
  const set = { class: "shade", x: from * BARS, width: Math.max(0, to - from) * BARS, y: 0, height: HEIGHT };
  for (const [name, value] of Object.entries(set)) rectangle.setAttribute(name, value);
  return rectangle;
}
