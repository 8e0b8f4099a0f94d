// What if: the kinds of changes as buttons, the amount as a slider, the changes made so far, and
// what was heard before and after them. Every text enters as a text node.
const texts = props.texts;
const SIGNS = { equal: "", substitute: "✗", delete: "−", insert: "+" };

const root = element.querySelector(".mh-what-if");
const all = props.kinds.flatMap((group) => group.kinds);
let chosen = null;

// ---- what to do --------------------------------------------------------------------------------

const slider = el("input", { type: "range" });
const amount = el("output", {});
const label = el("label", { class: "mh-amount" });
const apply = el("button", { type: "button", class: "mh-button mh-apply" }, texts.apply);
const hint = el("p", { class: "mh-kind-hint" });
const doing = el("div", { class: "mh-doing", hidden: "" }, hint, label, apply);
const stack = el("div", { class: "mh-stack", role: "group", "aria-label": texts.changes });
const result = el("div", { class: "mh-result", "aria-live": "polite" });

const number = (value) => String(Number(value)).replace("-", "−");
const named = (kind, value) => (kind.parameter
  ? `${kind.label} ${number(value)} ${kind.parameter.unit}` : kind.label);

function show() {
  const range = chosen.parameter;
  amount.textContent = range ? `${number(slider.value)} ${range.unit}` : "";
}

function choose(kind) {
  chosen = kind;
  for (const node of root.querySelectorAll("[data-kind]")) {
    node.setAttribute("aria-pressed", node.dataset.kind === kind.name);
  }
  hint.textContent = kind.hint;
  const range = kind.parameter;
  label.hidden = !range;
  if (range) {
    for (const [name, value] of [["min", range.low], ["max", range.high], ["step", range.step]]) {
      slider.setAttribute(name, value);
    }
    slider.value = range.default;
    label.replaceChildren(el("span", {}, range.name), slider, amount);
  }
  doing.hidden = false;
  show();
}

function ask(changes) {
  // In the value, because of quick clicks Gradio sends the first one's event data again.
  props.value = { ...props.value, asked: changes, stack: changes, state: "working" };
  trigger("ask", {});
}

const groups = props.kinds.map((group) => el("div", { class: "mh-group", role: "group",
  "aria-label": group.label }, el("span", { class: "mh-group-name" }, group.label),
...group.kinds.map((kind) => {
  const node = el("button", { type: "button", class: "mh-kind", "data-kind": kind.name,
    "aria-pressed": "false", title: kind.hint }, kind.label);
  node.addEventListener("click", () => choose(kind));
  return node;
})));

slider.addEventListener("input", show);
apply.addEventListener("click", () => ask([...props.value.stack,
  { name: chosen.name, amount: chosen.parameter ? Number(slider.value) : null }]));

// ---- what was done -----------------------------------------------------------------------------

function drawStack() {
  const changes = props.value.stack;
  const chips = changes.flatMap((change, at) => {
    const kind = all.find((each) => each.name === change.name);
    const text = named(kind, change.amount);
    const node = el("button", { type: "button", class: "mh-chip",
      title: fill(texts.remove, { change: text }) }, text, el("b", { "aria-hidden": "true" }, " ×"));
    node.addEventListener("click", () => ask(changes.filter((_, i) => i !== at)));
    return at ? [el("span", { "aria-hidden": "true" }, "→"), node] : [node];
  });
  const reset = el("button", { type: "button", class: "mh-button mh-quiet" }, texts.reset);
  reset.addEventListener("click", () => ask([]));
  stack.replaceChildren(...(changes.length ? [...chips, reset]
    : [el("span", { class: "mh-none" }, texts.none)]));
}

function diff(steps) {
  const columns = steps.map(([op, before, after]) => el("div",
    { class: `mh-step mh-step-${op}`, role: "listitem" },
    el("span", { class: "mh-word" }, before === null ? "–" : before),
    el("span", { class: "mh-op", title: texts.signs[op] || null },
      SIGNS[op] ? `${SIGNS[op]} ${texts.signs[op]}` : "="),
    el("span", { class: "mh-word" }, after === null ? "–" : after)));
  const names = el("div", { class: "mh-step mh-step-names", "aria-hidden": "true" },
    el("span", {}, texts.before), el("span", {}), el("span", {}, texts.after));
  return el("div", { class: "mh-steps" }, names,
    el("div", { class: "mh-step-list", role: "list", "aria-label": texts.diff }, ...columns));
}

function row(which, { words, confidence, errors, url }, compared) {
  const sound = el("audio", { controls: "", preload: "metadata", src: url,
    "aria-label": fill(texts.play, { which }) });
  sound.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== sound) other.pause();
  });
  return el("tr", {}, el("th", { scope: "row" }, which), el("td", {}, String(words.length)),
    el("td", {}, confidence === null ? "–" : `${Math.round(100 * confidence)} %`),
    compared ? el("td", {}, String(errors)) : null, el("td", { class: "mh-sound" }, sound));
}

function table({ before, after }) {
  const compared = before.errors !== null;
  const [which, words, sure, wrong, listen] = texts.columns;
  return el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, which), el("th", {}, words),
    el("th", { title: texts.confidence_hint }, sure),
    compared ? el("th", { title: texts.errors_hint }, wrong) : null, el("th", {}, listen))),
  el("tbody", {}, row(texts.before, before, compared), row(texts.after, after, compared)));
}

function drawResult() {
  const { state, shown } = props.value;
  if (state === "working") {
    result.replaceChildren(el("p", { class: "mh-wait", role: "status" }, texts.working));
  } else if (!shown) {
    result.replaceChildren();
  } else {
    const same = shown.steps.every(([op]) => op === "equal");
    const told = shown.steps.length ? diff(shown.steps) : el("p", {}, texts.nothing);
    result.replaceChildren(...[told, same ? el("p", { class: "mh-same" }, texts.same) : null,
      shown.note ? el("p", { class: "mh-note" }, shown.note) : null, table(shown)].filter(Boolean));
  }
}

function draw() {
  drawStack();
  drawResult();
  root.classList.toggle("mh-busy", props.value.state === "working");
}

root.replaceChildren(el("p", { class: "mh-intro" }, texts.intro), ...groups, doing, stack, result);
watch("value", draw);
draw();
