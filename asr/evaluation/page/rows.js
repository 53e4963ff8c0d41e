// A long list of which only what is in sight exists.

const ROW = 58;
const SPARE = 6;

class Rows {
  /**
   * @param {HTMLElement} list Scrolls; holds one element that is as high as all rows.
   * @param {(item: object) => Node[]} draw
   * @param {(item: object) => void} onchosen
   */
  constructor(list, draw, onchosen) {
    this.list = list;
    this.space = list.firstElementChild;
    this.draw = draw;
    this.onchosen = onchosen;
    this.items = [];
    this.chosen = 0;
    list.addEventListener("scroll", () => this.show(), { passive: true });
    list.addEventListener("click", (event) => {
      const row = event.target.closest(".item");
      if (row) this.choose(Number(row.dataset.place));
    });
    new ResizeObserver(() => this.show()).observe(list);
  }

  get item() {
    return this.items[this.chosen];
  }

  fill(items) {
    const kept = items.indexOf(this.item);
    this.items = items;
    this.space.style.height = `${items.length * ROW}px`;
    this.space.replaceChildren();
    this.choose(Math.max(kept, 0), kept < 0);
  }

  choose(place, changed = true) {
    this.chosen = Math.min(Math.max(place, 0), Math.max(this.items.length - 1, 0));
    const top = this.chosen * ROW;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    if (top + ROW > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ROW - this.list.clientHeight;
    this.show();
    if (changed || !this.items.length) this.onchosen(this.item);
  }

  show() {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - SPARE);
    const last = Math.min(this.items.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / ROW) + SPARE);
    const rows = [];
    for (let place = first; place < last; place += 1) {
      const row = element("div", { className: "item", id: `row-${place}`, role: "option" }, ...this.draw(this.items[place]));
      row.style.top = `${place * ROW}px`;
      row.dataset.place = place;
      row.setAttribute("aria-selected", String(place === this.chosen));
      row.setAttribute("aria-posinset", String(place + 1));
      row.setAttribute("aria-setsize", String(this.items.length));
      rows.push(row);
    }
    this.space.replaceChildren(...rows);
    this.list.setAttribute("aria-activedescendant", this.items.length ? `row-${this.chosen}` : "");
  }
}
