// The review page: one clip after the other, from the lease to the label.

import { choicesOf, showChoices, showReason } from "./clip.js";
import { element, notice } from "./elements.js";
import { showConvention, showKeys } from "./help.js";
import { onKeys } from "./keys.js";
import { readDraft, readLease, readName, writeDraft, writeLease, writeName } from "./memory.js";
import { clearNotice, showFailure, showNotice } from "./notices.js";
import { Player } from "./player.js";
import { showKept, showProgress } from "./progress.js";
import { fetchSound, giveBack, keepLabel, readConvention, renew, skipClip, takeNext } from "./review-client.js";
import { LOST, STATUS, TOUCH, keptBefore, nothingNow, unheard } from "./review-words.js";
import { Transcript } from "./transcript.js";

const RENEW_EVERY_MS = 60_000; // a lease lasts several times as long
const LOOK_AGAIN_MS = 10_000;
const LONGEST_S = 86_400; // more is not time spent on a clip

const $ = (id) => document.getElementById(id);
const field = $("text");

let person = "";
let held = null; // the clip on the page
let upcoming = null; // the turn to go on with, once the clip on the page is lost
let busy = false; // a label is on its way
let shownAt = 0;
let renewedAt = 0;
let insisted = null; // a text whose broken rules were pointed out already
let lookTimer = 0;

const transcript = new Transcript(field, onText);
const player = new Player(
  { root: $("player"), play: $("play"), waveform: $("waveform"), seek: $("seek"), clock: $("clock"), slower: $("speed") },
  stayActive,
);

// --- one clip after the other ---------------------------------------------------------------------------------------

async function goOn() {
  clearTimeout(lookTimer);
  try {
    show(await takeNext(person));
  } catch (error) {
    showFailure(error, goOn);
    lookTimer = setTimeout(goOn, LOOK_AGAIN_MS);
  }
}

function show(turn) {
  clearTimeout(lookTimer);
  const same = turn.held && held && turn.held.clip === held.clip;
  held = turn.held;
  writeLease(held?.lease ?? null);
  upcoming = null;
  renewedAt = Date.now();
  showProgress(turn.progress, held !== null);
  if (same) return;
  clearNotice();
  player.unload();
  document.body.dataset.view = held ? "work" : "rest";
  $("work").hidden = !held;
  $("rest").hidden = Boolean(held);
  if (held) showClip();
  else showRest(turn);
}

function showClip() {
  shownAt = performance.now();
  insisted = null;
  showReason(held);
  const draft = readDraft(held.clip);
  write(draft ?? held.text, draft === null ? "" : STATUS.draft);
  if (choicesOf(held).length || TOUCH) $("work").focus({ preventScroll: true });
  else field.focus();
  playClip(held.lease);
}

async function playClip(lease) {
  try {
    const sound = await fetchSound(lease);
    if (held?.lease === lease) await player.load(sound);
  } catch (error) {
    if (held?.lease !== lease) return;
    const again = element("button", { type: "button", className: "textual", onclick: () => playClip(lease) }, "Try again");
    showNotice(unheard(error.message), ...(error.mayPass ? [again] : []));
  }
}

function showRest(turn) {
  const look = element("button", { type: "button", className: "textual", onclick: goOn }, "Look again");
  const shown = notice(nothingNow(turn), look);
  if (shown.textContent !== $("rest").textContent) $("rest").replaceChildren(shown); // what is new is read out
  lookTimer = setTimeout(goOn, LOOK_AGAIN_MS);
}

// --- the text -------------------------------------------------------------------------------------------------------

/** The text changed: it is kept in this browser, and compared. */
function onText(text) {
  if (!held) return;
  writeDraft(held.clip, text === held.text ? null : text);
  $("status").textContent = "";
  showChoices(choicesOf(held), text, take);
}

function write(text, status) {
  transcript.write(text);
  $("status").textContent = status;
}

async function mend() {
  if (!held || upcoming) return;
  try {
    const { fixed } = await transcript.check();
    if (fixed !== transcript.text) write(fixed, STATUS.mended);
  } catch (error) {
    if (error.name !== "AbortError") showFailure(error, mend);
  }
}

function take(text) {
  if (held && !upcoming) transcript.write(text);
}

// --- the label ------------------------------------------------------------------------------------------------------

async function submit() {
  if (upcoming) return goOn();
  if (!held || busy) return;
  const { text } = transcript;
  if (!text || !player.heard) {
    $("status").textContent = text ? STATUS.unheard : STATUS.empty; // a second Enter must not keep the next clip's text
    return;
  }
  try {
    const { fixed, violations } = await transcript.check();
    if (fixed !== text) return write(fixed, STATUS.mended);
    if (violations.length && insisted !== text) {
      insisted = text;
      $("status").textContent = STATUS.doubts;
      return;
    }
  } catch (error) {
    if (error.name !== "AbortError") showFailure(error, submit);
    return;
  }
  await settle(text);
}

/** Keep a label; without a text, skip the clip. */
async function settle(text) {
  if (!held || busy || upcoming) return;
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  const { clip, lease } = held;
  try {
    const seconds = Math.min((performance.now() - shownAt) / 1000, LONGEST_S);
    const label = await (text === null ? skipClip(lease) : keepLabel(lease, text, seconds));
    writeDraft(clip, null);
    held = null;
    showKept(label);
    await goOn();
    if (text !== null && label.text !== text) showNotice(keptBefore(label.text));
  } catch (error) {
    const again = () => settle(text);
    if (error.status !== 404) showFailure(error, again);
    else if (await isStillMine()) setTimeout(again);
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

// --- the lease ------------------------------------------------------------------------------------------------------

/** Somebody is working: the lease begins anew now and then. It runs out under who leaves the page open and goes. */
async function stayActive() {
  if (!held || busy || upcoming || Date.now() - renewedAt < RENEW_EVERY_MS) return;
  renewedAt = Date.now();
  const mine = held;
  try {
    await renew(mine.lease);
  } catch (error) {
    if (held !== mine) return; // its label was kept meanwhile
    if (error.status === 404) await isStillMine();
    else showFailure(error);
  }
}

/** The lease has ended. Where the clip is free it is leased again and all goes on; else say that it is lost. */
async function isStillMine() {
  const turn = await takeNext(person).catch((error) => showFailure(error, isStillMine));
  if (!turn) return false;
  if (!held || turn.held?.clip === held.clip) {
    show(turn);
    $("status").textContent = STATUS.again;
    return true;
  }
  upcoming = turn;
  player.pause();
  showProgress(turn.progress, turn.held !== null);
  $("status").textContent = "";
  document.body.dataset.view = "lost";
  const next = element("button", { type: "button", className: "textual", onclick: goOn }, "Go on");
  showNotice(LOST, next, element("kbd", { "aria-hidden": "true" }, "Enter"));
  return false;
}

function returnLease() {
  const mine = upcoming ? upcoming.held : held;
  if (mine) giveBack(mine.lease).catch(() => {});
}

// --- who is listening -----------------------------------------------------------------------------------------------

function introduce() {
  document.body.dataset.view = "name";
  for (const id of ["work", "rest", "progress", "kept", "help", "who"]) $(id).hidden = true;
  $("introduction").hidden = false;
  $("name").value = person;
  $("name").focus();
}

async function begin() {
  writeName(person);
  $("introduction").hidden = true;
  $("person").textContent = person;
  $("who").hidden = $("help").hidden = false;
  const left = readLease();
  if (left) await giveBack(left).catch(() => {}); // a page that was reloaded may do so too late, under the new one
  goOn();
}

function leave() {
  returnLease();
  held = upcoming = null;
  clearTimeout(lookTimer);
  player.unload();
  clearNotice();
  introduce();
}

// --- wiring ---------------------------------------------------------------------------------------------------------

const ACTIONS = {
  play: () => player.toggle(),
  again: () => player.again(),
  slower: () => player.slower(),
  mend,
  noise: () => take("[noise]"),
  unintelligible: () => held && !upcoming && transcript.insert("[unintelligible]"),
  skip: () => settle(null),
  keep: submit,
};

const LETTERS = { play: "P", again: "A", slower: "S", mend: "F", noise: "N", unintelligible: "U", skip: "K", keep: "Enter" };

function wire() {
  const keys = { space: ACTIONS.play, e: () => field.focus(), escape: () => $("work").focus({ preventScroll: true }) };
  for (const [id, action] of Object.entries(ACTIONS)) {
    keys[LETTERS[id].toLowerCase()] = action;
    $(id).addEventListener("click", action);
    if (id !== "play") $(id).append(element("kbd", { "aria-hidden": "true" }, LETTERS[id]));
  }
  for (const key of "012345") {
    keys[key] = () => {
      const choice = held && choicesOf(held).find((offered) => offered.key === key);
      if (choice) take(choice.text);
    };
  }
  onKeys(keys, () => ["work", "lost"].includes(document.body.dataset.view));

  for (const [event, typing] of [["focus", "true"], ["blur", "false"]]) {
    field.addEventListener(event, () => (document.body.dataset.typing = typing));
  }
  for (const event of ["keydown", "pointerdown"]) document.addEventListener(event, stayActive);
  document.addEventListener("visibilitychange", () => document.hidden || stayActive());
  window.addEventListener("pagehide", returnLease);
  window.addEventListener("pageshow", (event) => event.persisted && person && begin());

  $("introduction").addEventListener("submit", (event) => {
    event.preventDefault();
    person = $("name").value.trim();
    if (person) begin();
  });
  $("leave").addEventListener("click", leave);
  showKeys();
}

wire();
readConvention().then(showConvention).catch(showFailure);
person = readName();
if (person) begin();
else introduce();
