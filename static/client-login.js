// The Prefect client waits at a port of this computer: hand it the key, or tell it that there is none.
const box = document.querySelector("[data-callback]");
const key = document.getElementById("key");
const cancel = document.querySelector("[data-cancel]");

async function tell(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(box.dataset.callback + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the client answered ${answer.status}`);
}

async function handOver() {
  const outcome = document.getElementById("outcome"), byHand = document.getElementById("by-hand");
  try {
    await tell("/success", { api_key: key.textContent });
    byHand.remove();
    outcome.textContent = "The client has its key and is signed in. You can close this page.";
  } catch {
    outcome.textContent = "Your browser could not hand the key to the client.";
  }
}

if (key) handOver();

cancel?.addEventListener("click", async (e) => {
  e.preventDefault();
  try { await tell("/failure", { reason: "Canceled in the browser." }); } catch { /* it stopped waiting */ }
  location.assign(cancel.href);
});
