// The review page: one clip after the other, from the lease to the label.

import { choicesOf, showChoices, showConvention, showKept, showReason, showViolations } from "./clip.js";
import { element, notice } from "./elements.js";
import { onKeys } from "./keys.js";
import { readDraft, readName, writeDraft, writeName } from "./memory.js";
import { Player } from "./player.js";
import { checkText, fetchSound, giveBack, keepLabel, readConvention, renew, takeNext } from "./review-client.js";
import { KEYS, LOST, STATUS, countsOf, keptBefore, nothingNow, unheard } from "./review-words.js";

const RENEW_EVERY_MS = 60_000; // a lease lasts several times as long
const LOOK_AGAIN_MS = 10_000;
const CHECK_AFTER_MS = 120;

const $ = (id) => document.getElementById(id);
const field = $("text");

let person = "";
let held = null; // the clip on the page
let upcoming = null; // the turn to go on with, once the clip on the page is lost
let busy = false; // a label is on its way
let shownAt = 0;
let renewedAt = 0;
let insisted = null; // a text whose broken rules were pointed out already
let checking = null; // AbortController of the check under way
let checkTimer = 0;
let lookTimer = 0;

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
  }
}

function show(turn) {
  clearTimeout(lookTimer);
  const same = turn.held && held && turn.held.clip === held.clip;
  held = turn.held;
  upcoming = null;
  renewedAt = Date.now();
  showProgress(turn.progress);
  if (same) return;
  player.unload();
  document.body.dataset.view = held ? "work" : "rest";
  $("work").hidden = !held;
  $("rest").hidden = Boolean(held);
  if (held) showClip();
  else showRest(turn);
}

function showClip() {
  clearNotice();
  shownAt = Date.now();
  insisted = null;
  showReason(held);
  const draft = readDraft(held.clip);
  write(draft ?? held.text, draft === null ? "" : STATUS.draft);
  const choices = choicesOf(held);
  if (choices.length || touch()) $("work").focus({ preventScroll: true });
  else field.focus();
  playClip(held.lease);
}

async function playClip(lease) {
  try {
    const sound = await fetchSound(lease);
    if (held?.lease === lease) await player.load(sound);
  } catch (error) {
    if (held?.lease !== lease) return;
    if (error.status === 404 && (await hasEnded(lease))) return (await isStillMine()) && playClip(held.lease);
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

function showProgress(progress) {
  $("counts").textContent = countsOf(progress, held ? 1 : 0);
  const { done, leased, waiting } = progress;
  for (const [name, share] of Object.entries({ done, held: leased, waiting })) {
    $("progress").querySelector(`.${name}`).style.flexGrow = share;
  }
  $("progress").hidden = false;
  $("kept-title").textContent = ["Labels", ...progress.people.map(([name, labels]) => `${name} ${labels}`)].join(" · ");
}

// --- the text -------------------------------------------------------------------------------------------------------

function write(text, status = "") {
  field.value = text;
  edited(status);
}

/** The text changed: it is kept in this browser, compared and checked. */
function edited(status = "") {
  const text = tidy();
  writeDraft(held.clip, text === held.text ? null : text);
  $("status").textContent = status;
  showChoices(choicesOf(held), text, take);
  clearTimeout(checkTimer);
  checkTimer = setTimeout(() => check().catch(() => {}), CHECK_AFTER_MS); // keeping the label checks once more
}

function tidy() {
  return field.value.replace(/\s+/g, " ").trim();
}

async function check() {
  clearTimeout(checkTimer);
  checking?.abort();
  const mine = (checking = new AbortController());
  const checked = await checkText(tidy(), mine.signal);
  showViolations(tidy() ? checked.violations : []);
  return checked;
}

async function mend() {
  try {
    const { fixed } = await check();
    if (fixed !== tidy()) write(fixed, STATUS.mended);
  } catch (error) {
    if (error.name !== "AbortError") showFailure(error, mend);
  }
}

function take(text) {
  if (!held || upcoming) return;
  write(text);
  stayActive();
}

/** Put a tag where the cursor is; over the whole text where nobody is writing. */
function writeTag(tag) {
  if (document.activeElement !== field) return take(tag);
  const { selectionStart: start, selectionEnd: end, value } = field;
  const before = value.slice(0, start).trimEnd();
  const after = value.slice(end).trimStart();
  write([before, tag, after].filter(Boolean).join(" "));
  const cursor = (before ? before.length + 1 : 0) + tag.length;
  field.setSelectionRange(cursor, cursor);
}

// --- the label ------------------------------------------------------------------------------------------------------

async function submit() {
  if (upcoming) return show(upcoming);
  if (!held || busy) return;
  const text = tidy();
  if (!text) {
    $("status").textContent = STATUS.empty;
    return;
  }
  try {
    const { fixed, violations } = await check();
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
  await keep(text, text === held.text ? "confirmed" : "corrected");
}

async function keep(text, verdict) {
  if (!held || busy || upcoming) return;
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  const { clip, lease } = held;
  try {
    const label = await keepLabel(lease, { text, verdict, seconds: (Date.now() - shownAt) / 1000 });
    writeDraft(clip, null);
    held = null;
    showKept(label);
    await goOn();
    if (label.text !== text) showNotice(keptBefore(label.text));
  } catch (error) {
    const again = () => keep(text, verdict);
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
  try {
    held = await renew(held.lease);
  } catch (error) {
    if (error.status === 404) await isStillMine();
    else showFailure(error);
  }
}

/** The lease has ended. Where the clip is free it is leased again and all goes on; else say that it is lost. */
async function isStillMine() {
  const turn = await takeNext(person).catch((error) => showFailure(error, isStillMine));
  if (!turn) return false;
  if (turn.held?.clip === held.clip) {
    show(turn);
    $("status").textContent = STATUS.again;
    return true;
  }
  upcoming = turn;
  document.body.dataset.view = "lost";
  const next = element("button", { type: "button", className: "textual", onclick: () => show(upcoming) }, "Go on");
  showNotice(LOST, next);
  return false;
}

/** Whether a clip that was not found went with its lease: a page that was reloaded may return it late. */
function hasEnded(lease) {
  return renew(lease).then(() => false, (error) => error.status === 404);
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

function begin() {
  writeName(person);
  $("introduction").hidden = true;
  $("person").textContent = person;
  $("who").hidden = $("help").hidden = false;
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

// --- notices --------------------------------------------------------------------------------------------------------

function showNotice(...args) {
  $("notices").replaceChildren(notice(...args));
}

function clearNotice() {
  $("notices").replaceChildren();
}

function showFailure(error, again = null) {
  const retry = () => {
    clearNotice();
    again();
  };
  const button = element("button", { type: "button", className: "textual", onclick: retry }, "Try again");
  const reference = error.requestId ? `Request ${error.requestId}` : "";
  showNotice({ title: error.message, after: reference }, ...(again && error.mayPass ? [button] : []));
}

// --- wiring ---------------------------------------------------------------------------------------------------------

const touch = () => window.matchMedia("(hover: none)").matches;

const ACTIONS = {
  play: () => player.toggle(),
  again: () => player.again(),
  slower: () => player.slower(),
  mend,
  noise: () => take("[noise]"),
  unintelligible: () => writeTag("[unintelligible]"),
  skip: () => keep("", "skipped"),
  keep: submit,
};

const LETTERS = { play: "p", again: "a", slower: "s", mend: "f", noise: "n", unintelligible: "u", skip: "k", keep: "enter" };

function wire() {
  const keys = { space: ACTIONS.play, e: () => field.focus(), escape: () => $("work").focus() };
  for (const [id, action] of Object.entries(ACTIONS)) {
    keys[LETTERS[id]] = action;
    $(id).addEventListener("click", action);
    if (id !== "play") $(id).append(" ", element("kbd", { "aria-hidden": "true" }, LETTERS[id].replace(/^./, (c) => c.toUpperCase())));
  }
  for (const key of "012345") {
    keys[key] = () => {
      const choice = held && choicesOf(held).find((offered) => offered.key === key);
      if (choice) take(choice.text);
    };
  }
  onKeys(keys, () => ["work", "lost"].includes(document.body.dataset.view));

  field.addEventListener("input", () => edited());
  for (const [event, typing] of [["focus", "true"], ["blur", "false"]]) {
    field.addEventListener(event, () => (document.body.dataset.typing = typing));
  }
  for (const event of ["keydown", "pointerdown"]) document.addEventListener(event, stayActive);
  document.addEventListener("visibilitychange", () => document.hidden || stayActive());
  window.addEventListener("pagehide", returnLease);
  window.addEventListener("pageshow", (event) => event.persisted && person && goOn());

  $("introduction").addEventListener("submit", (event) => {
    event.preventDefault();
    person = $("name").value.trim();
    if (person) begin();
  });
  $("leave").addEventListener("click", leave);
  $("keys").replaceChildren(
    ...KEYS.map(([key, what]) => element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, what))),
  );
}

wire();
readConvention().then(showConvention).catch(showFailure);
person = readName();
if (person) begin();
else introduce();
