// ---- causes --------------------------------------------------------------------------------

lists.causes = async () => {
  const answer = await ask("fetch_causes");
  if (answer.error) return problem();
  if (!answer.causes.length) return nothing();
  const chart = grid(texts.causes.columns, answer.causes, (row) => [
    row.name,
    el("span", { class: "mh-with-button" }, String(row.errors), listenButton(row.edits)),
    shareBar(row.share, percent(row.share)),
    percent(row.cumulative),
  ], (row) => narrow(row.where));
  const lines = [...chart.querySelectorAll("tbody th")];
  answer.causes.forEach((row, i) => lines[i].append(
    el("p", { class: "mh-why" }, row.hint, " ", el("em", {}, row.advice))));
  return el("div", {}, chart, labelErrors(answer.label_errors));
};

function labelErrors(rows) {
  if (!rows.length) return null;
  const columns = { pair: [texts.causes.label_errors, ""], score: ["", texts.causes.label_errors_hint] };
  return grid(columns, rows, (row) => [pair(row.text, row.pred_text), row.suspicion.toFixed(2)],
    (row) => pickId(row.id));
}

// ---- confusions ----------------------------------------------------------------------------

const confusionList = (get) => async () => {
  const answer = await ask(get);
  if (answer.error) return problem();
  const parts = Object.entries(texts.confusion_lists).map(([name, [label, hint]]) =>
    confusionTable(name, answer[name], label, hint));
  if (!parts.some(Boolean)) return nothing();
  return el("div", { class: "mh-confusions" }, matrix(answer.matrix),
    answer.note ? el("p", { class: "mh-why" }, answer.note) : null,
    el("div", { class: "mh-columns-3" }, ...parts.filter(Boolean)));
};

const visible = (text) => (text === " " ? texts.confusions.space : text);

function confusionTable(name, rows, label, hint) {
  if (!rows || !rows.length) return null;
  const title = el("span", { title: hint }, label);
  const head = name === "substitutions" ? texts.confusions.pair : texts.confusions.one;
  return grid({ head, ...texts.confusions.columns }, rows, (row) => [
    row.reference === null ? visible(row.heard) : row.heard === null ? visible(row.reference)
      : `${visible(row.reference)} → ${visible(row.heard)}`,
    String(row.count), shareBar(row.share, percent(row.share)),
  ], (row) => narrow(row.where, row), title);
}

function matrix(value) {
  if (!value || !value.words.length) return null;
  const most = Math.max(1, ...value.counts.flatMap((row, i) =>
    row.filter((_, j) => value.words[i] !== value.heard[j])));
  const name = (text) => (text === null ? texts.confusions.none : visible(text));
  const heads = value.heard.map((text) => el("th", { scope: "col" }, name(text)));
  const rows = value.counts.map((counts, i) => el("tr", {},
    el("th", { scope: "row" }, name(value.words[i])),
    ...counts.map((n, j) => cell(n, value.words[i], value.heard[j], most, value.where?.[i]?.[j]))));
  return el("div", { class: "mh-rows mh-matrix" }, el("table", {},
    el("caption", {}, texts.confusions.matrix),
    el("thead", {}, el("tr", {}, el("td"), ...heads)), el("tbody", {}, ...rows)));
}

function cell(n, said, heard, most, where) {
  const right = said === heard;
  const node = el("td", { class: right ? "mh-right" : "mh-cell" });
  node.style.setProperty("--share", right ? 0 : n / most);
  if (!n) return node;
  const label = fill(texts.confusions.cell, { said: word(said), heard: word(heard), n });
  if (right || !where) {
    node.append(el("span", { title: label }, String(n)));
    return node;
  }
  const button = el("button", { type: "button", title: label, "aria-label": label }, String(n));
  button.addEventListener("click", () => narrow(where, { reference: said, heard }));
  node.append(button);
  return node;
}

lists.confusions = confusionList("fetch_confusions");
lists.characters = confusionList("fetch_characters");

// ---- words ---------------------------------------------------------------------------------

lists.words = pagedList("fetch_words", { ...texts.words,
  first: { sort: "errors", ascending: false } }, (row) => [row.word, String(row.said),
  row.recall === null ? null : percent(row.recall), String(row.heard),
  row.precision === null ? null : percent(row.precision), String(row.errors),
  String(row.substituted), String(row.deleted), String(row.heard_wrong)]);

// ---- slices --------------------------------------------------------------------------------

let sliceField = null;

lists.slices = async () => {
  const place = el("div");
  const worst = el("div", {}, el("p", { class: "mh-wait" }, texts.loading));
  const choice = el("select", { "aria-label": texts.slices.field });
  const again = async (field) => {
    const answer = await ask("fetch_slices", field ? { field } : {});
    if (answer.error) {
      place.replaceChildren(problem());
      return;
    }
    sliceField = answer.field;
    choice.replaceChildren(...answer.fields.map(([name, label]) => el("option",
      { value: name, selected: name === answer.field ? "" : null }, label)));
    place.replaceChildren(answer.slices.length ? sliceRows(answer.slices) : nothing());
  };
  choice.addEventListener("change", () => again(choice.value));
  await again(sliceField);
  ask("fetch_worst").then((answer) => worst.replaceChildren(answer.error
    ? problem() : worstRows(answer.worst)));
  return el("div", {}, el("div", { class: "mh-tools" }, el("label", {}, texts.slices.field, choice)),
    place, el("h3", { class: "mh-heading", title: texts.slices.worst_hint }, texts.slices.worst),
    worst);
};

function sliceRows(rows) {
  return grid(texts.slices.columns, rows, (row) => [row.label || texts.nothing, String(row.utterances),
    shareBar(row.wer, percent(row.wer)),
    fill(texts.slices.range, { low: percent(row.low), high: percent(row.high) }),
    percent(row.share_of_errors), percent(row.share_of_words)], (row) => narrow(row.where));
}

function worstRows(rows) {
  if (!rows.length) return nothing(texts.slices.no_worst);
  return grid(texts.slices.worst_columns, rows, (row) => [row.label, String(row.utterances),
    shareBar(row.wer, percent(row.wer)), percent(row.rest_wer), row.excess_errors.toFixed(0),
    row.q < 0.001 ? "< 0.001" : row.q.toFixed(3)], (row) => narrow(row.where));
}

// ---- skipped -------------------------------------------------------------------------------

lists.skipped = async () => {
  const answer = await ask("fetch_skipped");
  if (answer.error) return problem();
  if (!answer.rows.length) return nothing(texts.skipped.none);
  return grid(texts.skipped.columns, answer.rows,
    (row) => [String(row.line), row.reason, el("code", {}, row.raw)]);
};
