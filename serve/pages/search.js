// The search page: what happens when someone speaks, types, drops a file or chooses a result.

import { hideAnswer, showAnswer, showRecording } from "./answer.js";
import { describeCatalogue, searchAudio, searchText, sendClick, sendCorrection } from "./client.js";
import { element } from "./elements.js";
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
}

async function stopSpeaking() {
  if (state === "starting") letGo = true;
  if (state !== "listening") return;
  enter("finishing");
  const recording = await recorder.stop();
  ask((signal) => searchAudio(recording, { consent: $("consent").checked, signal }), recording);
}

function discard() {
  letGo = true;
  if (state !== "listening") return;
  recorder.discard();
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
    const status = !heard && seconds > UNHEARD_AFTER_S ? STATUS.unheard : STATUS.listening;
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
  ask((signal) => searchText(text, { signal }));
}

function forgetTyping() {
  clearTimeout(debounce);
  correcting = null;
}

function searchFile(file) {
  forgetTyping();
  ask((signal) => searchAudio(file, { consent: $("consent").checked, name: file.name, signal }), file);
}

// --- asking and answering ------------------------------------------------------------------------------------------

/** Send a query; a newer one takes its place. `recording` is null for typed text. */
async function ask(send, recording = null) {
  pending?.abort();
  const mine = (pending = new AbortController());
  enter("working");
  const sentAt = performance.now();
  try {
    const answer = await send(mine.signal);
    if (mine.signal.aborted) return;
    clearNotice();
    document.body.dataset.view = "answer";
    showAnswer(answer, { spoken: recording !== null, roundTrip: performance.now() - sentAt, choose, search: searchFor });
    showRecording(recording, answer.conditioning);
    if (recording) $("query").value = "";
    $("correct").onclick = () => startCorrecting(answer);
  } catch (error) {
    if (mine.signal.aborted) return;
    hideAnswer();
    showFailure(error, () => ask(send, recording));
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
  ask((signal) => searchText(text, { signal }));
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
  onPress($("speak"), {
    start: startSpeaking,
    stop: stopSpeaking,
    isActive: () => state === "starting" || state === "listening",
  });
  recorder.onlost = stopSpeaking;

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
  wireDrop();
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

function wireDrop() {
  let depth = 0; // enter and leave also come from the elements inside
  const show = (change) => {
    depth = Math.max(0, depth + change);
    $("drop").hidden = depth === 0;
  };
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragenter", (event) => isFile(event) && show(+1));
  window.addEventListener("dragleave", (event) => isFile(event) && show(-1));
  window.addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    show(-depth);
    if (event.dataTransfer.files.length) searchFile(event.dataTransfer.files[0]);
  });
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
