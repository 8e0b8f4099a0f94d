// The choice of a figure, its bars as a table, and what makes the bars of the figure lead to their
// recordings. Every text enters as a text node.
const texts = props.texts;
const root = element.querySelector(".mh-figures");

let view = null; // the question that the figure follows
let shown = said("figure") || "duration_s";
let asked = 0;

const choice = el("select", { "aria-label": texts.choose });
const counts = el("input", { type: "checkbox" });
const counted = el("label", {}, counts, texts.counts);
const hint = el("p", { class: "mh-why" });
const note = el("p", { class: "mh-why" });
const table = el("details", { class: "mh-bars" }, el("summary", {}, texts.table));
const frame = el("div", {}, el("div", { class: "mh-tools" },
  el("h2", { class: "mh-heading" }, texts.heading), choice,
  counted), hint, table, note);

async function ask(name, more = {}) {
  return server[name]({ ...view, ...more }).catch(() => ({ error: texts.failed }));
}

async function offer() {
  const answer = await ask("fetch_figures");
  if (answer.error) return;
  const names = answer.groups.flatMap(([, members]) => members.map(([name]) => name));
  if (!names.includes(shown)) [shown] = names;
  choice.replaceChildren(...answer.groups.map(([label, members]) => el("optgroup", { label },
    ...members.map(([name, title]) => el("option", { value: name }, title)))));
  choice.value = shown;
}

async function draw() {
  if (!view || !root.offsetParent) return;
  const mine = ++asked;
  if (!choice.options.length) await offer();
  if (mine !== asked) return;
  const question = { ...view, figure: shown, counts: counts.checked };
  // In the value, because of quick changes Gradio sends the first one's event data again.
  props.value = question;
  trigger("draw", {});
  const answer = await ask("fetch_bars", { figure: shown });
  if (mine === asked) show(answer);
}

function show(answer) {
  frame.classList.toggle("mh-broken", Boolean(answer.error));
  if (answer.error) {
    note.textContent = answer.error;
    return;
  }
  const clickable = answer.rows.length ? ` ${texts.click}` : "";
  hint.textContent = `${answer.hint}${clickable}`;
  note.textContent = answer.note;
  counted.hidden = !answer.counted;
  table.hidden = !answer.rows.length;
  document.getElementById(props.plot)?.setAttribute("aria-label",
    fill(texts.plot, { title: answer.label }));
  const heads = [texts.range, ...answer.splits].map((name) => el("th", { scope: "col" }, name));
  const lines = answer.rows.map(([range, cells]) => el("tr", {},
    el("th", { scope: "row" }, range), ...cells.map((cell, i) => el("td", {},
      cell ? leading(cell, range, answer.splits[i]) : "–"))));
  table.replaceChildren(table.firstChild, el("div", { class: "mh-rows mh-grid" }, el("table", {},
    el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...lines))));
}

function leading([n, where], range, split) {
  const label = fill(texts.cell, { range, split, n });
  const node = el("button", { type: "button", class: "mh-link", title: label, "aria-label": label }, n);
  node.addEventListener("click", () => announce("narrow", { where }));
  return node;
}

// ---- clicks on the figure ------------------------------------------------------------------

// gr.Plot has no event for them. Plotly's own element has: `on`, which is another one after
// Plotly has begun anew on the same element. Each bar's `customdata` is its condition.
let known = null;
function listen() {
  const graph = document.querySelector(`#${props.plot} .js-plotly-plot`);
  if (!graph?.on || graph.on === known) return;
  known = graph.on;
  graph.on("plotly_click", ({ points }) => {
    const where = points[0]?.customdata;
    if (typeof where === "string") announce("narrow", { where });
  });
}
// Its place in the page is there only while there is a figure: so what holds both is watched.
new MutationObserver(listen).observe(root.closest(".column") || document.body,
  { childList: true, subtree: true });

// ---- listening -----------------------------------------------------------------------------

choice.addEventListener("change", () => {
  shown = choice.value;
  remember({ figure: shown === "duration_s" ? null : shown });
  draw();
});
counts.addEventListener("change", draw);
hear("view", ({ question }) => {
  if (view && view[set] !== question[set]) choice.replaceChildren();
  view = question;
  draw();
});

function restart() {
  if (!props.value) {
    view = null;
    choice.replaceChildren();
    root.replaceChildren();
    return;
  }
  if (!root.firstChild) root.replaceChildren(frame);
  if (view?.[set] === props.value[set]) return; // the filter was here first, or it is our own
  announce("ask");
}

watch("value", restart);
restart();
