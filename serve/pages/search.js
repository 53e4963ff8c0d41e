// The search page: what happens when someone speaks, types, drops a file or chooses a result.

import { hideAnswer, showAnswer, showPartial, showRecording } from "./answer.js";
import { describeCatalogue, searchAudio, searchText, sendClick, sendCorrection } from "./client.js";
import { onDrop } from "./drop.js";
import { element } from "./elements.js";
import { LiveSearch, answerTo } from "./live.js";
import { clearNotice, showFailure, showNotice } from "./notices.js";
import { onPress } from "./press.js";
import { MicrophoneError, Recorder, standingProblem, watchPermission } from "./recorder.js";
import { drawLevels } from "./waveform.js";
import { HINT, HINT_WITHOUT_MICROPHONE, NO_MICROPHONE, STATUS, count } from "./words.js";

const LONGEST_S = 29; // the recogniser hears at most 30 s
const UNHEARD_AFTER_S = 1.5;
const HEARD_LEVEL = 0.05;
const DEBOUNCE_MS = 300;
const SHORTEST_TYPED = 2;

const $ = (id) => document.getElementById(id);
const recorder = new Recorder();
const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");

let state = "ready"; // then "starting", "listening", "finishing" (the last sound comes in), "working"
let letGo = false; // the press ended before the microphone was open
let press = null; // how the button is pressed
let live = null; // the LiveSearch of what is being said, null where it is only recorded
let pending = null; // AbortController of the request under way
let correcting = null; // query id of the recording whose words are being typed
let debounce = 0;

// --- state ---------------------------------------------------------------------------------------------------------

function enter(next, status = STATUS[next]) {
  state = next;
  document.body.dataset.state = next;
  const listening = next === "listening";
  $("level").hidden = !listening;
  $("speak").style.setProperty("--level", "0");
  $("typed").hidden = listening;
  $("answer").setAttribute("aria-busy", String(next === "working"));
  $("speak-label").textContent = listening ? "Stop and search" : "Start speaking";
  $("status").textContent = status;
}

// --- speaking ------------------------------------------------------------------------------------------------------

async function startSpeaking() {
  if (state === "finishing") return;
  forgetTyping();
  pending?.abort();
  pending = null;
  letGo = false;
  enter("starting");
  const mine = new LiveSearch(recorder, {
    consent: $("consent").checked,
    onPartial: (partial) => mine === live && state === "listening" && showLive(partial),
    onEndpoint: () => mine === live && stopSpeaking({ over: true }),
  });
  const pressedAt = performance.now();
  try {
    await recorder.start();
  } catch (error) {
    enter("ready");
    if (!(error instanceof MicrophoneError)) throw error;
    showNotice(NO_MICROPHONE[error.reason]);
    return;
  }
  clearNotice();
  if (letGo) {
    recorder.discard();
    enter("ready", STATUS.opened);
    return;
  }
  enter("listening");
  followLevel();
  live = recorder.streams ? mine : null;
  // by then it is known whether the button is held, and with it who says when the utterance is over
  setTimeout(() => mine === live && live.open({ endpoint: !press.isDown() }), pressedAt + press.HOLD_MS - performance.now());
}

/** End the utterance; `over` where the server found that it is, and the last sound is not waited for. */
async function stopSpeaking({ over = false } = {}) {
  if (state === "starting") letGo = true;
  if (state !== "listening") return;
  enter("finishing");
  const [spoken, recorded] = [live, recorder.stop()];
  live = null;
  if (!over) await recorded;
  ask((signal) => answerTo(spoken, recorded, { consent: $("consent").checked, signal }));
}

function showLive(partial) {
  document.body.dataset.view = "answer";
  document.body.dataset.live = "";
  $("heard").setAttribute("aria-live", "off"); // what is read out is the final words
  $("results").inert = true;
  showPartial(partial);
}

function endLive() {
  delete document.body.dataset.live;
  $("heard").setAttribute("aria-live", "polite");
  $("results").inert = false;
}

function discard() {
  letGo = true;
  if (state !== "listening") return;
  recorder.discard();
  live?.cancel();
  live = null;
  if ("live" in document.body.dataset) hideAnswer();
  endLive();
  enter("ready", STATUS.discarded);
}

/** Draw the level for as long as the microphone is open; stop by itself before the server would refuse the length. */
function followLevel() {
  const levels = [];
  const step = () => (stillness.matches ? 0.25 : 0.05);
  let heard = false;
  const frame = () => {
    if (state !== "listening") return;
    const { level, seconds } = recorder;
    heard ||= level > HEARD_LEVEL;
    if (seconds >= levels.length * step()) {
      levels.push(level);
      drawLevels($("meter"), levels);
      $("meter").setAttribute("aria-valuenow", String(Math.round(100 * level)));
      $("speak").style.setProperty("--level", level.toFixed(3));
      $("clock").textContent = `${seconds.toFixed(1)} s`;
    }
    const hint = live?.endsByItself ? STATUS.noticing : STATUS.listening;
    const status = !heard && seconds > UNHEARD_AFTER_S ? STATUS.unheard : hint;
    if ($("status").textContent !== status) $("status").textContent = status;
    if (seconds > LONGEST_S) stopSpeaking();
    else requestAnimationFrame(frame);
  };
  drawLevels($("meter"), levels);
  requestAnimationFrame(frame);
}

// --- typing and files ----------------------------------------------------------------------------------------------

function searchTyped({ submitted = false } = {}) {
  clearTimeout(debounce);
  const text = $("query").value.trim();
  if (!text) return;
  if (submitted && correcting) {
    sendCorrection(correcting, text).catch(showFailure);
    correcting = null;
  }
  ask((signal) => typed(text, signal));
}

async function typed(text, signal) {
  return { answer: await searchText(text, { signal }), recording: null };
}

function forgetTyping() {
  clearTimeout(debounce);
  correcting = null;
}

function searchFile(file) {
  forgetTyping();
  const options = { consent: $("consent").checked, name: file.name };
  ask(async (signal) => ({ answer: await searchAudio(file, { ...options, signal }), recording: file }));
}

// --- asking and answering ------------------------------------------------------------------------------------------

/** Send a query; a newer one takes its place. What it gives has an `answer`, and a `recording`, null for typed text. */
async function ask(send) {
  pending?.abort();
  const mine = (pending = new AbortController());
  enter("working");
  const sentAt = performance.now();
  try {
    const { answer, recording } = await send(mine.signal);
    if (mine.signal.aborted) return;
    clearNotice();
    endLive();
    document.body.dataset.view = "answer";
    showAnswer(answer, { spoken: recording !== null, roundTrip: performance.now() - sentAt, choose, search: searchFor });
    showRecording(recording, answer.conditioning);
    if (recording) $("query").value = "";
    $("correct").onclick = () => startCorrecting(answer);
  } catch (error) {
    if (mine.signal.aborted) return;
    endLive();
    hideAnswer();
    showFailure(error, () => ask(send));
  } finally {
    if (pending === mine) {
      pending = null;
      enter("ready");
    }
  }
}

function searchFor(text) {
  forgetTyping();
  $("query").value = text;
  ask((signal) => typed(text, signal));
}

function startCorrecting(answer) {
  correcting = answer.query_id;
  $("query").value = answer.transcript.text;
  $("query").focus();
  $("query").select();
  $("status").textContent = STATUS.correcting;
}

async function choose(queryId, hit, rank, row) {
  try {
    await sendClick(queryId, hit.id, rank);
    row.classList.add("chosen");
    if (!row.querySelector(".noted")) row.querySelector(".how").append(element("span", { className: "noted" }, "Choice recorded"));
    $("announcement").textContent = `Choice recorded: ${hit.title}, number ${rank}.`;
  } catch (error) {
    showFailure(error, () => choose(queryId, hit, rank, row));
  }
}

async function greet() {
  const { name, items, examples } = await describeCatalogue();
  $("catalogue").textContent = `${name} · ${count(items, "item")}`;
  document.title = `Voice search · ${name}`;
  const chip = (text) => element("button", { type: "button", className: "chip", onclick: () => searchFor(text) }, text);
  $("examples").querySelector("ul").replaceChildren(...examples.map((text) => element("li", {}, chip(text))));
  $("examples").hidden = examples.length === 0;
}

// --- wiring --------------------------------------------------------------------------------------------------------

function wire() {
  press = onPress($("speak"), {
    start: startSpeaking,
    stop: () => stopSpeaking(),
    isActive: () => state === "starting" || state === "listening",
  });
  recorder.onlost = () => stopSpeaking();

  $("query").addEventListener("input", () => {
    clearTimeout(debounce);
    if ($("query").value.trim().length >= SHORTEST_TYPED) debounce = setTimeout(() => searchTyped(), DEBOUNCE_MS);
  });
  $("typed").addEventListener("submit", (event) => {
    event.preventDefault();
    searchTyped({ submitted: true });
  });
  $("file").addEventListener("change", () => {
    if ($("file").files.length) searchFile($("file").files[0]);
    $("file").value = ""; // the same file may be chosen again
  });
  document.addEventListener("keydown", onKey);
  onDrop($("drop"), searchFile);
}

/** Esc discards or leaves the field, "/" enters it, the arrows walk the results. */
function onKey(event) {
  const typing = event.target === $("query");
  if (event.key === "Escape") {
    discard();
    if (typing) $("query").blur();
  } else if (event.key === "/" && !typing) {
    event.preventDefault();
    $("query").focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const stops = [$("query"), ...document.querySelectorAll(".title")];
    const next = stops[stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!stops.includes(event.target) || !next) return;
    event.preventDefault();
    next.focus();
  }
}

/** Say at once what keeps this page from listening. */
function checkMicrophone() {
  const problem = standingProblem();
  $("hint").textContent = problem ? HINT_WITHOUT_MICROPHONE : HINT;
  $("speak").setAttribute("aria-disabled", String(problem !== null));
  if (problem) showNotice(NO_MICROPHONE[problem]);
  else watchPermission((isDenied) => (isDenied ? showNotice(NO_MICROPHONE.denied) : clearNotice()));
}

enter("ready");
wire();
checkMicrophone();
greet().catch(showFailure);
