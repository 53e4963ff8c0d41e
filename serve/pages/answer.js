// Shows what the server answered: what was heard, what was found and why, how long it took.

import { element, notice } from "./elements.js";
import { drawRecording, levelsOf } from "./waveform.js";
import { MATCHES, NO_TRANSCRIPT, NO_TRANSCRIPT_OTHERWISE, STAGES, count, duration, noResults, notSure } from "./words.js";

const $ = (id) => document.getElementById(id);

/**
 * Show an answer in place of the one before.
 * @param {object} answer Of `/v1/search`.
 * @param {object} how
 * @param {boolean} how.spoken Whether it answers a recording.
 * @param {number} how.roundTrip Milliseconds from sending to receiving.
 * @param {(queryId: string, hit: object, rank: number, row: HTMLElement) => void} how.choose A result was clicked.
 * @param {(text: string) => void} how.search Search for a reading that was too uncertain to search with.
 */
export function showAnswer(answer, { spoken, roundTrip, choose, search }) {
  const { transcript, results, sure } = answer;
  const reason = answer.null_reason;
  $("transcript").textContent = spoken && !reason ? transcript.text : "";
  $("nothing").replaceChildren(...nothing(answer, search));
  $("correct-line").hidden = !spoken || reason !== null;
  $("summary").textContent = sure ? summaryOf(results, transcript.text, spoken) : "";
  $("results").replaceChildren(
    ...results.map((hit, index) =>
      resultRow(hit, index + 1, transcript.nbest, (row) => choose(answer.query_id, hit, index + 1, row)),
    ),
  );
  $("timing").replaceChildren(...timing(answer, roundTrip));
  $("answer").hidden = false;
  $("examples").classList.toggle("wanted", !sure);
}

/**
 * Show what has been made out while the person still speaks: words that stay, words that may change, results.
 * @param {{stable: string, tentative: string, results: object[]}} partial
 */
export function showPartial({ stable, tentative, results }) {
  showRecording(null, null);
  const space = stable && tentative ? " " : "";
  const open = element("span", { className: "tentative" }, tentative);
  $("transcript").replaceChildren(stable + space, open);
  $("nothing").replaceChildren();
  $("correct-line").hidden = true;
  $("summary").textContent = "";
  $("results").replaceChildren(...results.map((hit, index) => resultRow(hit, index + 1, [], () => {})));
  $("timing").replaceChildren();
  $("answer").hidden = false;
}

let playing = null; // the Audio of the recording on show
let shown = 0; // which recording is on show, for decoding that comes too late

/** Take away the answer on show. */
export function hideAnswer() {
  $("answer").hidden = true;
  showRecording(null, null);
}

/**
 * Show a recording: its waveform with what was cut as silence, and a button to hear it.
 * @param {Blob | null} recording Null hides what was there.
 * @param {object | null} conditioning What the server did to it.
 */
export async function showRecording(recording, conditioning) {
  const mine = (shown += 1);
  $("recording").hidden = true;
  if (playing) {
    playing.pause();
    URL.revokeObjectURL(playing.src);
    playing = null;
  }
  if (!recording || !conditioning) return;
  const sound = await levelsOf(recording);
  if (!sound || mine !== shown) return;
  const { cut_before_ms: before, cut_after_ms: after } = conditioning;
  const whole = sound.seconds * 1000;
  drawRecording($("waveform"), sound.levels, { before: before / whole, after: after / whole });
  $("recording-facts").textContent = factsOf(conditioning);
  playing = new Audio(URL.createObjectURL(recording));
  $("play").onclick = () => (playing.paused ? playing.play() : playing.pause());
  const label = () => {
    $("recording").classList.toggle("playing", !playing.paused);
    $("play").setAttribute("aria-label", playing.paused ? "Play the recording" : "Pause");
  };
  for (const event of ["play", "pause", "ended"]) playing.addEventListener(event, label);
  label();
  $("recording").hidden = false;
}

function factsOf(conditioning) {
  const cut = conditioning.cut_before_ms + conditioning.cut_after_ms;
  const gain = conditioning.gain_db;
  const facts = [`${conditioning.seconds.toFixed(1)} s recorded`];
  if (cut >= 50) facts.push(`${(cut / 1000).toFixed(1)} s of silence cut`);
  if (Math.abs(gain) >= 0.5) facts.push(`made ${Math.abs(gain).toFixed(0)} dB ${gain > 0 ? "louder" : "quieter"}`);
  return facts.join(" · ");
}

function summaryOf(results, text, spoken) {
  return spoken ? count(results.length, "result") : `${count(results.length, "result")} for “${text}”`;
}

/** Why there is nothing to see, or nothing that is sure, and what to do; no element where there are sure results. */
function nothing({ transcript, results, sure, null_reason: reason }, search) {
  if (sure) return [];
  if (!reason) return [notice(results.length ? notSure(transcript.text) : noResults(transcript.text))];
  const words = NO_TRANSCRIPT[reason] ?? NO_TRANSCRIPT_OTHERWISE;
  const guess = reason === "low_confidence" ? transcript.nbest[0]?.text.trim() : "";
  if (!guess) return [notice(words)];
  const label = `Search for “${guess}”`;
  return [notice(words, element("button", { type: "button", className: "textual", onclick: () => search(guess) }, label))];
}

function resultRow(hit, rank, nbest, choose) {
  const matched = new Set(hit.matched.flatMap((word) => fold(word).match(WORD) ?? []));
  const name = `title-${rank}`;
  const title = titleOf(hit, matched, name);
  const row = element("li", { className: "result" }, title, fieldList(hit, matched), matchLine(hit, nbest));
  title.addEventListener("click", () => choose(row));
  return row;
}

/** The whole time in words; of a recording also its stages, as a bar and as a list. */
function timing({ timings_ms: timings, release, reason }, roundTrip) {
  const after = reason ? "after the end of the speech" : "on the server"; // a stream's stages were begun before
  const whole = `${duration(timings.total)} ${after}, ${duration(roundTrip)} with the way there and back · ${release}`;
  const stages = Object.keys(STAGES).filter((stage) => timings[stage] >= 0.05);
  if (stages.length < 2) return [element("p", {}, whole)];
  const bar = element("div", { className: "stages", "aria-hidden": "true" });
  const legend = element("ul", { className: "legend" });
  for (const stage of stages) {
    const part = element("span", { className: `stage ${stage}` });
    part.style.flexGrow = timings[stage];
    bar.append(part);
    const key = element("span", { className: `key ${stage}`, "aria-hidden": "true" });
    legend.append(element("li", {}, key, `${STAGES[stage]} ${duration(timings[stage])}`));
  }
  return [bar, legend, element("p", {}, whole)];
}

function titleOf(hit, matched, id) {
  const words = highlighted(hit.title, matched);
  const href = linkOf(hit);
  if (href) return element("a", { className: "title", id, href, target: "_blank", rel: "noopener" }, ...words);
  return element("button", { className: "title", id, type: "button" }, ...words);
}

/** An item's own page, where the catalogue shows a field that is one. */
function linkOf(hit) {
  const value = hit.fields.url ?? "";
  return /^https?:\/\//i.test(value) ? value : null;
}

function fieldList(hit, matched) {
  const list = element("dl", { className: "fields" });
  for (const [name, value] of Object.entries(hit.fields)) {
    if (!value || name === "url") continue;
    const term = element("dt", { className: "visually-hidden" }, name.replaceAll("_", " "));
    list.append(element("div", { title: name }, term, element("dd", {}, ...highlighted(value, matched))));
  }
  return list;
}

function matchLine(hit, nbest) {
  const line = element("p", { className: "how" });
  line.append(element("span", { className: `match ${hit.match}` }, MATCHES[hit.match] ?? hit.match));
  const reading = hit.hypothesis > 0 ? nbest[hit.hypothesis]?.text : null;
  if (reading) line.append(element("span", { className: "reading" }, `heard as “${reading}”`));
  return line;
}

const WORD = /[\p{L}\p{N}]+/gu;
const WRITTEN_WORD = /[\p{L}\p{N}\p{M}'’]+/gu;

/** Lower case without accents and apostrophes, so that “Léon’s” and “leons” are one word. */
function fold(text) {
  return text.normalize("NFD").replace(/[\p{M}'’]/gu, "").toLowerCase();
}

/** A text's pieces; neighbouring words that matched share one <mark>. */
function highlighted(text, matched) {
  const spans = [];
  for (const found of text.matchAll(WRITTEN_WORD)) {
    if (!matched.has(fold(found[0]))) continue;
    const [start, end] = [found.index, found.index + found[0].length];
    const last = spans.at(-1);
    if (last && /^\s+$/.test(text.slice(last.end, start))) last.end = end;
    else spans.push({ start, end });
  }
  const pieces = [];
  let done = 0;
  for (const { start, end } of spans) {
    pieces.push(text.slice(done, start), element("mark", {}, text.slice(start, end)));
    done = end;
  }
  return [...pieces, text.slice(done)];
}
