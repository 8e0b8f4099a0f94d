// The comparison of two systems. compare.js and compare_list.js are one script. Every text enters
// as a text node.
const texts = props.texts;
const root = element.querySelector(".mh-comparison");
let turn = 0; // so that only the answer to the last question is shown
let drawn = {}; // what is shown: names of A and B

async function ask(name, more = {}) {
  try {
    return await server[name]({ ...props.value, ...more });
  } catch {
    return { error: texts.no_answer };
  }
}

const problem = (text) => el("p", { class: "mh-problem", role: "status" }, text);
const hinted = (tag, text, hint, more = {}) => el(tag, { title: hint || null, ...more }, text);

// ---- the difference ------------------------------------------------------------------------

function sentence(parts) {
  const [first, ...others] = parts;
  return el("div", { class: "mh-verdict" }, el("p", { class: "mh-first" }, first.text),
    el("p", {}, ...others.flatMap(({ text, hint }) => [
      hinted("span", text, hint, { class: "mh-term" }), " "])));
}

function factList(facts) {
  return el("dl", { class: "mh-numbers" }, ...facts.map(([label, value, hint]) =>
    el("div", { title: hint || null }, el("dt", {}, label), el("dd", {}, value))));
}

function wordList(change, words) {
  const items = words.map(([word, fixed, introduced]) => {
    const counts = [[texts.n_fixed, fixed], [texts.n_introduced, introduced]]
      .filter(([, n]) => n).map(([text, n]) => fill(text, { n })).join(", ");
    const node = el("button", { type: "button", class: `mh-word mh-word-${change}` },
      el("b", {}, word), " ", counts);
    node.addEventListener("click", () => narrow({ word, change }));
    return node;
  });
  return el("section", {}, el("h3", { title: texts.words_hint }, texts[change]),
    ...(items.length ? items : [el("span", { class: "mh-none" }, texts.no_words)]));
}

// ---- all systems ---------------------------------------------------------------------------

function systemTable(answer) {
  const names = answer.columns.map(([name]) => name);
  const heads = answer.columns.map(([, [label, hint]]) =>
    hinted("th", label, hint, { scope: "col" }));
  const lines = answer.rows.map((row, i) => {
    const name = row.system;
    const head = i === 0 || name === props.value.other ? el("span", {}, name)
      : el("button", { type: "button", class: "mh-link", title: texts.choose }, name);
    if (head.tagName === "BUTTON") {
      head.addEventListener("click", () => trigger("choose", { other: name }));
    }
    const side = i === 0 ? texts.sides[0] : name === props.value.other ? texts.sides[1] : "";
    const label = el("th", { scope: "row" }, el("b", { class: "mh-letter" }, side), head);
    return el("tr", {}, label,
      ...names.slice(1).map((column) => el("td", {}, row[column] || "–")));
  });
  const label = fill(texts.systems, answer);
  return el("section", { class: "mh-systems" }, el("h3", {}, label),
    el("div", { class: "mh-rows", tabindex: "0", role: "group", "aria-label": label },
      el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...lines))));
}

// ---- the whole -----------------------------------------------------------------------------

async function draw() {
  const { evaluation, other } = props.value || {};
  if (evaluation && drawn.evaluation === evaluation && drawn.other === other) return;
  drawn = { evaluation, other };
  const mine = ++turn;
  if (!props.value) {
    root.replaceChildren();
    return;
  }
  root.replaceChildren(el("p", { class: "mh-none", role: "status" }, texts.loading));
  const [found, systems] = await Promise.all([ask("fetch_headline"), ask("fetch_systems")]);
  if (mine !== turn) return;
  if (found.error || systems.error) {
    root.replaceChildren(problem(found.error || systems.error));
    return;
  }
  outcomes = found.outcomes;
  query = { ...everything };
  root.replaceChildren(sentence(found.sentence), factList(found.facts), systemTable(systems),
    el("div", { class: "mh-words-changed" }, wordList("fixed", found.fixed),
      wordList("introduced", found.introduced)),
    shares(found.outcomes), filters, chip, grid, pager);
  load("first");
}

watch("value", draw);
