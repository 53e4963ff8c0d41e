// What the review page says, in one place.

import { count } from "./words.js";

/** Whether fingers work here, and keys are not to be spoken of. */
export const TOUCH = window.matchMedia("(hover: none)").matches;

/** Why a clip waits for a person. */
export const REASONS = {
  suspect: "This label looks wrong",
  low_confidence: "The recogniser was unsure",
  disagreement: "People wrote different things",
  doubt: "This label is in doubt",
};

/** What each key does, in the order of the list. While somebody types, single letters need Alt. */
export const KEYS = [
  ["Space P", "play or pause"],
  ["A", "last second again"],
  ["S", "slower"],
  ["0–5", "take a text"],
  ["E", "write"],
  ["Esc", "stop writing"],
  ["F", "mend what is safe"],
  ["N", "nothing is said"],
  ["U", "unintelligible"],
  ["K", "skip"],
  ["Enter", "keep"],
];

/** Said in the line under the text; it is read out. */
export const STATUS = {
  empty: `Write what was said. Where nothing is said, ${TOUCH ? "tap “Nothing is said”" : "press N"}.`,
  unheard: `Listen first${TOUCH ? "" : ": Space plays the clip"}.`,
  mended: TOUCH ? "Mended. Tap Keep to keep it." : "Mended. Enter keeps it.",
  doubts: `A rule is still broken. ${TOUCH ? "Keep" : "Enter"} once more keeps the text as it is.`,
  draft: "What you had typed is back.",
  again: "You have this clip again.",
};

/** Shown where the clip went to somebody else; the text stays in its field. */
export const LOST = {
  title: "Your time with this clip ran out, and somebody else has it now.",
  remedy: "Nothing you typed is lost: it stays in its field until you go on, and comes back if the clip does.",
};

/** Shown where a label was already there under the same lease, from another tab for example. */
export function keptBefore(text) {
  return {
    title: `This clip already had a label under your name: “${text}”.`,
    remedy: "That one was kept. Labels are only added, never changed.",
  };
}

/** Shown where the clip cannot be heard. */
export function unheard(reason) {
  return { title: "This clip cannot be played.", remedy: reason };
}

/** Why there is no clip at the moment. */
export function nothingNow({ nothing, finished, progress }) {
  if (finished && !progress.done) {
    return {
      title: "No clips are waiting.",
      remedy: "The queue is filled from the command line; this page looks again by itself.",
      code: "voicesearch labeling queue add --help",
    };
  }
  if (finished) return { title: "All done.", remedy: `${count(progress.done, "clip has", "clips have")} all the labels asked for.` };
  if (nothing.leased) {
    return {
      title: `${count(nothing.leased, "clip is", "clips are")} still with others.`,
      remedy: `What they give back comes to you; the first at ${clockTime(nothing.returns_at)} at the latest. This page looks again by itself.`,
    };
  }
  return {
    title: `${count(nothing.for_others, "clip waits", "clips wait")} for somebody else.`,
    remedy: "You have labelled or skipped what is left, and it wants another pair of ears.",
  };
}

/** Count clips by where they are; `mine` is 1 while this person holds one. */
export function countsOf({ waiting, leased, done }, mine) {
  const others = leased - mine;
  const parts = [`${done} done`, `${waiting} waiting`];
  if (mine) parts.push("1 with you");
  if (others > 0) parts.push(`${others} with others`);
  return parts.join(" · ");
}

/** Write a time of day: `14:05`. */
export function clockTime(at) {
  return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
