// Asks the person for a key where the server wants one.

import { element } from "./elements.js";

let asking = null;

/**
 * Ask for a key; several requests that want one ask once.
 * @param {string} reason Why, or where to get one.
 * @returns {Promise<string | null>} The key, or null where the person has none.
 */
export function askForKey(reason) {
  asking ??= ask(reason).finally(() => (asking = null));
  return asking;
}

function ask(reason) {
  const field = element("input", { type: "password", id: "key", autocomplete: "current-password", required: true });
  const later = element("button", { type: "button", className: "textual" }, "Not now");
  const form = element(
    "form",
    {},
    element("h2", {}, "This service asks for a key"),
    element("p", {}, reason),
    element("label", { htmlFor: "key" }, "Key"),
    field,
    element("p", { className: "actions" }, element("button", { type: "submit", className: "primary" }, "Use this key"), later),
  );
  const dialog = element("dialog", { className: "key-dialog", "aria-label": "Key" }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let given = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      given = field.value.trim();
      dialog.close();
    });
    later.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(given);
    });
    dialog.showModal();
  });
}
