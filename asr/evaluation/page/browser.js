// The utterance browser: find, sort, hear, compare word by word, tag, export.

const data = JSON.parse(document.getElementById("data").textContent);
const items = data.utterances;
const notes = new Notes(data.report);
const $ = (id) => document.getElementById(id);
const one = $("one");
const sound = new Sound((item, share) => {
  const cursor = one.querySelector(".wave i");
  if (cursor && rows.item === item) cursor.style.left = share === null ? "-3px" : `${100 * share}%`;
});

const SORTS = {
  "most errors": (a, b) => b.errors - a.errors || b.strict - a.strict,
  "highest share of wrong words": (a, b) => b.errors / Math.max(b.words, 1) - a.errors / Math.max(a.words, 1),
  "most search results lost": (a, b) => b.lost - a.lost,
  "least confident": (a, b) => (a.confidence ?? 2) - (b.confidence ?? 2),
  "most confident": (a, b) => (b.confidence ?? -1) - (a.confidence ?? -1),
  "noisiest": (a, b) => (a.snr ?? 999) - (b.snr ?? 999),
  "longest": (a, b) => b.seconds - a.seconds,
  "most suspect label": (a, b) => (b.suspect?.score ?? 0) - (a.suspect?.score ?? 0),
  "as in the manifest": (a, b) => a.place - b.place,
};

function filters() {
  const groups = [
    ["", { all: () => true, "with errors": (i) => i.errors, right: (i) => !i.errors, "no text": (i) => !i.heard, "with sound": (i) => i.sound >= 0 }],
    ["yours", { tagged: (i) => notes.of(i.id).tags.length, doubted: (i) => notes.of(i.id).doubt }],
  ];
  if (items.some((i) => i.suspect)) groups[0][1]["suspect label"] = (i) => i.suspect;
  if (items.some((i) => i.lost > 0)) groups[0][1]["search results lost"] = (i) => i.lost > 0;
  if (data.before) groups.push([`against ${data.before}`, { fixed: (i) => i.errors < i.before.errors, broken: (i) => i.errors > i.before.errors, different: (i) => i.heard !== i.before.heard }]);
  const classes = [...new Set(items.flatMap((i) => i.classes))];
  groups.push(["cause", Object.fromEntries(classes.map((name) => [`cause: ${name}`, (i) => i.classes.includes(name)]))]);
  groups.push(["slice", Object.fromEntries(data.slices.map((name, place) => [`slice: ${name}`, (i) => i.slices.includes(place)]))]);
  return groups;
}

const groups = filters();
const tests = Object.assign({}, ...groups.map(([, group]) => group));
$("filter").append(
  ...groups.flatMap(([label, group]) => {
    const options = Object.keys(group).map((name) => element("option", { value: name }, name));
    return label ? [element("optgroup", { label }, ...options)] : options;
  }),
);
$("sort").append(...Object.keys(SORTS).map((name) => element("option", { value: name }, name)));

const rows = new Rows($("list"), drawRow, showOne);

function refresh() {
  const wanted = $("find").value.toLowerCase().trim();
  const test = tests[$("filter").value];
  const found = items.filter((i) => test(i) && (!wanted || i.text.includes(wanted))).sort(SORTS[$("sort").value]);
  rows.fill(found);
  $("shown").textContent = found.length === items.length ? `${items.length.toLocaleString("en")} utterances` : `${found.length.toLocaleString("en")} of ${items.length.toLocaleString("en")}`;
}

function drawRow(item) {
  const note = notes.of(item.id);
  const marks = `${note.doubt ? " ⚑" : ""}${note.tags.length ? ` ●${note.tags.length}` : ""}`;
  return [
    element("b", { className: item.errors ? "" : "right" }, item.errors ? String(item.errors) : "✓"),
    element("div", {}, marks ? element("span", { className: "dots" }, marks) : "", item.said || "nothing said"),
    element("div", {}, item.heard || "∅ no text"),
  ];
}

/** What was said and what was heard: words that differ stand beside each other, run by run. */
function difference(item) {
  const parts = [];
  let said = [];
  let heard = [];
  const close = () => {
    if (said.length) parts.push(element("del", { title: "said" }, said.join(" ")), " ");
    if (heard.length) parts.push(element("ins", { title: "heard" }, heard.join(" ")), " ");
    said = [];
    heard = [];
  };
  for (const [edit, one, other] of item.pairs) {
    if (edit === "hit") {
      close();
      parts.push(`${one} `);
    } else {
      if (one !== null) said.push(one);
      if (other !== null) heard.push(other);
    }
  }
  close();
  return element("p", { className: "said" }, ...(parts.length ? parts : [element("span", { className: "soft" }, "no words said, none heard")]));
}

function figures(item) {
  const number = (value, unit, digits = 1) => (value === null ? "unknown" : `${value.toFixed(digits)} ${unit}`);
  const list = [
    ["said", item.said || "∅"],
    ["heard", item.heard || "∅ no text"],
    ...(item.before ? [["before", item.before.heard || "∅ no text"]] : []),
    ["errors", `${item.errors} in ${item.words} words; ${item.strict} strictly${item.classes.length ? ` (${item.classes.join(", ")})` : ""}`],
    ["confidence", item.confidence === null ? "unknown" : item.confidence.toFixed(2)],
    ...(item.lost ? [["search", item.lost > 0 ? `lost ${item.lost.toFixed(2)} of reciprocal rank` : "no loss"]] : []),
    ["clip", `${number(item.seconds, "s", 2)}, SNR ${number(item.snr, "dB", 0)}, recorded at ${number(item.loudness, "LUFS", 0)}`],
    ["conditioning", conditioning(item)],
    ["speaker", item.speaker ?? "unknown"],
    ["tags", item.tags.join(", ") || "none"],
    ...(item.suspect ? [["suspect", `${item.suspect.score.toFixed(2)}: ${item.suspect.note}`]] : []),
    ["id", item.id],
  ];
  return element("dl", {}, ...list.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function conditioning(item) {
  const cut = (seconds) => `${Math.round(1000 * seconds)} ms`;
  const now = `${item.gain >= 0 ? "+" : ""}${item.gain.toFixed(1)} dB, cuts ${cut(item.cut[0])} before and ${cut(item.cut[1])} after`;
  if (!item.done || item.recording) return now;
  return `${now}; the recording had got ${item.done[0] >= 0 ? "+" : ""}${item.done[0].toFixed(1)} dB and lost ${Math.round(item.done[1])} and ${Math.round(item.done[2])} ms before`;
}

function showOne(item) {
  sound.stop();
  if (!item) {
    one.replaceChildren(element("p", { className: "soft" }, "No utterance is like that."));
    return;
  }
  const svg = document.createElementNS(SVG, "svg");
  const wave = element("div", { className: "wave" }, svg, element("i"));
  wave.addEventListener("click", (event) => {
    const { left, width } = wave.getBoundingClientRect();
    sound.load(item).then((buffer) => buffer && sound.play(item, false, ((event.clientX - left) / width) * buffer.duration));
  });
  const button = (text, key, act) => element("button", { type: "button", onclick: act }, text, " ", element("kbd", {}, key));
  const listening = item.sound < 0
    ? [element("p", { className: "soft" }, "There is no sound of this clip in the report.")]
    : [wave, element("p", { className: "row" }, button("▸ as recognised", "Space", () => sound.play(item, true)), button(item.recording ? "▸ as recorded" : "▸ as in the manifest", "R", () => sound.play(item, false)))];
  const others = item.nbest.slice(1);
  one.replaceChildren(
    difference(item),
    ...listening,
    tagging(item),
    figures(item),
    ...(others.length ? [element("h3", {}, "Other hypotheses"), element("ol", { start: 2 }, ...others.map(([text, score]) => element("li", {}, text, " ", element("small", {}, score.toFixed(2)))))] : []),
  );
  sound.load(item).then((buffer) => {
    if (buffer && rows.item === item) drawWave(svg, buffer, item);
    if (!buffer && item.sound >= 0 && rows.item === item) wave.replaceWith(element("p", { className: "soft" }, "This browser cannot decode Opus."));
  });
}

function tagging(item) {
  const note = notes.of(item.id);
  const chips = notes.palette.map((tag, place) =>
    element("button", { type: "button", className: "chip", "aria-pressed": String(note.tags.includes(tag)), onclick: () => tagIt(item, tag) }, ...(place < 9 ? [element("kbd", {}, String(place + 1))] : []), tag),
  );
  const fresh = element("input", { id: "fresh", placeholder: "new tag", "aria-label": "New tag", maxLength: 60 });
  fresh.addEventListener("keydown", (event) => {
    if (event.key === "Escape") $("list").focus();
    if (event.key !== "Enter" || !fresh.value.trim()) return;
    notes.add(fresh.value.trim());
    tagIt(item, fresh.value.trim());
    $("list").focus();
  });
  const doubt = element("button", { type: "button", className: "chip", "aria-pressed": String(note.doubt), onclick: () => doubtIt(item) }, element("kbd", {}, "D"), "label doubtful");
  const remark = element("input", { value: note.remark, placeholder: "remark", "aria-label": "Remark", maxLength: 500 });
  remark.addEventListener("input", () => notes.set(item.id, { remark: remark.value }));
  return element("div", { id: "tagging" }, element("p", { className: "row" }, ...chips, fresh), element("p", { className: "row" }, doubt), remark);
}

function redraw(item) {
  $("tagging").replaceWith(tagging(item));
  rows.show();
}

function tagIt(item, tag) {
  notes.toggle(item.id, tag);
  redraw(item);
}

function doubtIt(item) {
  notes.set(item.id, { doubt: !notes.of(item.id).doubt });
  redraw(item);
}

function look({ find = "", filter = "all", sort = null, id = null }) {
  $("find").value = find;
  $("filter").value = filter;
  if (sort) $("sort").value = sort;
  refresh();
  if (id !== null) rows.choose(rows.items.findIndex((item) => item.id === id));
  $("browser").scrollIntoView();
  $("list").focus({ preventScroll: true });
}

const KEYS = {
  j: () => rows.choose(rows.chosen + 1),
  k: () => rows.choose(rows.chosen - 1),
  arrowdown: () => rows.choose(rows.chosen + 1),
  arrowup: () => rows.choose(rows.chosen - 1),
  " ": () => (sound.playing ? sound.stop() : sound.play(rows.item, true)),
  r: () => sound.play(rows.item, false),
  t: () => $("fresh").focus(),
  d: () => doubtIt(rows.item),
  "/": () => $("find").focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const key = event.key.toLowerCase();
  const inBrowser = event.target.closest("#browser") !== null;
  const isOwn = key === " " ? event.target.closest("button, summary, a") : key.startsWith("arrow") && !inBrowser;
  if (isOwn || !rows.item) return;
  const digit = /^[1-9]$/.test(key) ? notes.palette[Number(key) - 1] : undefined;
  if (!(key in KEYS) && !digit) return;
  if (!inBrowser && !isNear()) return;
  event.preventDefault();
  if (digit) tagIt(rows.item, digit);
  else KEYS[key]();
});

/** Whether the browser is what a person looks at. */
function isNear() {
  const { top, bottom } = $("list").getBoundingClientRect();
  return top < innerHeight * 0.75 && bottom > innerHeight * 0.25;
}

document.addEventListener("click", (event) => {
  const { dataset } = event.target.closest("button") ?? { dataset: {} };
  if (dataset.open !== undefined) look({ id: dataset.open });
  if (dataset.search !== undefined) look({ find: dataset.search, filter: "with errors" });
  if (dataset.class !== undefined) look({ filter: `cause: ${dataset.class}` });
  if (dataset.slice !== undefined) look({ filter: `slice: ${dataset.slice}` });
  if (dataset.filter !== undefined) look({ filter: dataset.filter });
  if (dataset.sort === "lost") look({ filter: "search results lost", sort: "most search results lost" });
});
for (const id of ["find", "filter", "sort"]) $(id).addEventListener("input", refresh);
$("find").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "Escape") $("list").focus();
});
$("export-sheet").addEventListener("click", () => save("error-sheet.csv", notes.sheet(items)));
$("export-doubts").addEventListener("click", () => save("doubtful-labels.csv", notes.doubts(items)));

items.forEach((item, place) => {
  item.place = place;
  item.text = [item.id, item.said, item.heard, item.before?.heard, item.speaker, ...item.tags, ...item.pairs.flatMap(([, a, b]) => [a, b])].join(" ").toLowerCase();
});
priorities(data.report);
refresh();
