// The table of utterances. Holds one page of rows; every text enters as a text node.
const texts = props.texts;
const SIGNS = { equal: "", substitute: "✗", delete: "−", insert: "+" };
const TYPING_MS = 180;

const root = element.querySelector(".mh-table");
const first = { sort: "errors", ascending: false, offset: 0, only_errors: false, search: "" };
let query = { ...first };
let page = null; // what the server sent last
let current = -1; // the row picked
let asked = 0; // so that only the answer to the last question is shown

// ---- the parts that stay -------------------------------------------------------------------

const search = el("input", { type: "search", placeholder: texts.search,
  "aria-label": texts.search, maxlength: "200" });
const onlyErrors = el("input", { type: "checkbox" });
const total = el("span", { class: "mh-total", role: "status" });
const back = el("button", { type: "button", "aria-label": texts.previous }, "‹");
const forth = el("button", { type: "button", "aria-label": texts.next }, "›");
const body = el("tbody");
const heads = Object.entries(texts.columns).map(([name, [label, hint]]) => {
  const button = el("button", { type: "button", title: hint }, label);
  button.addEventListener("click", () => sortBy(name));
  return el("th", { scope: "col", "data-column": name }, button);
});
const grid = el("div", { class: "mh-rows", tabindex: "0", role: "group", "aria-label": texts.label },
  el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body));
const frame = el("div", {},
  el("div", { class: "mh-tools" }, search, el("label", {}, onlyErrors, texts.only_errors)),
  grid, el("div", { class: "mh-pager" }, total, back, forth));

// ---- asking --------------------------------------------------------------------------------

async function load({ select }) {
  const mine = ++asked;
  let answer;
  try {
    answer = await server.fetch_rows({ ...props.value, ...query });
  } catch {
    answer = null;
  }
  if (mine !== asked) return;
  if (!answer || !answer.rows) {
    total.textContent = texts.failed;
    return;
  }
  page = answer;
  show();
  if (select && page.rows.length) pick(select === "last" ? page.rows.length - 1 : 0);
}

function ask(change, select) {
  query = { ...query, offset: 0, ...change };
  load({ select });
}

function sortBy(column) {
  const ascending = query.sort === column ? !query.ascending : column === "text";
  ask({ sort: column, ascending });
}

function turn(direction, select) {
  const offset = query.offset + direction * props.size;
  if (offset >= 0 && offset < page.total) ask({ offset }, select);
}

// ---- showing -------------------------------------------------------------------------------

function words(pieces) {
  const cell = el("td", { class: "mh-text" });
  for (const [op, said, got] of pieces) {
    if (op === "equal") cell.append(`${said} `);
    else {
      cell.append(el("span", { class: `mh-edit mh-edit-${op}` },
        el("b", {}, SIGNS[op]), said === null ? null : el("del", {}, said),
        op === "substitute" ? "→" : null, got === null ? null : el("ins", {}, got)), " ");
    }
  }
  if (!pieces.length) cell.append(texts.nothing);
  return cell;
}

function show() {
  const rows = page.rows.map((row, index) => {
    const cells = Object.keys(texts.columns).slice(1).map((name) =>
      el("td", { class: `mh-${name}` }, row[name] === "" ? "–" : String(row[name])));
    const node = el("tr", { "data-id": row.id }, words(row.words), ...cells);
    node.addEventListener("click", () => pick(index));
    return node;
  });
  body.replaceChildren(...rows);
  current = -1;
  const last = page.offset + page.rows.length;
  total.textContent = page.total
    ? fill(texts.total, { first: page.offset + 1, last, total: page.total }) : texts.none;
  back.disabled = page.offset === 0;
  forth.disabled = last >= page.total;
  for (const head of heads) {
    const sorted = head.dataset.column === query.sort;
    head.setAttribute("aria-sort",
      !sorted ? "none" : query.ascending ? "ascending" : "descending");
  }
  grid.scrollTop = 0;
}

function pick(index) {
  const rows = [...body.children];
  if (!rows[index]) return;
  if (rows[current]) rows[current].removeAttribute("aria-current");
  current = index;
  rows[index].setAttribute("aria-current", "true");
  const top = rows[index].offsetTop - grid.querySelector("thead").offsetHeight;
  const bottom = rows[index].offsetTop + rows[index].offsetHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (bottom > grid.scrollTop + grid.clientHeight) grid.scrollTop = bottom - grid.clientHeight;
  trigger("pick", { evaluation: props.value.evaluation, id: page.rows[index].id });
}

// ---- listening -----------------------------------------------------------------------------

let typing = 0;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => ask({ search: search.value }), TYPING_MS);
});
onlyErrors.addEventListener("change", () => ask({ only_errors: onlyErrors.checked }));
back.addEventListener("click", () => turn(-1));
forth.addEventListener("click", () => turn(1));
grid.addEventListener("keydown", (event) => {
  if (event.target !== grid || !page) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  if (current + step >= page.rows.length) turn(1, "first");
  else if (current + step < 0) turn(-1, "last");
  else pick(current + step);
});

function restart() {
  if (!props.value) {
    root.replaceChildren();
    return;
  }
  query = { ...first };
  search.value = "";
  onlyErrors.checked = false;
  root.replaceChildren(frame);
  load({ select: "first" });
}

watch("value", restart);
restart();
