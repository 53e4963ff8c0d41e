// What a person may look up while they work: the keys, and the convention.

import { element } from "./elements.js";
import { KEYS } from "./review-words.js";

const $ = (id) => document.getElementById(id);

/** List what each key does. */
export function showKeys() {
  $("keys").replaceChildren(
    ...KEYS.map(([keys, what]) => {
      const caps = keys.split(" ").flatMap((key) => [element("kbd", {}, key), " "]);
      return element("div", {}, element("dt", {}, ...caps), element("dd", {}, what));
    }),
  );
}

/** List the rules of the convention with their examples. */
export function showConvention({ identifier, rules }) {
  $("convention").querySelector("summary").textContent = `The convention ${identifier} · ${rules.length} rules`;
  $("convention").querySelector("dl").replaceChildren(
    ...rules.flatMap(({ says, wrong, right }) => [
      element("dt", {}, says),
      element("dd", {}, element("del", {}, wrong || "(nothing)"), " → ", element("ins", {}, right)),
    ]),
  );
}
