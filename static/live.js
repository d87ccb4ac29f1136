// Pages of runs refresh themselves; without this file they say what was when they were opened.
const box = document.querySelector("[data-live]");
let asking = false, stale = false;

const focused = () => box.contains(document.activeElement) ? document.activeElement : null;

// Whoever types, reads on, selects or has a menu open is left alone until that is over.
const isBusy = () => document.hidden || box.querySelector("details[open]") || String(getSelection())
  || focused()?.matches("input, select, textarea, pre");

function replace(fresh) {
  const held = focused();
  const isSame = (e) => ["id", "href", "aria-label"].every((name) => e.getAttribute(name) === held.getAttribute(name));
  box.replaceChildren(...fresh.childNodes);
  if (held) [...box.querySelectorAll(held.localName)].find(isSame)?.focus({ preventScroll: true });
}

async function refresh() {
  if (asking || !stale || isBusy()) return;
  asking = true;
  // News that come while the answer is under way are asked for once more.
  stale = false;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const html = answer.ok && !answer.redirected ? await answer.text() : "";
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(box.id);
    if (isBusy()) stale = true;
    else if (fresh && !fresh.isEqualNode(box)) replace(fresh);
  } catch { /* The next news ask again. */ }
  asking = false;
  refresh();
}

function listen() {
  const source = new EventSource(box.dataset.live);
  const hear = () => { stale = true; refresh(); };
  // What happened between the page and its first word, or while the connection was gone, is in none.
  source.addEventListener("open", hear);
  source.addEventListener("message", hear);
  // The browser opens a lost connection again, but gives up when it is refused.
  source.addEventListener("error", () => { if (source.readyState === source.CLOSED) setTimeout(listen, 10000); });
  addEventListener("pagehide", () => source.close());
}

if (box) {
  listen();
  // The focus has moved on only after its event.
  for (const over of ["focusout", "selectionchange", "toggle", "visibilitychange"]) {
    document.addEventListener(over, () => setTimeout(refresh), true);
  }
}
