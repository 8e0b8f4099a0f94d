() => {
  // Gradio tells that a tab was selected, and the page which one it is.
  const tabs = [...document.querySelectorAll("button[role=tab][data-tab-id]")];
  const chosen = tabs.find((tab) => tab.ariaSelected === "true");
  const address = new URL(location.href);
  if (chosen) address.searchParams.set("tab", chosen.dataset.tabId);
  history.replaceState(history.state, "", address);
}
