// The filter below a headline. It is the state of the whole tab: kept here and in the page's
// address, and announced to the tab; every text enters as a text node. The headline's own script
// goes before: `figures` is its node, `tell` shows an answer in it.
const texts = props.texts;
const TYPING_MS = 250;
const IN_ADDRESS = { where: "where", search: "search", only_errors: "errors" };

const root = element.querySelector(".mh-filters");
let state = { where: "", search: "", only_errors: false };
let asked = 0;

// ---- the parts that stay -------------------------------------------------------------------

const origin = el("p", { class: "mh-origin" });
const search = el("input", { type: "search", placeholder: texts.search,
  "aria-label": texts.search, maxlength: "200" });
const onlyErrors = el("input", { type: "checkbox" });
const where = el("input", { type: "text", class: "mh-sql", spellcheck: "false",
  autocapitalize: "off", autocomplete: "off", placeholder: texts.where_example,
  "aria-label": texts.where, title: texts.where_hint });
const apply = el("button", { type: "submit", class: "mh-button" }, texts.apply);
const clear = el("button", { type: "button", class: "mh-button mh-quiet" }, texts.clear);
const problem = el("p", { class: "mh-problem", role: "alert" });
const passing = el("p", { class: "mh-passing", role: "status" });
const form = el("form", { class: "mh-condition" },
  el("label", { title: texts.where_hint }, texts.where), where, apply);
const quick = el("select", { "aria-label": texts.quick }, el("option", { value: "" }, texts.quick));
const columns = el("select", { "aria-label": texts.columns },
  el("option", { value: "" }, texts.columns));
const save = el("select", { "aria-label": texts.export }, el("option", { value: "" }, texts.export));
const frame = el("div", {}, figures, origin,
  el("div", { class: "mh-tools" }, search,
    texts.only_errors ? el("label", {}, onlyErrors, texts.only_errors) : null, quick, columns,
    texts.formats.length ? save : null),
  form, problem, el("div", { class: "mh-outcome" }, passing, clear));

for (const [label, condition] of Object.values(texts.quick_conditions)) {
  quick.append(el("option", { value: condition, title: condition }, label));
}
for (const format of texts.formats) {
  save.append(el("option", { value: format }, texts.format_names[format] || format));
}

// ---- asking --------------------------------------------------------------------------------

const question = () => ({ ...props.value, ...state });

async function load(select, at) {
  const mine = ++asked;
  announce("view", { question: question(), select, at });
  let answer;
  try {
    answer = await server.fetch_headline(question());
  } catch {
    answer = { error: texts.failed };
  }
  if (mine !== asked) return;
  problem.textContent = answer.error || "";
  where.toggleAttribute("aria-invalid", Boolean(answer.error));
  frame.classList.toggle("mh-broken", Boolean(answer.error));
  if (!answer.error) show(answer);
}

function change(changed, select = "first", at = null) {
  state = { ...state, ...changed };
  search.value = state.search;
  onlyErrors.checked = state.only_errors;
  where.value = state.where;
  const kept = Object.fromEntries(Object.entries(IN_ADDRESS).map(
    ([name, key]) => [key, state[name] === true ? "1" : state[name] || null]));
  remember({ [set]: props.value[set], ...kept });
  load(select, at);
}

function narrow(condition, at) {
  const before = state.where.trim();
  const both = before && before !== condition ? `(${before}) AND (${condition})` : condition;
  change({ where: both }, "first", at);
}

// ---- showing -------------------------------------------------------------------------------

function show(answer) {
  tell(answer);
  origin.textContent = answer.origin;
  const pattern = answer.filtered ? texts.shown : texts.everything;
  passing.textContent = fill(pattern, { count: answer.count, total: answer.total });
  frame.classList.toggle("mh-filtered", answer.filtered);
  clear.hidden = !answer.filtered;
  columns.replaceChildren(columns.firstChild, ...answer.columns.map(
    ([name, type]) => el("option", { value: name }, `${name} (${type})`)));
}

function insert(text) {
  const { selectionStart: start, selectionEnd: end, value } = where;
  where.value = value.slice(0, start) + text + value.slice(end);
  where.focus();
  where.setSelectionRange(start + text.length, start + text.length);
}

async function download(format) {
  passing.textContent = texts.exporting;
  const answer = await server.export_view({ ...question(), format })
    .catch(() => ({ error: texts.failed }));
  if (answer.error) problem.textContent = answer.error;
  else el("a", { href: answer.url, download: answer.name }).click();
  load(null);
}

// ---- listening -----------------------------------------------------------------------------

let typing = 0;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({ search: search.value }, null), TYPING_MS);
});
onlyErrors.addEventListener("change", () => change({ only_errors: onlyErrors.checked }, null));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  change({ where: where.value }, null);
});
clear.addEventListener("click", () => change({ where: "", search: "", only_errors: false }));
quick.addEventListener("change", () => {
  if (quick.value) narrow(quick.value);
  quick.value = "";
});
columns.addEventListener("change", () => {
  if (columns.value) insert(`${where.value && !where.value.endsWith(" ") ? " " : ""}${columns.value}`);
  columns.value = "";
});
save.addEventListener("change", () => {
  if (save.value) download(save.value);
  save.value = "";
});
hear("narrow", (wanted) => narrow(wanted.where, wanted.at));
hear("ask", () => {
  if (props.value) load("first");
});

let before = null;
function restart() {
  if (!props.value) {
    root.replaceChildren();
    return;
  }
  root.replaceChildren(frame);
  const first = before === null;
  before = props.value[set];
  change(first ? { where: said("where") || "", search: said("search") || "",
    only_errors: said("errors") === "1" } : { where: "", search: "", only_errors: false });
}

// Values that arrive while Gradio builds a tab that is opened take its components their props: so
// they are asked for when it is in view.
let seen = false;
new IntersectionObserver(() => {
  if (seen || !root.offsetParent) return;
  seen = true;
  trigger("opened", { asked: said(set) });
}).observe(root);

watch("value", restart);
restart();
