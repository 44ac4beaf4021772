"use strict";
// Better with a little: a page that shows what is so follows what happens. Without this every page is read all the same.
(() => {
  const body = document.body, path = body.dataset.live;
  if (!path || !window.EventSource || !window.DOMParser) return;
  const names = ["move", "release", "yank", "purge", "result", "request", "decision", "bundle", "change", "reset"];
  const calm = 300;
  let serial = Number(body.dataset.serial), source = null, timer = 0, late = false;

  // Whoever is in the middle of something is not disturbed: typing, choosing, or with a dialog open.
  const busy = () => {
    const at = document.activeElement, main = document.getElementById("main");
    if (document.querySelector("dialog[open]")) return true;
    if (at && main.contains(at) && at.matches("input, select, textarea, button, summary")) return true;
    const touched = (field) => field.type === "checkbox" || field.type === "radio"
      ? field.checked !== field.defaultChecked
      : field.matches("select")
        ? [...field.options].some((one) => one.selected !== one.defaultSelected) && [...field.options].some((one) => one.defaultSelected)
        : field.value !== field.defaultValue;
    return [...main.querySelectorAll("input:not([type=hidden]), select, textarea")].some(touched);
  };

  const say = (words) => { document.getElementById("live").textContent = words; };

  async function renew() {
    if (busy()) { late = true; say("Something has changed. Reload the page to see it."); return; }
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
    if (!answer) return;
    if (answer.redirected || answer.status === 401) { location.reload(); return; }
    if (!answer.ok || busy()) { late = true; return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("main"), main = document.getElementById("main");
    if (!fresh || fresh.innerHTML === main.innerHTML) { note(page); return; }
    const open = new Map([...main.querySelectorAll("details")].map((one, at) => [at, one.open]));
    [...fresh.querySelectorAll("details")].forEach((one, at) => { if (open.has(at)) one.open = open.get(at); });
    const held = document.activeElement, kept = held && main.contains(held) ? held.getAttribute("href") : null;
    main.replaceChildren(...fresh.childNodes);
    if (kept) [...main.querySelectorAll("a")].find((one) => one.getAttribute("href") === kept)?.focus({ preventScroll: true });
    late = false;
    note(page);
    say("The page shows what has changed.");
    document.dispatchEvent(new CustomEvent("pinset:renewed"));
  }

  const note = (page) => { serial = Math.max(serial, Number(page.body.dataset.serial) || 0); };
  const soon = () => { clearTimeout(timer); timer = setTimeout(renew, calm); };

  // A tab that nobody sees holds no connection: a browser has few for one server.
  function follow() {
    if (source || document.hidden) return;
    source = new EventSource(path);
    source.addEventListener("ready", (event) => { if (Number(event.lastEventId) > serial) soon(); });
    names.forEach((name) => source.addEventListener(name, soon));
    // The browser itself comes back after a broken line. After a refusal it does not: the session is over, or there is no room.
    source.onerror = () => { if (source?.readyState === EventSource.CLOSED) { leave(); setTimeout(() => { renew(); follow(); }, 10000 * (1 + Math.random())); } };
  }
  function leave() { source?.close(); source = null; }

  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
  document.addEventListener("focusout", () => { if (late) soon(); });
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", follow);
  follow();
})();
