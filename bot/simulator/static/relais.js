// What Relais itself says over its public API: channels, this person's conversation, basket, orders.
import { el, francs, get } from "./dom.js";

const CHANNELS = { whatsapp: "WhatsApp", telegram: "Telegram", sms: "SMS", web: "Page web", api: "API", console: "Console" };
const STATES = { up: "marche", suspect: "doute", down: "en panne", recovering: "se rétablit", broken: "compte cassé" };
const AWAITING = { product: "un article", option: "une option", quantity: "une quantité", commune: "la commune", landmark: "le repère", name: "le nom",
  phone: "le téléphone", payment: "le paiement", confirmation: "la confirmation", late_confirmation: "l'avis sur des messages en retard", other: "une réponse" };
const STATUSES = { waiting: "attend", held: "retenu", sending: "part", accepted: "accepté", sent: "envoyé", delivered: "remis", read: "lu", failed: "échec",
  unknown: "inconnu", superseded: "remplacé", expired: "expiré", received: "reçu" };
const ORDERS = { confirmed: "confirmée", packed: "prête", out_for_delivery: "en livraison", delivered: "livrée", cancelled: "annulée" };

const time = (text) => (text ? new Date(text).toLocaleTimeString("fr-FR", { hour: "2-digit", minute: "2-digit", second: "2-digit" }) : "");

export class RelaisPanel {
  constructor(node) {
    this.node = node;
    this.drawn = "";
  }

  async refresh(shop, person, alarms) {
    let report;
    try {
      report = await get("/sim/relais", { shop, person });
    } catch {
      report = { reachable: false, channels: [], orders: [] };
    }
    const signature = JSON.stringify([report, alarms.at(-1)]);
    if (signature === this.drawn) return;
    this.drawn = signature;
    this.node.replaceChildren(...this.parts(report, alarms));
  }

  parts(report, alarms) {
    if (!report.reachable) {
      return [el("div", { class: "card" }, el("h3", {}, "Relais"), el("p", { class: "big" }, "Relais ne répond pas."),
        el("p", { class: "dim" }, "Les messages des clients attendent chez les fournisseurs ; ils seront rattrapés.")), ...this.alarms(alarms)];
    }
    return [this.channels(report), this.conversation(report), this.basket(report), this.orders(report), this.trail(report), ...this.alarms(alarms)]
      .filter(Boolean);
  }

  channels(report) {
    const rows = report.channels.map((one) => {
      const last = (one.evidence ?? []).at(-1);
      return el("div", { class: "channel" }, el("b", {}, CHANNELS[one.channel] ?? one.channel),
        el("span", { class: `chip ${one.state}` }, STATES[one.state] ?? one.state, one.forced ? " (forcé)" : ""),
        el("small", { title: last ? `${time(last.at)} ${last.kind} ${last.detail ?? ""}` : "" },
          last && one.state !== "up" ? `${last.detail || last.kind}` : one.since ? `depuis ${time(one.since)}` : ""));
    });
    const note = !report.ready ? el("p", { class: "dim" }, "Relais démarre : le modèle n'est pas encore prêt.")
      : !report.key ? el("p", { class: "dim" }, "Pas encore de clé d'API pour cette boutique.") : null;
    return el("div", { class: "card" }, el("h3", {}, "Les canaux, vus par Relais"), ...rows, note);
  }

  conversation(report) {
    const talk = report.conversation;
    if (!talk) return report.key ? el("div", { class: "card" }, el("h3", {}, "La conversation"), el("p", { class: "dim" }, "Cette personne n'a pas encore écrit à la boutique.")) : null;
    return el("div", { class: "card" }, el("h3", {}, "La conversation"),
      el("p", { class: "big" }, CHANNELS[talk.channel] ?? talk.channel ?? "—"),
      el("div", { class: "facts" }, el("span", { class: "chip" }, `trajet n° ${talk.epoch}`),
        el("span", { class: "chip" }, talk.status === "human" ? "une personne répond" : "le bot répond"),
        talk.awaiting ? el("span", { class: "chip suspect" }, `attend ${AWAITING[talk.awaiting] ?? talk.awaiting}`) : null),
      el("p", { class: "dim" }, (talk.customer?.addresses ?? []).map((one) => CHANNELS[one.address.split(":")[0].replace(/^tel$/, "sms")] ?? one.address)
        .filter((name, index, all) => all.indexOf(name) === index).join(" · ")));
  }

  basket(report) {
    const basket = report.conversation?.basket;
    if (!basket?.lines?.length) return null;
    return el("div", { class: "card" }, el("h3", {}, "Le panier"), el("ul", { class: "lines" },
      ...basket.lines.map((line) => el("li", {}, el("span", {}, `${line.quantity} × ${line.name ?? line.product_id}${options(line)}`), francs(line.line_total_xof))),
      el("li", { class: "total" }, el("span", {}, "Articles"), francs(basket.items_total_xof))));
  }

  orders(report) {
    if (!report.orders.length) return null;
    return el("div", { class: "card" }, el("h3", {}, "Les commandes"), ...report.orders.map((order) => el("p", {},
      el("b", {}, `N° ${order.number}`), ` ${francs(order.total_xof)} `, el("span", { class: "chip up" }, ORDERS[order.status] ?? order.status),
      el("small", {}, ` par ${CHANNELS[order.channel] ?? order.channel}, ${time(order.created_at)}`))));
  }

  trail(report) {
    const items = [...(report.trail ?? [])].reverse();
    if (!items.length) return null;
    return el("div", { class: "card" }, el("h3", {}, "Les derniers messages"), el("ul", { class: "trail" }, ...items.map((m) =>
      el("li", { class: m.late ? "late" : "" }, el("span", { class: "words", title: m.text }, m.text),
        el("span", { class: `chip ${m.status}` }, STATUSES[m.status] ?? m.status),
        el("small", { class: "dim" }, `${m.direction === "in" ? "client" : m.author === "vendor" ? "vendeur" : m.author === "system" ? "Relais" : "bot"} · ${CHANNELS[m.channel] ?? m.channel ?? "pas encore de canal"} · ${time(m.created_at)}${m.late ? " · en retard" : ""}`)))));
  }

  alarms(alarms) {
    if (!alarms.length) return [];
    return [el("div", { class: "card" }, el("h3", {}, "Journal des fournisseurs"), ...alarms.slice(-5).reverse().map((alarm) =>
      el("p", { class: "alarm" }, `${new Date(alarm.at * 1000).toLocaleTimeString("fr-FR")} · ${alarm.code} · ${new URL(alarm.url).pathname} (${alarm.detail})`)))];
  }
}

function options(line) {
  const values = Object.values(line.options ?? {});
  return values.length ? ` (${values.join(", ")})` : "";
}
