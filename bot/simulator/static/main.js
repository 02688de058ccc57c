// Puts the page together: who is shown, when to look again, and where a link leads.
import { el, get, post, toast } from "./dom.js";
import { FaultPanel } from "./faults.js";
import { Phone } from "./phone.js";
import { RelaisPanel } from "./relais.js";

const find = (id) => document.getElementById(id);
const app = { shop: null, person: null, invited: null, token: "", state: null };
const phones = ["whatsapp", "telegram", "sms"].map((channel) => new Phone(channel, app));
const faults = new FaultPanel(find("faults"), find("fault-count"));
const relais = new RelaisPanel(find("relais"));
find("phones").append(...phones.map((phone) => phone.node));

const remembered = new URLSearchParams(location.hash.slice(1));
app.shop = remembered.get("shop");
app.person = remembered.get("person");

function fill(select, items, chosen) {
  const wanted = JSON.stringify([items, chosen]);
  if (select.dataset.drawn === wanted) return;
  select.dataset.drawn = wanted;
  select.replaceChildren(...items.map(([value, label]) => el("option", { value, selected: value === chosen }, label)));
}

function remember() {
  history.replaceState(null, "", `#shop=${app.shop}&person=${app.person}`);
  // The light web page goes through this phone's connection; see /c in the simulator.
  document.cookie = `phone=${app.person}; path=/; SameSite=Strict`;
}

async function refresh() {
  const state = await get("/sim/state", { person: app.person ?? "", shop: app.shop ?? "" });
  const again = !state.shops.some((s) => s.id === app.shop) || !state.people.some((p) => p.id === app.person);
  if (again) {
    app.shop = state.shops.some((s) => s.id === app.shop) ? app.shop : state.shops[0].id;
    app.person = state.people.some((p) => p.id === app.person) ? app.person : state.people[0].id;
    remember();
    return refresh();
  }
  app.state = state;
  fill(find("shop"), state.shops.map((s) => [s.id, s.name]), app.shop);
  fill(find("person"), state.people.map((p) => [p.id, `${p.name} · ${p.hide_number ? "numéro caché" : p.number}`]), app.person);
  const person = state.people.find((p) => p.id === app.person);
  const shop = state.shops.find((s) => s.id === app.shop);
  find("power").querySelector(`[value="${person.power}"]`).checked = true;
  find("console").href = `${state.public_url}/console`;
  faults.draw(state.faults);
  const { offline } = person;
  const { messages } = await get("/sim/messages", { person: app.person, shop: app.shop, all: "1" });
  for (const phone of phones) {
    phone.draw({ shop, person, now: state.now, offline, telegram: state.telegram,
      messages: messages.filter((m) => m.channel === phone.channel) });
  }
  return null;
}

// Several changes in a row are drawn once; a change during drawing is drawn after it.
let busy = false;
let wanted = false;
async function soon() {
  wanted = true;
  if (busy) return;
  busy = true;
  while (wanted) {
    wanted = false;
    try {
      await refresh();
    } catch {
      toast("Le simulateur ne répond pas.");
      await new Promise((resolve) => { setTimeout(resolve, 1500); });
    }
    await new Promise((resolve) => { setTimeout(resolve, 40); });
  }
  busy = false;
}

const look = () => {
  faults.follow(app.shop ?? "").catch(() => {});
  return relais.refresh(app.shop ?? "", app.person ?? "", app.state?.alarms ?? []);
};

// Where a link in a message leads. True when it was handled here.
app.open = (url, phone) => {
  const target = new URL(url);
  if (["t.me", "telegram.me"].includes(target.hostname)) {
    const bot = target.pathname.slice(1).toLowerCase();
    const shop = app.state.shops.find((one) => one.bot?.toLowerCase() === bot);
    if (!shop) return false;
    choose(shop.id, app.person);
    app.invited = shop.id;
    app.token = target.searchParams.get("start") ?? "";
    phones[1].call();
    soon();
    return true;
  }
  if (target.origin === app.state.public_url && /^\/[cs]\//.test(target.pathname)) {
    phone.browse(target.pathname + target.search, target.host + target.pathname);
    return true;
  }
  // The stand-in for pay.wave.com is served from here.
  if (/^\/wave\/c\//.test(target.pathname) && target.hostname === location.hostname) {
    phone.browse(target.pathname, "pay.wave.com");
    return true;
  }
  return false;
};

app.start = async (phone) => {
  const done = await post("telegram", { person: app.person, shop: app.shop, start: app.invited === app.shop ? app.token : "" });
  if (done) {
    app.invited = null;
    app.token = "";
    phone.footed = "";
    phone.drawn = "";
    soon();
  }
};

function choose(shop, person) {
  if (shop === app.shop && person === app.person) return;
  app.shop = shop;
  app.person = person;
  app.invited = null;
  remember();
  soon();
  look();
}

find("shop").addEventListener("change", (event) => choose(event.target.value, app.person));
find("person").addEventListener("change", (event) => choose(app.shop, event.target.value));
find("power").addEventListener("change", (event) => post("person", { person: app.person, power: event.target.value }));
find("start-page").addEventListener("click", (event) => {
  event.preventDefault();
  phones[2].browse(`/s/${app.shop}`, `${new URL(app.state.public_url).host}/s/${app.shop}`);
  phones[2].call();
});
find("add").addEventListener("click", () => find("new-person").showModal());
find("new-person").addEventListener("close", async (event) => {
  if (event.target.returnValue !== "ok") return;
  const form = event.target.querySelector("form");
  const data = new FormData(form);
  const body = {};
  for (const name of ["name", "number"]) if (data.get(name)) body[name] = String(data.get(name)).replace(/\s+/g, name === "number" ? "" : " ").trim();
  for (const name of ["hide_number", "old_number", "has_whatsapp", "has_telegram"]) body[name] = data.has(name);
  const made = await post("people", body);
  form.reset();
  if (made) choose(app.shop, made.id);
});
for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => {
    for (const one of document.querySelectorAll("[role=tab]")) {
      const on = one === tab;
      one.setAttribute("aria-selected", on);
      find(one.getAttribute("aria-controls")).hidden = !on;
    }
    look();
  });
}

const stream = new EventSource("/sim/events");
stream.addEventListener("open", soon);
stream.addEventListener("message", (event) => {
  const news = JSON.parse(event.data);
  if (news.type === "notice") phones[1].notice(news.text);
  if (news.type !== "phone" || news.person === app.person) soon();
});
setInterval(() => { if (!document.hidden) look(); }, 2000);
setInterval(() => { if (!document.hidden) soon(); }, 20000);
remember();
soon().then(look);
