// The headline of a description: how much there is, and what the checks found. Goes before
// filters.js.
const figures = el("div", { class: "mh-data-head" });

function number([label, hint, value]) {
  return el("div", { class: "mh-rate" }, el("h3", { title: hint }, label),
    el("p", { class: "mh-number" }, value));
}

function splitTable({ columns_of_splits: columns, splits }) {
  if (splits.length < 2) return null;
  const heads = Object.values(columns).map(([label, hint]) =>
    el("th", { scope: "col", title: hint || null }, label));
  const rows = splits.map(({ name, cells, where: condition }) => {
    const button = el("button", { type: "button", class: "mh-link", title: texts.split_hint }, name);
    button.addEventListener("click", () => change({ where: condition }));
    return el("tr", {}, el("th", { scope: "row" }, button),
      ...cells.map((cell) => el("td", {}, cell)));
  });
  return el("div", { class: "mh-rows mh-grid mh-splits" }, el("table", {},
    el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}

function check({ kind, sign, verdict, title, what, advice, count, where: condition }) {
  if (kind === "ok") return el("li", {}, title);
  const name = [el("span", { class: "mh-verdict" }, el("b", { "aria-hidden": "true" }, sign),
    ` ${verdict}`), el("strong", {}, title)];
  const told = what || advice ? el("details", {}, el("summary", {}, ...name),
    what ? el("p", {}, what) : null, advice ? el("p", {}, el("em", {}, advice)) : null)
    : el("div", { class: "mh-plain" }, ...name);
  const node = el("li", { class: `mh-check mh-check-${kind}` }, told);
  if (condition) {
    const button = el("button", { type: "button", class: "mh-button mh-quiet",
      "aria-label": `${texts.show}: ${title}` }, texts.show);
    button.addEventListener("click", () => {
      change({ where: condition, search: "" });
      form.scrollIntoView({ block: "start" });
    });
    node.append(el("div", { class: "mh-leads" }, el("span", {}, count), button));
  }
  return node;
}

function checkList(checks) {
  const found = checks.filter(({ kind }) => kind !== "ok");
  const fine = checks.filter(({ kind }) => kind === "ok");
  return el("section", { class: "mh-checks" },
    el("h2", { class: "mh-heading", title: texts.checks_hint }, texts.checks),
    checks.length ? null : el("p", {}, texts.no_checks),
    found.length ? el("ul", { class: "mh-found" }, ...found.map(check)) : null,
    fine.length ? el("details", {}, el("summary", {}, el("b", { "aria-hidden": "true" }, "✓ "),
      fill(texts.all_ok, { n: fine.length })), el("ul", { class: "mh-fine" }, ...fine.map(check))) : null);
}

let checked = ""; // what stands there, so that an opened line stays open
let checksNode = null;

function tell(answer) {
  const state = JSON.stringify(answer.checks);
  if (state !== checked) [checked, checksNode] = [state, checkList(answer.checks)];
  figures.replaceChildren(el("div", {}, el("div", { class: "mh-rates" },
    ...answer.numbers.map(number)), ...[splitTable(answer)].filter(Boolean)), checksNode);
}
