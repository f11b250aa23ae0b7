// Warns before a session ends, and keeps what was typed when a page goes away
// that it was typed on: when the session ended, or the language was changed. What
// is kept stays in this tab, and never a password, a file or a hidden field.
(() => {
  const draft = "kvitt.draft", hour = 3600e3, here = location.pathname;
  const read = () => { try { return JSON.parse(sessionStorage.getItem(draft)); } catch { return null; } };
  const write = (d) => { try { d ? sessionStorage.setItem(draft, JSON.stringify(d)) : sessionStorage.removeItem(draft); } catch { /* nothing is kept then */ } };
  const fields = () => [...document.querySelectorAll("main form[method=post] input, main form[method=post] select, main form[method=post] textarea")]
    .filter((e) => e.name && !["password", "file", "hidden", "submit"].includes(e.type) && !e.closest("[data-secret]"));
  const nameOf = (e) => e.form.getAttribute("action") + " " + e.name + (["checkbox", "radio"].includes(e.type) ? " " + e.value : "");
  const signIn = document.querySelector("[data-signin]"); // has nothing to keep, and what waits must wait on
  const keep = (kept) => signIn || write({at: Date.now(), path: here, kept, values: Object.fromEntries(
    fields().map((e) => [nameOf(e), ["checkbox", "radio"].includes(e.type) ? e.checked : e.value]))});
  const restore = (d) => {
    let some = false;
    for (const e of fields()) {
      const v = d.values[nameOf(e)];
      if (v === undefined) continue;
      if (typeof v === "boolean") { some ||= e.checked !== v; e.checked = v; } else { some ||= e.value !== v; e.value = v; }
    }
    const note = document.getElementById("restored");
    if (some && note) note.hidden = false;
  };

  const was = read();
  if (was && Date.now() - was.at > hour) write(null);
  else if (was && signIn) write({...was, kept: true});
  else if (was && was.kept && was.path === here) { restore(was); write(null); }
  else if (was && !was.kept) write(null);
  const changed = (f) => f.value !== f.defaultValue && f.tagName !== "SELECT" || f.checked !== f.defaultChecked;
  let sent = false;
  addEventListener("pagehide", () => { if (!sent && !read() && fields().some(changed)) keep(false); });
  document.addEventListener("submit", (e) => { if (e.target.method === "post" && e.target.closest("main")) { sent = true; keep(false); } });
  for (const a of document.querySelectorAll("a[hreflang]")) {
    a.addEventListener("click", () => { if (fields().length) keep(true); });
  }
  const token = document.querySelector('input[name="token"]');
  if (token) { // the code of a one-time link goes along as a fragment, which no server sees
    addEventListener("click", (e) => { const a = e.target.closest?.("a[hreflang]"); if (a && token.value) a.hash = token.value; }, true);
  }

  // A page that follows what moves leaves a form alone that somebody fills in.
  document.addEventListener("htmx:beforeRequest", (e) => {
    const at = e.target;
    if (at.id === "now" && (fields().some(changed) || at.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"))) e.preventDefault();
  });

  const box = document.getElementById("session");
  if (!box) return;
  const part = (name) => box.querySelector(`[data-part=${name}]`);
  part("stay").addEventListener("click", async () => {
    const answer = await fetch(part("stay").getAttribute("formaction"), {method: "POST"}).catch(() => null);
    if (answer && answer.ok) box.dataset.ends = (await answer.json()).ends;
    look(true);
  });
  function look(asked) {
    const left = Number(box.dataset.ends) - Date.now();
    box.hidden = left > 10 * 60e3;
    part("soon").hidden = left <= 0;
    part("over").hidden = left > 0;
    if (asked && !box.hidden) { part("day").hidden = false; part("stay").hidden = true; }
    for (const e of box.querySelectorAll("time")) e.textContent = new Date(Number(box.dataset.ends)).toLocaleTimeString(document.documentElement.lang, {hour: "2-digit", minute: "2-digit"});
  }
  look(false);
  setInterval(() => look(false), 1000);
})();
