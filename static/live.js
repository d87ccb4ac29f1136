// Pages of runs refresh themselves; without this file they say what was when they were opened.
const box = document.querySelector("[data-live]");
let asked = false;

async function refresh() {
  // Whoever types, selects or has a menu open is left alone until the next change.
  if (box.contains(document.activeElement) && document.activeElement !== document.body) return;
  if (box.querySelector("details[open]") || String(getSelection())) return;
  if (asked || document.hidden) return;
  asked = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(box.id);
    if (fresh) box.replaceChildren(...fresh.childNodes);
  } catch { /* The next change asks again. */ } finally { asked = false; }
}

if (box) {
  const source = new EventSource(box.dataset.live);
  source.addEventListener("message", refresh);
  addEventListener("pagehide", () => source.close());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}
