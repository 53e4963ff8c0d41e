// The place for notices above a page's content.

import { element, notice } from "./elements.js";

const place = document.getElementById("notices");

/** Show a notice in place of the one before; takes what `notice` takes. */
export function showNotice(...args) {
  place.replaceChildren(notice(...args));
}

export function clearNotice() {
  place.replaceChildren();
}

/** Show what went wrong, and a way to try `again` where that may help. */
export function showFailure(error, again = null) {
  const retry = () => {
    clearNotice();
    again();
  };
  const button = element("button", { type: "button", className: "textual", onclick: retry }, "Try again");
  const reference = error.requestId ? `Request ${error.requestId}` : "";
  showNotice({ title: error.message, after: reference }, ...(again && error.mayPass ? [button] : []));
}
