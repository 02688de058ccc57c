// The switches, grouped by channel; options appear when one is on.
import { el, get, post } from "./dom.js";

const GROUPS = { whatsapp: "WhatsApp", telegram: "Telegram", sms: "SMS", twilio: "Twilio", meta: "Meta",
  wave: "Paiement Wave", sim: "SIM de la boutique", country: "Pays" };
const OPTIONS = { code: "code", amount: "montant (F)", status: "réponse HTTP", seconds: "secondes", retry_after: "attendre (s)", deliver: "le message part quand même",
  release: "remis au rétablissement", how: "comment", people: "part des clients (0 à 1)" };
const CHOICES = { how: [["503", "erreur 503"], ["drop", "connexion coupée"], ["hang", "aucune réponse"]] };

// What a person would want to see first. Each is a list of [channel, fault, options].
const DAYS = [
  ["4 octobre 2021", "WhatsApp disparaît", [["whatsapp", "reject", {}], ["whatsapp", "late_flood", {}]]],
  ["Panne muette", "envoyé, jamais remis", [["whatsapp", "silent_sent", { release: true }]]],
  ["14 mars 2024", "internet coupé dans le pays", [["country", "offline", { people: 1 }]]],
  ["Twilio tombe", "WhatsApp et SMS ensemble", [["twilio", "down", {}]]],
];

const turn = (channel, fault, on, options = {}) => post("faults", { channel, fault, on, options });

export class FaultPanel {
  constructor(node, count) {
    this.node = node;
    this.count = count;
    this.drawn = "";
    this.replay = el("div", {});
  }

  // A recorded day with invented shoppers, faster than it was; Relais' own seconds stay real.
  async follow(shop) {
    const { days, run } = await get("/sim/replay");
    const signature = JSON.stringify([run, shop]);
    if (signature === this.followed) return;
    this.followed = signature;
    const going = run?.state === "running";
    const parts = [el("h3", {}, "Rejouer une journée")];
    if (run) parts.push(this.score(run));
    if (going) parts.push(el("p", {}, el("button", { type: "button", class: "quiet", onclick: () => post("replay", { stop: true }) }, "Arrêter")));
    else parts.push(...days.map((day) => el("p", {}, el("button", { type: "button", class: "quiet wide",
      onclick: () => post("replay", { day: day.id, shop, speed: 60, people: 12 }) },
    `▶ ${day.title.split(" :")[0]} · ${Math.round(day.minutes / 60)} h en ${Math.round(day.minutes / 60)} min`))));
    this.replay.className = "card";
    this.replay.replaceChildren(...parts);
  }

  score(run) {
    const at = `${Math.floor(run.minute / 60)} h ${String(Math.floor(run.minute % 60)).padStart(2, "0")}`;
    return el("div", {}, el("progress", { max: run.minutes, value: run.minute }),
      el("p", {}, el("b", {}, `${run.answered} sur ${run.written}`), ` messages répondus · ${run.people} clients · ${at.replaceAll(" ", "\u00a0")}`),
      run.wait_median_s === null ? null : el("small", {},
        `attente : médiane ${run.wait_median_s}\u00a0s, 95 % sous ${run.wait_p95_s}\u00a0s, au plus ${run.wait_longest_s}\u00a0s`));
  }

  draw(faults) {
    const signature = JSON.stringify(faults);
    // Do not redraw under somebody who is typing an option.
    if (signature === this.drawn || this.node.querySelector(".set input:focus")) return;
    this.drawn = signature;
    this.faults = faults;
    const on = faults.filter((fault) => fault.on);
    this.count.textContent = on.length || "";
    const scroll = this.node.scrollTop;
    this.node.replaceChildren(this.days(on), this.replay, ...Object.entries(GROUPS).map(([channel, title]) => el("div", { class: `group ${channel}` },
      el("h3", {}, title), ...faults.filter((fault) => fault.channel === channel).map((fault) => this.row(fault)))));
    this.node.scrollTop = scroll;
  }

  days(on) {
    return el("div", { class: "days" },
      ...DAYS.map(([day, what, switches]) => el("button", { type: "button", onclick: async () => {
        await this.calm();
        for (const [channel, fault, options] of switches) await turn(channel, fault, true, options);
      } }, el("b", {}, day), what)),
      el("button", { type: "button", class: "all", disabled: !on.length, onclick: () => this.calm() },
        on.length ? "✓ Tout rétablir" : "✓ Tout marche"));
  }

  async calm() {
    for (const fault of this.faults.filter((one) => one.on)) await turn(fault.channel, fault.fault, false);
  }

  row(fault) {
    const box = el("input", { type: "checkbox", class: "switch", role: "switch", checked: fault.on,
      onchange: () => turn(fault.channel, fault.fault, box.checked) });
    const more = fault.on ? el("div", { class: "more" }, fault.hint, this.options(fault)) : null;
    return el("div", { class: `fault${fault.on ? " on" : ""}`, title: fault.hint },
      el("label", {}, el("span", { class: "name" }, fault.label), box), more);
  }

  options(fault) {
    const entries = Object.entries(fault.options).filter(([name, value]) => OPTIONS[name] && !(name === "status" && typeof value === "string"));
    if (!entries.length) return null;
    const set = (name, value) => turn(fault.channel, fault.fault, true, { ...fault.options, [name]: value });
    return el("div", { class: "set" }, ...entries.map(([name, value]) => el("label", {}, this.field(name, value, set), OPTIONS[name])));
  }

  field(name, value, set) {
    if (typeof value === "boolean") {
      const box = el("input", { type: "checkbox", checked: value, onchange: () => set(name, box.checked) });
      return box;
    }
    if (CHOICES[name]) {
      const list = el("select", { onchange: () => set(name, list.value) }, ...CHOICES[name].map(([key, label]) =>
        el("option", { value: key, selected: key === value }, label)));
      return list;
    }
    const numeric = typeof value === "number" || name === "seconds";
    const input = el("input", { type: numeric ? "number" : "text", value: value ?? "", placeholder: "auto", step: "any", size: "8",
      onchange: () => { const raw = input.value; input.blur(); set(name, raw === "" ? null : numeric ? Number(raw) : raw); } });
    return input;
  }
}
