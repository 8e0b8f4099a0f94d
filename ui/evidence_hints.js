
// ---- what the doctor says of the recording --------------------------------------------------

const HINT_SIGNS = { warning: "⚠", note: "ⓘ" };

function hintList(hints) {
  if (hints === null) return null;
  const words = texts.doctor;
  const rows = hints.map((hint) => el("li", { class: `mh-hint-${hint.severity}` },
    el("span", { class: "mh-hint-sign", role: "img", "aria-label": words[hint.severity],
      title: words[hint.severity] }, HINT_SIGNS[hint.severity]),
    el("div", {}, el("b", {}, hint.name), el("p", {}, hint.found), el("p", {}, hint.advice))));
  const body = rows.length ? el("ul", {}, ...rows) : el("p", {}, `✓ ${words.nothing}`);
  return el("section", { class: "mh-hints" }, el("h3", { title: words.title_hint }, words.title),
    body);
}
