// What is shown stays in the page's address, so that it can be sent to somebody.
function remember(changed) {
  if (!root.offsetParent) return; // what a hidden tab does in the meantime is nobody's wish
  const address = new URL(location.href);
  for (const [key, value] of Object.entries({ tab: "errors", ...changed })) {
    if (value === null || value === "") address.searchParams.delete(key);
    else address.searchParams.set(key, value);
  }
  history.replaceState(history.state, "", address);
}
