// The components of a tab know each other by its scope; see explorer.py. Goes after dom.js.
const { tab, set, prefix } = props.scope;
const inAddress = (key) => (key === set ? key : `${prefix}${key}`);
const said = (key) => new URLSearchParams(location.search).get(inAddress(key));

// What is shown stays in the page's address, so that it can be sent to somebody.
function remember(changed) {
  if (!root.offsetParent) return; // what a hidden tab does in the meantime is nobody's wish
  const address = new URL(location.href);
  address.searchParams.set("tab", tab);
  for (const [key, value] of Object.entries(changed)) {
    if (value === null || value === "") address.searchParams.delete(inAddress(key));
    else address.searchParams.set(inAddress(key), value);
  }
  history.replaceState(history.state, "", address);
}

// A tab's components speak through the document; other tabs do not hear it.
function announce(name, detail = {}) {
  document.dispatchEvent(new CustomEvent(`mh:${prefix}${name}`, { detail }));
}

function hear(name, act) {
  document.addEventListener(`mh:${prefix}${name}`, ({ detail }) => act(detail));
}
