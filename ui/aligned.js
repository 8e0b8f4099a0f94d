// Aligned words as nodes: what was said, and what was heard instead. Goes after dom.js.
const SIGNS = { equal: "", substitute: "✗", delete: "−", insert: "+" };

function aligned(pieces, nothing) {
  if (!pieces.length) return [nothing];
  return pieces.flatMap(([op, said, got]) => (op === "equal" ? [`${said} `]
    : [el("span", { class: `mh-edit mh-edit-${op}` },
      el("b", {}, SIGNS[op]), said === null ? null : el("del", {}, said),
      op === "substitute" ? "→" : null, got === null ? null : el("ins", {}, got)), " "]));
}

