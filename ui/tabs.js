// The tab that is shown stays in the page's address, so that it can be sent to somebody.
document.addEventListener("click", ({ target }) => {
  const tab = target.closest("button[role=tab][data-tab-id]"); // Gradio's own
  if (!tab) return;
  const address = new URL(location.href);
  address.searchParams.set("tab", tab.dataset.tabId);
  history.replaceState(history.state, "", address);
});
