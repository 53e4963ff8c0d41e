// Shows what is known of a clip: why it waits, what it may be, and which rules the text breaks.

import { differences } from "./difference.js";
import { element } from "./elements.js";
import { REASONS } from "./review-words.js";

const MOST = 5;
const $ = (id) => document.getElementById(id);

/** The texts to take with a key: 0 is the label in doubt, 1 to 5 are the hypotheses, best first. */
export function choicesOf({ text, hypotheses }) {
  const offered = hypotheses.slice(0, MOST).map((hypothesis, index) => ({ key: String(index + 1), text: hypothesis }));
  return text ? [{ key: "0", text, isLabel: true }, ...offered] : offered;
}

/** Say why a clip waits. */
export function showReason({ reason, note }) {
  $("reason").textContent = REASONS[reason] ?? reason;
  $("note").textContent = note;
}

/**
 * List the texts to take; words that the field does not have are marked.
 * @param {object[]} choices Of `choicesOf`.
 * @param {string} current The text in the field.
 * @param {(text: string) => void} take
 */
export function showChoices(choices, current, take) {
  $("choices").hidden = choices.length === 0;
  $("choices").querySelector("ol").replaceChildren(...choices.map((choice) => choiceRow(choice, current, take)));
}

/** List the broken rules: what breaks them, what the rule says, and what it should be. */
export function showViolations(violations) {
  $("rules-broken").replaceChildren(...violations.map(violationRow));
  $("mend").hidden = !violations.some(({ safe }) => safe);
}

function choiceRow({ key, text, isLabel }, current, take) {
  const runs = current ? differences(text, current) : [{ words: text, differs: false }];
  const words = runs.flatMap(({ words, differs }) => [differs ? element("mark", {}, words) : words, " "]);
  const row = element(
    "button",
    { type: "button", className: "choice", "aria-pressed": String(text === current), onclick: () => take(text) },
    element("kbd", {}, key),
    element("span", { className: "words" }, ...words),
    ...(isLabel ? [element("span", { className: "quiet" }, "the label so far")] : []),
  );
  return element("li", {}, row);
}

function violationRow({ says, found, suggestion, safe }) {
  const parts = found.filter(Boolean).map((part) => element("mark", {}, part));
  const remedy = safe ? `becomes “${suggestion}”` : suggestion ? `listen and choose: ${suggestion}` : "listen, and write what was said";
  const what = element("span", { className: "what" }, ...parts.flatMap((part) => [part, " "]), remedy);
  return element("li", { className: safe ? "safe" : "doubt" }, element("span", { className: "says" }, says), what);
}
