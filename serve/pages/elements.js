// Elements and notices. Text goes in as text, never as markup.

/**
 * Make an element.
 * @param {string} tag
 * @param {object} properties Set on the element; names with a hyphen, and `role`, become attributes.
 * @param {...(Node | string)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/**
 * Build a notice.
 * @param {{title: string, remedy?: string, code?: string, after?: string}} words
 * @param {...Node} actions Buttons under the text.
 */
export function notice({ title, remedy, code, after }, ...actions) {
  const parts = [element("p", { className: "notice-title" }, title)];
  if (remedy) parts.push(element("p", {}, remedy));
  if (code) parts.push(element("pre", {}, element("code", {}, code)));
  if (after) parts.push(element("p", {}, after));
  if (actions.length) parts.push(element("p", { className: "actions" }, ...actions));
  return element("div", { className: "notice" }, ...parts);
}
