
// ---- recordings: what the doctor sees in them ------------------------------------------------

lists.recordings = async () => {
  const answer = await ask("fetch_recordings");
  if (answer.error) return problem();
  if (!answer.known) return nothing(texts.recordings.unknown);
  const table = grid(texts.recordings.columns, answer.recordings, (row) => [row.name,
    String(row.utterances), row.wer === null ? null : shareBar(Math.min(row.wer, 1), percent(row.wer)),
    row.rest === null ? null : percent(row.rest)], (row) => narrow(row.where));
  const lines = [...table.querySelectorAll("tbody th")];
  answer.recordings.forEach((row, i) => {
    if (row.advice) lines[i].append(el("p", { class: "mh-why" }, row.advice));
  });
  table.classList.add("mh-hinted");
  return table;
};
