// What the console does beyond plain links and forms: freshness, drafts, keys. Everything works without it.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tell = (name) => document.body.dispatchEvent(new CustomEvent(name));
  const kept = { get: (k) => { try { return localStorage.getItem(k); } catch { return null; } },
    set: (k, v) => { try { v ? localStorage.setItem(k, v) : localStorage.removeItem(k); } catch { /* private mode */ } } };

  // --- the event stream: one a tab, none in a hidden tab, back off with jitter, resync on every return --------------
  const live = document.body.dataset.live;
  const pane = $("[data-conversation]");
  let source = null, wait = 500, heard = Date.now(), timer = 0, lostAt = null;
  const resync = () => { tell("relais:list"); if (pane) tell("relais:story"); };
  const offline = (yes) => {
    const bar = $("[data-offline]");
    if (!bar) return;
    if (yes && !lostAt) {
      lostAt = new Date();
      $("b", bar).textContent = lostAt.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    }
    if (!yes) lostAt = null;
    bar.hidden = !yes;
  };
  const close = () => { clearTimeout(timer); if (source) source.close(); source = null; };
  const later = () => { close(); timer = setTimeout(open, wait * (0.7 + Math.random() * 0.6)); wait = Math.min(wait * 2, 60000); };
  const alive = () => { heard = Date.now(); wait = 500; offline(false); };
  function open() {
    if (!live || source || document.hidden) return;
    heard = Date.now();
    source = new EventSource(live);
    source.addEventListener("hello", () => { alive(); resync(); document.documentElement.dataset.stream = "open"; });
    source.addEventListener("resync", () => { alive(); resync(); });
    source.addEventListener("bye", () => location.assign("/console/login?next=" + encodeURIComponent(location.pathname)));
    source.addEventListener("changed", (event) => {
      alive();
      tell("relais:list");
      if (pane && JSON.parse(event.data).ids.includes(pane.dataset.conversation)) tell("relais:story");
    });
    source.onerror = () => {
      // A browser that gives up says so by CLOSED (an error answer); we try ourselves, and ask why.
      if (source && source.readyState === EventSource.CLOSED) {
        later();
        fetch("/console/counts", { headers: { "HX-Request": "true" } })
          .then((answer) => { if (answer.status === 401) location.assign("/console/login?next=" + encodeURIComponent(location.pathname)); })
          .catch(() => offline(true));
      } else if (Date.now() - heard > 20000) offline(true);
    };
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else { wait = 500; open(); } });
  addEventListener("online", () => { wait = 500; later(); });
  addEventListener("offline", () => offline(true));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  setInterval(() => { if (source && navigator.onLine === false) offline(true); times(); }, 15000);
  open();

  // --- pieces of pages ------------------------------------------------------------------------------------------------
  document.addEventListener("htmx:response:error", (event) => {
    const answer = event.detail && event.detail.ctx && event.detail.ctx.response;
    if (answer && answer.status === 401) location.assign("/console/login?next=" + encodeURIComponent(location.pathname));
  });
  const story = $("#story");
  const end = () => story && story.scrollHeight - story.scrollTop - story.clientHeight < 90;
  const toEnd = () => { if (story) story.scrollTop = story.scrollHeight; };
  let follows = true, count = -1;
  const newer = $("[data-newer]");
  if (story) {
    toEnd();
    count = $$(".said", story).length;
    story.addEventListener("scroll", () => { if (end() && newer) newer.hidden = true; }, { passive: true });
    newer.addEventListener("click", () => { toEnd(); newer.hidden = true; });
  }
  document.addEventListener("htmx:before:swap", () => { follows = end(); });
  document.addEventListener("htmx:after:swap", () => {
    const now = story ? $$(".said", story).length : 0;
    if (story && follows) toEnd(); else if (newer && now > count) newer.hidden = false;
    count = now;
    waiting();
    times();
  });
  // The row under a finger must not move: while the list is touched, its refresh waits.
  let touched = 0;
  const list = $("#list");
  if (list) {
    list.addEventListener("pointerdown", () => { touched = Date.now(); });
    list.addEventListener("htmx:before:request", (event) => { if (Date.now() - touched < 700) { event.preventDefault(); setTimeout(() => tell("relais:list"), 800); } });
  }

  const title = document.title;
  function waiting() {
    const rows = $("#rows");
    if (!rows) return;
    const n = Number(rows.dataset.unanswered || 0);
    document.title = n ? `(${n}) ${title}` : title;
    $$("[data-waiting]").forEach((badge) => { badge.textContent = n || ""; });
  }
  function times() {
    const french = document.documentElement.lang !== "en";
    $$("time[data-ago]").forEach((time) => {
      const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 60000));
      time.textContent = minutes < 1 ? (french ? "moins d'1 min" : "under 1 min") : minutes < 60 ? `${minutes}\u00a0min`
        : minutes < 1440 ? `${Math.floor(minutes / 60)}\u00a0h\u00a0${String(minutes % 60).padStart(2, "0")}` : `${Math.floor(minutes / 1440)}\u00a0${french ? "j" : "d"}`;
    });
  }
  waiting();

  // --- writing --------------------------------------------------------------------------------------------------------
  const random = () => [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const composer = $("[data-composer]");
  const box = composer && $("textarea", composer);
  const failed = composer && $("[data-failed]", composer);
  const draft = composer && `draft:${composer.dataset.draft}`;
  const grow = () => { if (!CSS.supports("field-sizing", "content")) { box.style.height = "auto"; box.style.height = `${box.scrollHeight + 2}px`; } };
  if (box) {
    box.value = box.value || kept.get(draft) || "";
    grow();
    box.addEventListener("input", () => { kept.set(draft, box.value); grow(); pick(); });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); composer.requestSubmit(); }
      if (event.key === "Escape") { const canned = $("[data-canned]"); if (canned) canned.open = false; }
    });
  }
  $$("form[hx-post]").forEach((form) => {
    const button = $("button:not([type=button])", form);
    form.addEventListener("htmx:before:request", () => { if (button) button.disabled = true; follows = true; });
    form.addEventListener("htmx:finally:request", (event) => {
      if (button) button.disabled = false;
      const answer = event.detail && event.detail.ctx && event.detail.ctx.response;
      const done = answer && answer.status < 300;
      if (form === composer && failed) failed.hidden = Boolean(done);
      if (!done) return;  // the text stays, and so does its id: trying again repeats nothing
      const area = $("textarea", form);
      area.value = "";
      $("input[name=once]", form).value = random();
      if (form === composer) { kept.set(draft, ""); grow(); area.focus(); } else form.closest("details").open = false;
      follows = true;
      requestAnimationFrame(toEnd);
    });
  });
  // A double tap sends a plain form once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
  addEventListener("pageshow", () => $$("form[data-sent]").forEach((form) => { delete form.dataset.sent; }));
  $$("form[data-forget]").forEach((form) => form.addEventListener("submit", () => {
    try { Object.keys(localStorage).filter((k) => k.startsWith("draft:")).forEach((k) => localStorage.removeItem(k)); } catch { /* private mode */ }
  }));

  const canned = $("[data-canned]");
  function pick() {
    if (!canned || canned.hidden) return;
    const slash = /(^|\s)\/([\w-]*)$/.exec(box.value.slice(0, box.selectionStart));
    const wanted = slash ? slash[2].toLowerCase() : "";
    if (slash) canned.open = true;
    $$("button", canned).forEach((button) => { button.parentElement.hidden = !button.textContent.toLowerCase().includes(wanted); });
  }
  if (canned) canned.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-text]");
    if (!button) return;
    const before = box.value.slice(0, box.selectionStart).replace(/\/[\w-]*$/, "");
    box.value = before + button.dataset.text + box.value.slice(box.selectionEnd);
    canned.open = false;
    kept.set(draft, box.value);
    grow();
    box.focus();
  });

  // --- keys, by what is typed and never by where it lies; off in fields and when switched off -------------------------
  const help = $("#keys");
  const off = help && $("[data-keys-off]", help);
  if (off) { off.checked = kept.get("keys-off") === "1"; off.addEventListener("change", () => kept.set("keys-off", off.checked ? "1" : "")); }
  function go(step) {
    const rows = $$("a.row");
    if (!rows.length) return;
    const at = rows.findIndex((row) => row === document.activeElement);
    const open = rows.findIndex((row) => row.getAttribute("aria-current"));
    const from = at >= 0 ? at : open;
    rows[Math.min(rows.length - 1, Math.max(0, from + step))].focus();
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || kept.get("keys-off") === "1") return;
    if (event.target.closest("input, textarea, select, dialog[open]")) { if (event.key === "Escape") event.target.blur(); return; }
    const deeds = { j: () => go(1), k: () => go(-1), r: () => box && box.focus(), "/": () => $("#q") && $("#q").focus(),
      n: () => { const note = $(".note-form"); if (note) { note.open = true; $("textarea", note).focus(); } },
      "?": () => help && help.showModal(), Escape: () => $$("details[open].menu, details[open].canned").forEach((d) => { d.open = false; }) };
    const deed = deeds[event.key];
    if (deed) { event.preventDefault(); deed(); }
  });

  // --- small comforts -------------------------------------------------------------------------------------------------
  $$("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText($(button.dataset.copy).textContent.trim()); button.textContent = button.dataset.copied; } catch { /* it can be selected by hand */ }
  }));
  // A phone's picture has megabytes: it is drawn smaller here, so that it passes on a slow line.
  $$("[data-shrink]").forEach((field) => field.addEventListener("change", async () => {
    const file = field.files[0], most = Number(field.dataset.shrink);
    if (!file) return;
    try {
      const picture = await createImageBitmap(file), canvas = document.createElement("canvas"), kept = new DataTransfer();
      let side = Math.min(most, Math.max(picture.width, picture.height)), small = file;
      if (side < most && file.size < 200000) return;
      do {
        const scale = side / Math.max(picture.width, picture.height);
        canvas.width = Math.round(picture.width * scale); canvas.height = Math.round(picture.height * scale);
        const paper = canvas.getContext("2d");
        paper.fillStyle = "#fff";
        paper.fillRect(0, 0, canvas.width, canvas.height);
        paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
        small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.75));
        side *= 0.8;
      } while (small.size > 190000);
      kept.items.add(new File([small], "photo.jpg", { type: "image/jpeg" }));
      field.files = kept.files;
    } catch { /* not a picture: the server says so */ }
  }));
  $$("[data-print]").forEach((button) => button.addEventListener("click", () => print()));
  const flash = $("[data-flash]");
  if (flash) {  // reloading must not say it again
    const address = new URL(location.href);
    address.searchParams.delete("fait");
    history.replaceState(history.state, "", address);
  }
})();
