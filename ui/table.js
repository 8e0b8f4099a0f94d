// ---- utterances: one page of rows ----------------------------------------------------------

const inTable = { ...texts.order, offset: 0 };
let query = { ...inTable };
let page = null; // what the server sent last
let current = -1; // the row picked
let wanted = said("id"); // to be picked when it is there
let word_at = null; // the edit to be heard when a row is picked
let asked = 0;

const total = el("span", { class: "mh-total", role: "status" });
const back = el("button", { type: "button", "aria-label": texts.table.previous }, "‹");
const forth = el("button", { type: "button", "aria-label": texts.table.next }, "›");
const rowsBody = el("tbody");
const heads = Object.entries(texts.table.columns).map(([name, [label, hint]]) => {
  const button = el("button", { type: "button", title: hint }, label);
  button.addEventListener("click", () => sortBy(name));
  return el("th", { scope: "col", "data-column": name }, button);
});
const rowsGrid = el("div", { class: "mh-rows", tabindex: "0", role: "group",
  "aria-label": texts.table.label },
  el("table", {}, el("thead", {}, el("tr", {}, ...heads)), rowsBody));
const sorting = el("select", { "aria-label": texts.table.sort });
const utterances = el("div", { class: "mh-table" }, rowsGrid,
  el("div", { class: "mh-pager" }, total, sorting, back, forth));
sorting.addEventListener("change", () => move({ sort: sorting.value, ascending: false }));

async function load(select) {
  const mine = ++asked;
  const answer = await ask("fetch_rows", query);
  if (mine !== asked) return;
  if (answer.error) {
    total.textContent = texts.cannot;
    rowsBody.replaceChildren();
    page = null;
    return;
  }
  page = answer;
  show();
  const at = page.rows.findIndex((row) => row.id === wanted);
  if (at >= 0 && select !== "last") pick(at, select !== null);
  else if (wanted && select === "first" && picked === null) pickId(wanted);
  else if (select && page.rows.length) pick(select === "last" ? page.rows.length - 1 : 0);
}

function move(change, select = null) {
  query = { ...query, offset: 0, ...change };
  load(select);
}

function sortBy(column) {
  const ascending = query.sort === column ? !query.ascending : column === "text";
  move({ sort: column, ascending });
}

function turnPage(direction, select) {
  const offset = query.offset + direction * texts.size;
  if (offset >= 0 && offset < page.total) move({ offset }, select);
}

function textCell(pieces, tags) {
  const cell = el("td", { class: "mh-text" }, ...aligned(pieces, texts.table.nothing));
  if (tags) cell.append(" ", el("span", { class: "mh-tag" }, tags));
  return cell;
}

function show() {
  const rows = page.rows.map((row, index) => {
    const cells = Object.keys(texts.table.columns).slice(1).map((name) =>
      el("td", { class: `mh-${name}` }, row[name] === "" ? "–" : String(row[name])));
    const node = el("tr", { "data-id": row.id }, textCell(row.words, row.tags), ...cells);
    node.addEventListener("click", () => pick(index));
    return node;
  });
  rowsBody.replaceChildren(...rows);
  current = -1;
  const last = page.offset + page.rows.length;
  total.textContent = page.total
    ? fill(texts.table.total, { first: page.offset + 1, last, total: page.total })
    : texts.table.none;
  back.disabled = page.offset === 0;
  forth.disabled = last >= page.total;
  for (const head of heads) {
    const sorted = head.dataset.column === query.sort;
    head.setAttribute("aria-sort",
      !sorted ? "none" : query.ascending ? "ascending" : "descending");
  }
  sorting.replaceChildren(...page.columns.map(([name, label]) => el("option",
    { value: name, selected: name === query.sort ? "" : null }, fill(texts.table.by, { label }))));
  rowsGrid.scrollTop = 0;
}

let picked = null; // an id

function pick(index, tell = true) {
  const rows = [...rowsBody.children];
  if (!rows[index]) return;
  if (rows[current]) rows[current].removeAttribute("aria-current");
  current = index;
  rows[index].setAttribute("aria-current", "true");
  const top = rows[index].offsetTop - rowsGrid.querySelector("thead").offsetHeight;
  const bottom = rows[index].offsetTop + rows[index].offsetHeight;
  if (top < rowsGrid.scrollTop) rowsGrid.scrollTop = top;
  else if (bottom > rowsGrid.scrollTop + rowsGrid.clientHeight) {
    rowsGrid.scrollTop = bottom - rowsGrid.clientHeight;
  }
  if (tell) pickId(page.rows[index].id, word_at);
}

function pickId(id, at = null) {
  [picked, wanted] = [id, id];
  remember({ id });
  // In the value, because of quick clicks Gradio sends the first one's event data again.
  props.value = { ...props.value, id, at };
  trigger("pick", {});
}

back.addEventListener("click", () => turnPage(-1));
forth.addEventListener("click", () => turnPage(1));

function step(by) {
  if (!page) return;
  if (current + by >= page.rows.length) turnPage(1, "first");
  else if (current + by < 0) turnPage(-1, "last");
  else pick(current + by);
}

rowsGrid.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.target !== rowsGrid || !by) return;
  event.preventDefault();
  step(by);
});
