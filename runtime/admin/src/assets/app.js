// Enhances the page, which works without this script: live updates, the plan in a dialog, search while typing, copying, local times
// and keys. Markup is only ever moved between documents, never made from text.
"use strict";
(() => {
  const EVERY = 5000;
  const byId = (id) => document.getElementById(id);

  // Settings of this browser. Storage may be forbidden.
  const setting = (name, value) => {
    try {
      if (value === undefined) return localStorage.getItem(`mongrate-${name}`);
      localStorage.setItem(`mongrate-${name}`, value);
    } catch { /* Then they last as long as the page. */ }
    return null;
  };

  const load = (url, done) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.timeout = 20000;
    request.onload = () => done(request.response, request);
    request.onerror = request.ontimeout = () => done(null, request);
    request.send();
    return request;
  };

  const create = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  // Live updates: the stream says that something has changed, and the page is fetched again.
  const toggle = byId("live");
  const label = document.querySelector(".live");
  let stream = null, pending = null, isLost = false, lostTimer = 0, saidAt = 0, saidText = "";

  const describe = (text) => { if (label) label.querySelector(".when").textContent = text; };
  const describeTime = () => describe(isLost ? "not live: each 5 s" : new Date().toLocaleTimeString());

  const say = (text) => {
    if (text === saidText) return;
    const wait = saidAt + EVERY - Date.now();
    if (wait > 0) { setTimeout(() => say(heading(document)), wait); return; }
    saidText = text;
    saidAt = Date.now();
    byId("said").textContent = text;
  };
  const heading = (page) => (page.querySelector("[data-say]") || page.querySelector("h1"))?.textContent ?? "";

  const focusKey = (element) => element.id || element.getAttribute("href") || element.getAttribute("data-copy");

  const swap = (fresh) => {
    enhance(fresh);
    for (const details of fresh.querySelectorAll("details[id]")) {
      const old = byId(details.id);
      if (old) details.open = old.open;
    }
    const { scrollX, scrollY } = window;
    for (const old of document.querySelectorAll("[data-live][id]")) {
      const region = fresh.getElementById(old.id);
      const active = old.contains(document.activeElement) ? document.activeElement : null;
      if (!region || old.isEqualNode(region) || active?.matches("input, select, textarea")) continue;
      const key = active && focusKey(active);
      old.replaceWith(document.adoptNode(region));
      if (key) [...region.querySelectorAll("a, button, summary, [id]")].find((one) => focusKey(one) === key)?.focus({ preventScroll: true });
    }
    window.scrollTo(scrollX, scrollY);
    document.title = fresh.title;
    search();
    say(heading(document));
  };

  const refresh = () => {
    if (pending) return;
    pending = load(location.href, (fresh, request) => {
      pending = null;
      if (!fresh || !request.status) { describe("not live: no answer"); return; }
      const here = location.href.split(/[?#]/)[0];
      if (request.responseURL.split(/[?#]/)[0] !== here) { location.assign(request.responseURL); return; }
      const isSame = request.status < 400 || fresh.querySelectorAll("[data-live]").length >= document.querySelectorAll("[data-live]").length;
      if (!isSame) { describe(`not live: error ${request.status}`); return; }
      swap(fresh);
      describeTime();
    });
  };

  const lose = () => { isLost = true; describeTime(); };
  const follow = () => {
    if (stream || !toggle || !toggle.checked || document.hidden) return;
    stream = new EventSource("events" + databaseQuery());
    stream.addEventListener("changed", refresh);
    stream.onopen = () => {
      clearTimeout(lostTimer);
      lostTimer = 0;
      if (isLost) { isLost = false; refresh(); }
      describeTime();
    };
    // A stream ends every 20 s and comes back by itself. It is lost if it does not.
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) { stream = null; lose(); }
      else lostTimer ||= setTimeout(lose, EVERY);
    };
  };
  const unfollow = () => {
    clearTimeout(lostTimer);
    lostTimer = 0;
    stream?.close();
    stream = null;
  };
  const databaseQuery = () => {
    const database = new URLSearchParams(location.search).get("database");
    return database === null ? "" : `?database=${encodeURIComponent(database)}`;
  };

  if (toggle) {
    label.hidden = false;
    toggle.checked = setting("live") !== "off";
    toggle.addEventListener("change", () => {
      setting("live", toggle.checked ? "on" : "off");
      if (toggle.checked) { refresh(); follow(); } else { unfollow(); describe("off"); }
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) unfollow();
      else if (toggle.checked) { refresh(); follow(); }
    });
    // Back from another page, a browser shows the page as it was left.
    window.addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
    window.addEventListener("pagehide", unfollow);
    let ticks = 0;
    setInterval(() => {
      if (!isLost || !toggle.checked || document.hidden) return;
      refresh();
      if (!stream && ++ticks % 6 === 0) follow();
    }, EVERY);
    if (toggle.checked) { describeTime(); follow(); } else describe("off");
  }

  // Links to a plan open it above the page.
  const openDialog = (content, name, opener) => {
    const dialog = create("dialog", "", { "aria-label": name });
    dialog.append(content);
    dialog.addEventListener("close", () => {
      dialog.remove();
      const key = opener && focusKey(opener);
      const target = opener?.isConnected ? opener : [...document.querySelectorAll("a[href]")].find((one) => focusKey(one) === key);
      target?.focus();
    });
    dialog.addEventListener("click", (event) => {
      const link = event.target.closest("a, [data-close]");
      const isHere = link && (link.matches("[data-close]") || link.href?.split(/[?#]/)[0] === location.href.split(/[?#]/)[0]);
      if (isHere || event.target === dialog) { event.preventDefault(); dialog.close(); }
    });
    document.body.append(dialog);
    dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    load(link.href, (fresh, request) => {
      const main = fresh?.getElementById("main");
      if (!main || request.status !== 200 || request.responseURL !== link.href) { location.assign(link.href); return; }
      enhance(fresh);
      const name = main.querySelector("h1")?.textContent ?? fresh.title;
      for (const outer of main.querySelectorAll("#said, #banners, .live, noscript")) outer.remove();
      const content = create("div", "");
      content.append(...[...main.childNodes].map((node) => document.adoptNode(node)));
      // Its own regions are not those of the page below.
      for (const region of content.querySelectorAll("[data-live]")) region.removeAttribute("data-live");
      openDialog(content, name, link);
    });
  });

  // Search while typing: hides rows that are shown already; Enter asks the server.
  const find = byId("find");
  const unfolded = new Map();
  const search = () => {
    const list = byId("list");
    if (!find || !list) return;
    const wanted = find.value.trim().toLowerCase();
    const isFiltering = wanted !== "" && wanted !== find.defaultValue.trim().toLowerCase();
    for (const row of list.querySelectorAll(".rows > li")) {
      const text = row.querySelector(".what > .id").textContent + " " + (row.querySelector(".what > p")?.textContent ?? "");
      row.hidden = isFiltering && !text.toLowerCase().includes(wanted);
    }
    for (const details of list.querySelectorAll("details[id]:not(.error)")) {
      const hasMatch = details.querySelector(".rows > li:not([hidden])") !== null;
      details.hidden = isFiltering && !hasMatch;
      if (isFiltering) {
        if (!unfolded.has(details.id)) unfolded.set(details.id, details.open);
        details.open = hasMatch;
      } else if (unfolded.has(details.id)) {
        details.open = unfolded.get(details.id);
        unfolded.delete(details.id);
      }
    }
  };
  find?.addEventListener("input", search);

  // Copying, absolute addresses, local times.
  const enhance = (page) => {
    for (const button of page.querySelectorAll("[data-copy]")) button.hidden = false;
    for (const address of page.querySelectorAll("[data-absolute]")) address.textContent = new URL(address.textContent, location.href).href;
  };
  enhance(document);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    const source = button && byId(button.dataset.copy);
    if (!source) return;
    const select = () => getSelection().selectAllChildren(source);
    if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(() => { button.textContent = "Copied"; }, select);
    else select();
  });
  document.addEventListener("mouseover", (event) => {
    const time = event.target.closest?.("time[datetime]");
    if (time) time.title = `${new Date(time.dateTime).toLocaleString()} (your time)`;
  });

  // Keys, which can be switched off.
  const help = () => {
    const content = create("div", "");
    const keys = create("p", "");
    keys.append(create("kbd", "/"), " search · ", create("kbd", "?"), " this help · ", create("kbd", "Esc"), " close");
    const choice = create("label", "", { class: "check" });
    const box = create("input", "", { type: "checkbox" });
    box.checked = setting("keys") !== "off";
    box.addEventListener("change", () => setting("keys", box.checked ? "on" : "off"));
    choice.append(box, "Use the keys / and ?");
    content.append(create("h2", "Keys"), keys, choice, create("button", "Close", { type: "button", "data-close": "" }));
    openDialog(content, "Keys", document.activeElement);
  };
  byId("keys")?.addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
    if (setting("keys") === "off") return;
    if (event.key === "/" && find) { event.preventDefault(); find.focus(); find.select(); }
    if (event.key === "?") { event.preventDefault(); help(); }
  });
  const button = byId("keys");
  if (button) button.hidden = false;
})();
