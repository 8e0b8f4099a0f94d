// ---- which utterances ----------------------------------------------------------------------

const BAR = 4; // outcomes that share all utterances out, after "all"
const everything = { outcome: "", word: "", change: "", offset: 0 };
let query = { ...everything };
let outcomes = [];
let page = null; // what the server sent last
let current = -1; // the row picked
let asked = 0;

const filters = el("div", { class: "mh-filter", role: "group", "aria-label": texts.filters });
const chip = el("p", { class: "mh-chip" });
const body = el("tbody");
const grid = el("div", { class: "mh-rows mh-pairs", tabindex: "0", role: "group",
  "aria-label": texts.list }, el("table", {}, el("thead", {}, el("tr", {},
  ...texts.columns.map(([label, hint]) => hinted("th", label, hint, { scope: "col" })))), body));
const total = el("span", { class: "mh-total", role: "status" });
const back = el("button", { type: "button", "aria-label": texts.previous }, "‹");
const forth = el("button", { type: "button", "aria-label": texts.next }, "›");
const pager = el("div", { class: "mh-pager" }, total, back, forth);

function shares(all) {
  const parts = all.slice(1, 1 + BAR);
  const bar = el("div", { class: "mh-shares", role: "img", "aria-label": `${texts.bar}: ${
    parts.map(([, , label, , , n]) => `${label} ${n}`).join(", ")}` });
  for (const [name, sign, label, , n, text] of parts) {
    const part = hinted("span", `${sign} ${text}`, `${label}: ${text}`,
      { class: `mh-${name}`, "data-outcome": name });
    part.style.flexGrow = n;
    part.addEventListener("click", () => narrow({ outcome: name }));
    if (n) bar.append(part);
  }
  return bar;
}

function showFilters() {
  filters.replaceChildren(...outcomes.map(([name, sign, label, hint, , n]) => {
    const node = el("button", { type: "button", title: hint, "data-outcome": name,
      "aria-pressed": query.outcome === name }, el("i", { class: `mh-${name || "all"}` }, sign),
      `${label} `, el("b", {}, n));
    node.addEventListener("click", () => narrow({ ...everything, outcome: name }));
    return node;
  }));
  chip.replaceChildren();
  if (!query.change) return;
  const clear = el("button", { type: "button", class: "mh-link" }, texts.every_word);
  clear.addEventListener("click", () => narrow({ word: "", change: "" }));
  chip.append(fill(texts.only_word, { word: query.word, change: texts.changes[query.change] }),
    " ", clear);
}

function narrow(change) {
  const word = change.change ? { outcome: "" } : {};
  query = { ...query, ...word, ...change, offset: 0 };
  load("first");
}

// ---- one page of them ----------------------------------------------------------------------

async function load(select = null) {
  const mine = ++asked;
  showFilters();
  const answer = await ask("fetch_pairs", query);
  if (mine !== asked) return;
  page = answer.error ? null : answer;
  body.replaceChildren(...(page ? page.rows.map(line) : []));
  current = -1;
  if (!page) {
    total.textContent = answer.error;
    return;
  }
  const last = page.offset + page.rows.length;
  total.textContent = page.total
    ? fill(texts.total, { first: page.offset + 1, last, total: page.total })
    : texts.none;
  back.disabled = page.offset === 0;
  forth.disabled = last >= page.total;
  grid.scrollTop = 0;
  if (select && page.rows.length) pick(select === "last" ? page.rows.length - 1 : 0);
}

function line(row, index) {
  const change = row.errors[1] - row.errors[0];
  const sign = change < 0 ? "▲" : change ? "▼" : "=";
  const kind = change < 0 ? "won" : change ? "lost" : "tied";
  const heard = row.sides.map((pieces, i) => el("div", {},
    el("b", { class: "mh-letter" }, texts.sides[i]), ...aligned(pieces, texts.nothing)));
  const node = el("tr", { "data-id": row.id }, el("td", { class: "mh-text" }, ...heard),
    el("td", {}, `${row.errors[0]} → ${row.errors[1]}`),
    el("td", { class: `mh-change mh-${kind}` },
      `${sign} ${change > 0 ? "+" : ""}${change}`.replace("-", "−")));
  node.addEventListener("click", () => pick(index));
  return node;
}

function pick(index) {
  const rows = [...body.children];
  if (!rows[index]) return;
  rows[current]?.removeAttribute("aria-current");
  current = index;
  rows[index].setAttribute("aria-current", "true");
  const top = rows[index].offsetTop - grid.querySelector("thead").offsetHeight;
  const bottom = rows[index].offsetTop + rows[index].offsetHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (bottom > grid.scrollTop + grid.clientHeight) grid.scrollTop = bottom - grid.clientHeight;
  // In the value, not in the event: of events in quick succession Gradio keeps the first's data.
  props.value = { ...props.value, id: page.rows[index].id };
  trigger("pick", {});
}

function turnPage(by, select) {
  const offset = query.offset + by * props.size;
  if (offset < 0 || offset >= page.total) return;
  query.offset = offset;
  load(select);
}

function step(by) {
  if (!page) return;
  if (current + by >= page.rows.length) turnPage(1, "first");
  else if (current + by < 0) turnPage(-1, "last");
  else pick(current + by);
}

back.addEventListener("click", () => turnPage(-1));
forth.addEventListener("click", () => turnPage(1));
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (!root.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("input, textarea, select")) return;
  const arrows = target === grid ? { arrowdown: 1, arrowup: -1 } : {};
  // The same keys where Cyrillic is typed.
  const by = { j: 1, о: 1, k: -1, л: -1, ...arrows }[key.toLowerCase()];
  if (!by) return;
  event.preventDefault();
  step(by);
});

// The tab is opened: evaluations may have been made since it was shown last.
let hidden = true;
new IntersectionObserver(() => {
  if (hidden && root.offsetParent) trigger("opened", {});
  hidden = !root.offsetParent;
}).observe(root);

draw();
