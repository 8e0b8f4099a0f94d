// The headline of an evaluation: its rates and counts. Goes before filters.js.
const figures = el("div", { class: "mh-rates" });

function rate({ label, hint, value, interval, interval_hint, raw }) {
  return el("div", { class: "mh-rate" }, el("h3", { title: hint }, label),
    el("p", { class: "mh-number" }, value, el("small", {}, " %")),
    el("p", { title: interval_hint }, interval),
    raw ? el("p", { class: "mh-raw", title: raw.hint }, raw.text) : null);
}

function counts({ lines, of_words, of_words_hint }) {
  const items = lines.map(({ name, sign, text, hint }) => el("li",
    { class: `mh-count-${name}`, title: hint }, el("b", { "aria-hidden": "true" }, sign), ` ${text}`));
  return el("div", { class: "mh-counts" }, el("ul", {}, ...items),
    el("p", { title: of_words_hint }, of_words));
}

function tell(answer) {
  figures.replaceChildren(...answer.rates.map(rate), counts(answer.counts));
}
