// What a person says of the utterances: tags, doubts, remarks. Kept in this browser until they are exported.

const PALETTE = ["car noise", "people noise", "music", "low bandwidth", "accent", "mumbled", "cut off", "two people"];

class Notes {
  constructor(report) {
    this.key = `voicesearch report ${report}`;
    this.palette = [...PALETTE];
    this.byId = new Map();
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      if (kept) {
        this.palette = kept.palette;
        this.byId = new Map(kept.notes);
      }
    } catch {
      // Nothing was kept, or this browser keeps nothing: the notes live as long as the page.
    }
  }

  of(id) {
    return this.byId.get(id) ?? { tags: [], doubt: false, remark: "" };
  }

  set(id, change) {
    const note = { ...this.of(id), ...change };
    if (note.tags.length || note.doubt || note.remark) this.byId.set(id, note);
    else this.byId.delete(id);
    this.keep();
  }

  toggle(id, tag) {
    const { tags } = this.of(id);
    this.set(id, { tags: tags.includes(tag) ? tags.filter((each) => each !== tag) : [...tags, tag] });
  }

  add(tag) {
    if (tag && !this.palette.includes(tag)) this.palette.push(tag);
    this.keep();
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ palette: this.palette, notes: [...this.byId] }));
    } catch {
      // As above.
    }
  }

  /** One line for each utterance that has errors or a note, one column for each tag, with its sums at the end. */
  sheet(items) {
    const used = this.palette.filter((tag) => items.some((item) => this.of(item.id).tags.includes(tag)));
    const rows = items.filter((item) => item.errors || this.byId.has(item.id)).map((item) => {
      const note = this.of(item.id);
      const given = used.map((tag) => (note.tags.includes(tag) ? 1 : ""));
      return [item.id, item.said, item.heard, item.errors, item.words, item.classes.join(" "), item.tags.join(" "), ...given, note.doubt ? 1 : "", note.remark];
    });
    const sums = used.map((tag) => items.filter((item) => this.of(item.id).tags.includes(tag)).length);
    const header = ["id", "said", "heard", "errors", "words", "classes", "tags", ...used, "doubtful label", "remark"];
    return csv([header, ...rows, ["sum", "", "", "", "", "", "", ...sums, "", ""]]);
  }

  /** What `voicesearch labeling import` reads. */
  doubts(items) {
    const doubted = items.filter((item) => this.of(item.id).doubt);
    const why = (item) => [this.of(item.id).remark || "doubted while listening", `heard: ${item.heard || "nothing"}`].join("; ");
    return csv([["id", "text", "note"], ...doubted.map((item) => [item.id, item.said, why(item)])], { formulas: true });
  }
}
