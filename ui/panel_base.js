// The lists of a tab, one at a time. This script, table.js, the lists of the tab and panel.js are
// one; each list is a function of `lists` that asks the server and returns a node. Every text enters
// as a text node.
const texts = props.texts;
const lists = {};

const root = element.querySelector(".mh-panel");
const body = el("div", { class: "mh-list", role: "tabpanel" });
const tabs = Object.entries(texts.panels).map(([name, [label, hint]]) => {
  const tab = el("button", { type: "button", role: "tab", title: hint, "data-panel": name }, label);
  tab.addEventListener("click", () => open(name));
  return tab;
});
const tablist = el("div", { class: "mh-tabs", role: "tablist", "aria-label": texts.label }, ...tabs);
const keys = el("p", { class: "mh-keys" }, texts.keys);
const frame = el("div", {}, tablist, body, keys);
const leaving = []; // what is done when another set is shown, or none

let view = null; // the question that everything here follows
let shown = said("panel") || "utterances";
if (!texts.panels[shown]) shown = "utterances";
let turn = 0; // so that only the answer to the last question is shown

const percent = (share, places = 1) => (100 * share).toFixed(places);

async function ask(name, more = {}) {
  try {
    return await server[name]({ ...view, ...more });
  } catch {
    return { error: texts.failed };
  }
}

function open(name) {
  shown = name;
  remember({ panel: name === "utterances" ? null : name });
  for (const tab of tabs) tab.setAttribute("aria-selected", tab.dataset.panel === name);
  draw();
}

async function draw() {
  const mine = ++turn;
  if (shown === "utterances") {
    body.replaceChildren(utterances);
    return;
  }
  body.replaceChildren(el("p", { class: "mh-wait", role: "status" }, texts.loading));
  const node = await lists[shown]();
  if (mine === turn) body.replaceChildren(node);
}

// Of a wrong condition the filter tells all there is to tell.
const problem = () => el("p", { class: "mh-problem" }, texts.cannot);
const nothing = (text = texts.none) => el("p", { class: "mh-wait" }, text);
const word = (text) => (text === null || text === "" ? texts.nothing : text);

function narrow(where, at = null) {
  announce("narrow", { where, at });
  open("utterances");
}

// A table whose first cell is what the row is about; `press` makes rows lead somewhere.
function grid(columns, rows, cells, press = null, caption = null) {
  const heads = Object.values(columns).map(([label, hint]) =>
    el("th", { scope: "col", title: hint || null }, label));
  const lines = rows.map((row) => {
    const [first, ...others] = cells(row);
    const head = press
      ? el("button", { type: "button", class: "mh-link", title: texts.narrow }, first) : first;
    const line = el("tr", {}, el("th", { scope: "row" }, head),
      ...others.map((cell) => el("td", {}, cell === null ? "–" : cell)));
    if (press) head.addEventListener("click", () => press(row));
    return line;
  });
  return el("div", { class: "mh-rows mh-grid" }, el("table", {},
    caption ? el("caption", {}, caption) : null, el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...lines)));
}

// A table whose columns sort and whose pages turn on the server; `own` has its `columns`, the
// `search` of a first column of words, `total` and the order it has at `first`.
function pagedList(get, own, cells) {
  const query = { ...own.first, offset: 0, word: "" };
  return async () => {
    const place = el("div");
    const again = async (change) => {
      Object.assign(query, { offset: 0 }, change);
      const answer = await ask(get, query);
      place.replaceChildren(answer.error ? problem() : pageOf(answer, query, again));
    };
    const find = el("input", { type: "search", placeholder: own.search,
      "aria-label": own.search, value: query.word });
    let typing = 0;
    find.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => again({ word: find.value }), 250);
    });
    await again({});
    return el("div", {}, el("div", { class: "mh-tools" }, find), place);
  };

  function pageOf(answer, query, again) {
    const columns = answer.columns || own.columns;
    const table = grid(columns, answer.rows, cells, (row) => narrow(row.where));
    const names = Object.keys(columns);
    [...table.querySelectorAll("thead th")].forEach((head, i) => {
      const button = el("button", { type: "button" }, head.textContent);
      button.addEventListener("click", () => again({ sort: names[i],
        ascending: query.sort === names[i] ? !query.ascending : i === 0 }));
      head.replaceChildren(button);
      head.setAttribute("aria-sort", query.sort !== names[i] ? "none"
        : query.ascending ? "ascending" : "descending");
    });
    const last = answer.offset + answer.rows.length;
    const turn = (label, name, offset) => {
      const node = el("button", { type: "button", "aria-label": name }, label);
      node.disabled = offset < 0 || offset >= answer.total;
      node.addEventListener("click", () => again({ offset }));
      return node;
    };
    return el("div", {}, answer.note ? el("p", { class: "mh-why" }, answer.note) : null, table,
      el("div", { class: "mh-pager" }, el("span", { class: "mh-total" }, fill(own.total,
        { first: Math.min(answer.offset + 1, last), last, total: answer.total })),
      turn("‹", texts.table.previous, answer.offset - texts.size),
      turn("›", texts.table.next, answer.offset + texts.size)));
  }
}

function shareBar(share, text) {
  const node = el("span", { class: "mh-share" }, text);
  node.style.setProperty("--share", Math.min(1, Math.max(0, share)));
  return node;
}

function pair(said, heard) {
  return `${word(said)} → ${word(heard)}`;
}
