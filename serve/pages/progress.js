// How far the queue is, and the labels given on this page.

import { element } from "./elements.js";
import { clockTime, countsOf } from "./review-words.js";

const $ = (id) => document.getElementById(id);

/** Show where the clips of the queue are; `isHolding` while one of them is on this page. */
export function showProgress(progress, isHolding) {
  const { done, leased, waiting, people } = progress;
  $("counts").textContent = countsOf(progress, isHolding ? 1 : 0);
  for (const [name, share] of Object.entries({ done, held: leased, waiting })) {
    $("progress").querySelector(`.${name}`).style.flexGrow = share;
  }
  $("progress").hidden = false;
  $("kept-title").textContent = ["Labels", ...people.map(({ person, labels }) => `${person} ${labels}`)].join(" · ");
}

/** Put a label at the top of the list. */
export function showKept({ text, verdict, at, person }) {
  const facts = [verdict, person, clockTime(at)].join(" · ");
  const row = element("li", {}, element("span", { className: "words" }, text), element("span", { className: "quiet" }, facts));
  $("kept").querySelector("ol").prepend(row);
  $("kept").hidden = false;
}
