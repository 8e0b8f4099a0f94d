// The lists of the Data tab; see panel_base.js.

function spread(row) {
  return row.splits.map(([split, n]) => (n ? String(n) : el("span", { class: "mh-lacks",
    title: fill(texts.lacks, { split }), "aria-label": fill(texts.lacks, { split }) }, "✗ 0")));
}

const first = { sort: "count", ascending: false };
const counted = (row) => [row.word, row.count, row.recordings, ...spread(row)];
lists.words = pagedList("fetch_words", { ...texts.words, first }, counted);
lists.symbols = pagedList("fetch_symbols", { ...texts.symbols, first }, counted);

lists.skipped = async () => {
  const answer = await ask("fetch_skipped");
  if (answer.error) return problem();
  const cells = (row) => [row.split, String(row.line), row.reason, el("code", {}, row.raw)];
  const parts = [
    answer.unreadable.length ? grid(texts.skipped.columns, answer.unreadable, cells,
      (row) => pickId(row.id), texts.skipped.unreadable) : null,
    answer.left_out.length ? grid(texts.skipped.columns, answer.left_out, cells, null,
      texts.skipped.left_out) : null,
  ].filter(Boolean);
  return parts.length ? el("div", {}, ...parts) : nothing(texts.skipped.none);
};
