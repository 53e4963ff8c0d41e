// Single keys that do something. While somebody types they need Alt, so that typing stays typing.

/**
 * Listen for keys.
 * @param {Record<string, () => void>} actions By key: a lower-case letter or digit, `space`, `enter` or `escape`.
 * @param {() => boolean} isWorking Whether keys mean anything at the moment.
 */
export function onKeys(actions, isWorking) {
  document.addEventListener("keydown", (event) => {
    if (!isWorking() || event.ctrlKey || event.metaKey || event.isComposing || event.repeat) return;
    const key = nameOf(event);
    if (!(key in actions) || !means(key, event)) return;
    event.preventDefault();
    actions[key]();
  });
}

function means(key, event) {
  if (key === "escape") return true;
  if (key === "enter") return !event.shiftKey && (isText(event.target) || !isControl(event.target));
  if (key === "space") return event.altKey || !isControl(event.target);
  return event.altKey || !isText(event.target);
}

/** The key as it is written on it; where Alt makes another character of it, by its place. */
function nameOf(event) {
  if (event.key === " ") return "space";
  if (/^[a-z0-9]$/i.test(event.key)) return event.key.toLowerCase();
  if (event.altKey || event.code.startsWith("Digit")) {
    const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code);
    if (place) return place[1].toLowerCase();
  }
  return event.key.toLowerCase();
}

function isText(target) {
  return Boolean(target.closest?.("textarea, input:not([type='range'])"));
}

/** Whether Enter and Space belong to the element itself. */
function isControl(target) {
  return isText(target) || Boolean(target.closest?.("button, a, select, summary"));
}
