
// ---- downloads: the server writes the text, the page makes the file ------------------------------

function save({ name, text }) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function downloads({ download }) {
  const buttons = Object.entries(texts.formats).map(([format, [name, hint]]) => {
    const node = el("button", { type: "button", title: hint }, name);
    node.addEventListener("click", async () => {
      try {
        save(await server.fetch_text({ key: download, format }));
      } catch {
        box.append(el("p", { class: "mh-warning", role: "alert" }, texts.download_failed));
      }
    });
    return node;
  });
  const box = el("div", { class: "mh-downloads", role: "group",
    "aria-label": texts.download_hint },
    el("span", { title: texts.download_hint }, texts.download), ...buttons);
  return box;
}
