// One way to press: hold and let go, or press once to start and once more to stop.
// The pointer, the space bar and assistive technology all end up here.

const HOLD_MS = 400; // a shorter press is a click

/**
 * Turn presses into start and stop.
 * @param {HTMLElement} button
 * @param {{start: () => void, stop: () => void, isActive: () => boolean}} actions
 *   `start` also while something else is under way; `stop` only ends what is active.
 * @returns {{isDown: () => boolean, HOLD_MS: number}} Whether the button is being held, which is sure after `HOLD_MS`.
 */
export function onPress(button, { start, stop, isActive }) {
  let pressedAt = null; // while this press may still turn out to be a hold

  function down() {
    if (isActive()) {
      stop();
      return;
    }
    pressedAt = performance.now();
    start();
  }

  function up() {
    if (pressedAt === null) return;
    const held = performance.now() - pressedAt >= HOLD_MS;
    pressedAt = null;
    if (held && isActive()) stop();
  }

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    button.setPointerCapture(event.pointerId);
    down();
  });
  button.addEventListener("pointerup", up);
  button.addEventListener("pointercancel", up);
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch opens one
  button.addEventListener("click", (event) => {
    if (event.detail === 0) isActive() ? stop() : start(); // a screen reader clicks without pressing
  });

  document.addEventListener("keydown", (event) => {
    if (!isPressKey(event, button)) return;
    event.preventDefault(); // neither scroll nor click
    if (!event.repeat) down();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    if (event.target === button) event.preventDefault();
    up();
  });
  window.addEventListener("blur", up); // the key is let go somewhere else

  return { isDown: () => pressedAt !== null, HOLD_MS };
}

function isPressKey(event, button) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return false;
  if (event.target === button) return event.key === " " || event.key === "Enter";
  return event.key === " " && !event.target.closest?.("a, button, input, select, textarea, summary, [contenteditable]");
}
