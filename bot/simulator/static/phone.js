// One phone: its frame, its chat, and what can be done on it. Knows the apps' looks, not the network.
import { clock, el, icon, post } from "./dom.js";
import { words } from "./text.js";

const TITLES = { whatsapp: "WhatsApp", telegram: "Telegram", sms: "Messages" };
const PLACEHOLDER = { whatsapp: "Message", telegram: "Message", sms: "SMS" };

export class Phone {
  constructor(channel, app) {
    this.channel = channel;
    this.app = app;
    this.drawn = "";
    this.time = el("span", {});
    this.network = el("span", { class: "net" }, "4G");
    this.pic = el("div", { class: "pic" });
    this.name = el("b", {});
    this.sub = el("span", {});
    this.chat = el("div", { class: "chat", role: "log", "aria-label": TITLES[channel], tabindex: "0" });
    this.foot = el("div", {});
    this.offline = el("div", { class: "offline", hidden: true }, "Connexion en cours…");
    this.screen = el("div", { class: "screen" },
      el("div", { class: "status" }, this.time, el("span", {}, this.network, icon("signal", ""))),
      el("div", { class: "head" }, icon("back"), this.pic, el("div", { class: "who" }, this.name, this.sub), icon("more")),
      this.offline, this.chat, this.foot);
    this.frame = el("div", { class: `phone ${channel}` }, this.screen);
    this.under = el("div", { class: "under" });
    this.node = el("div", { class: "slot" }, this.frame, this.under);
  }

  draw(view) {
    const { shop, person, messages, now, offline, telegram } = view;
    this.view = view;
    this.time.textContent = clock(now);
    const off = person.power === "off";
    const dark = this.channel !== "sms" && (offline || person.power !== "on");
    this.offline.hidden = !dark || off;
    this.network.textContent = person.power === "on" && !offline ? "4G" : "";
    this.asleep(off);
    const sender = shop.senders[this.channel];
    this.pic.replaceChildren(this.channel === "sms" ? icon("shop") : shop.name[0]);
    this.name.textContent = this.channel === "sms" ? (sender?.address ?? "—") : shop.name;
    this.sub.textContent = this.subtitle(view, sender);
    const signature = JSON.stringify([messages, shop.id, person.id, telegram, person.has_whatsapp, person.has_telegram]);
    if (signature === this.drawn) return;
    const other = this.owner !== `${shop.id} ${person.id}`;
    this.owner = `${shop.id} ${person.id}`;
    this.drawn = signature;
    const near = this.chat.scrollHeight - this.chat.scrollTop - this.chat.clientHeight < 120;
    const shown = messages.filter((message) => !message.pending);
    this.chat.replaceChildren(...this.opening(shown, view), ...shown.flatMap((m, i) => this.message(m, shown[i - 1], shown)));
    this.footer(view, sender, other);
    this.beneath(messages, now);
    if (other) this.close();
    if (near || other) this.chat.scrollTop = this.chat.scrollHeight;
  }

  subtitle({ shop, telegram }, sender) {
    if (this.channel === "telegram") return telegram?.typing ? "écrit…" : shop.bot ? "bot" : "pas de bot";
    if (this.channel === "whatsapp") return sender ? "Compte professionnel" : "pas de WhatsApp";
    if (sender?.sim) return `${shop.name} · SIM de la boutique`;
    return sender && !sender.two_way ? `${shop.name} · nom d'expéditeur` : shop.name;
  }

  opening(shown, { shop, person }) {
    if (shown.length) return [el("div", { class: "day" }, "Aujourd'hui")];
    if (this.channel === "whatsapp" && !person.has_whatsapp) return [el("div", { class: "day" }, `${person.name} n'a pas WhatsApp.`)];
    if (this.channel === "telegram" && !person.has_telegram) return [el("div", { class: "day" }, `${person.name} n'a pas Telegram.`)];
    const text = { whatsapp: `Écrivez à ${shop.name} : « bonsoir, c'est combien la robe wax ? »`,
      telegram: `Un bot ne peut pas écrire le premier. Ouvrez-le ici, ou par le lien que la boutique envoie.`,
      sms: "Les SMS de la boutique arrivent ici, même sans internet." }[this.channel];
    return [el("div", { class: "day" }, text)];
  }

  message(m, before, all) {
    const mine = m.direction === "in";
    const turn = !before || (before.direction === "in") !== mine;
    const bubble = el("div", { class: `bubble${mine ? " mine" : ""}${turn ? " tail turn" : ""}`, title: this.story(m) });
    const quoted = m.quotes && all.find((one) => one.id === m.quotes);
    if (quoted) bubble.append(el("span", { class: "quote" }, quoted.text));
    if (m.photo?.startsWith("http")) bubble.append(el("img", { class: "picture", src: m.photo, alt: "photo" }));
    else if (m.photo) bubble.append(el("span", {}, "📷 Photo "));
    for (const media of m.media ?? []) bubble.append(this.media(media, mine));
    if (m.location) bubble.append(el("span", { class: "place" }, icon("pin"),
      m.location.label || `${Number(m.location.latitude).toFixed(4)}, ${Number(m.location.longitude).toFixed(4)}`));
    if (m.contact) bubble.append(el("span", {}, `👤 ${m.contact.first_name}\n+${m.contact.phone_number}`));
    bubble.append(...words(m.text ?? "", this.channel, (url) => this.app.open(url, this)));
    const meta = el("span", { class: "meta" }, m.edited ? "modifié " : "", clock(m.direction === "out" ? m.shown_at ?? m.at : m.at));
    if (mine && this.channel !== "sms" && m.ticks) meta.append(this.ticks(m));
    bubble.append(meta);
    const parts = [bubble];
    if (this.channel === "sms" && !mine) parts.push(el("span", { class: "segments" }, `${m.segments} SMS`));
    const keys = this.keys(m);
    if (keys) parts.push(keys);
    return parts;
  }

  media(media, mine) {
    if (!mine && media.type.startsWith("image/")) return el("img", { class: "picture", src: media.url, alt: "image" });
    const names = { "image/jpeg": "📷 Photo", "image/webp": "🌟 Autocollant", "audio/ogg": "🎤 Message vocal", "application/pdf": "📄 Document" };
    return el("span", {}, names[media.type] ?? "📎 Pièce jointe");
  }

  ticks(m) {
    const svg = icon(m.ticks === "clock" ? "clock" : "two", m.ticks === "two" ? "seen" : "");
    svg.setAttribute("aria-label", m.ticks === "clock" ? "en attente" : "remis");
    return svg;
  }

  story(m) {
    return (m.history ?? []).map((step) => `${step.status} ${clock(step.at)}`).join(" → ");
  }

  keys(m) {
    if (this.channel === "whatsapp" && m.list_button) {
      return el("div", { class: "keys" }, el("button", { type: "button", onclick: () => this.sheet(m) }, icon("list"), m.list_button));
    }
    if (this.channel === "whatsapp" && m.buttons?.length) {
      return el("div", { class: "keys" }, ...m.buttons.map((button) => el("button", { type: "button",
        onclick: () => this.write({ button: { message_sid: m.id, payload: button.id } }) }, icon("reply"), button.title)));
    }
    if (this.channel === "telegram" && m.inline?.length) {
      return el("div", { class: "keys" }, ...m.inline.map((row) => el("div", { class: "pair" }, ...row.map((button) =>
        el("button", { type: "button", onclick: () => this.press(m, button) }, button.text + (button.url ? " ↗" : ""))))));
    }
    return null;
  }

  press(m, button) {
    if (!button.url) return this.write({ callback: { message_id: m.id, data: button.callback_data } });
    if (!this.app.open(button.url, this)) window.open(button.url, "_blank", "noopener");
    return null;
  }

  // The list picker opens from below, as in WhatsApp.
  sheet(m) {
    this.close();
    this.layer = el("div", { class: "sheet" },
      el("h4", {}, m.list_button, el("button", { type: "button", "aria-label": "Fermer", onclick: () => this.close() }, "✕")),
      ...m.rows.map((row) => el("button", { type: "button", class: "row", onclick: () => {
        this.close();
        this.write({ button: { message_sid: m.id, payload: row.id } });
      } }, row.title, row.description ? el("small", {}, row.description) : "")));
    this.screen.append(this.layer);
  }

  menu() {
    if (this.layer) return this.close();
    const items = this.channel === "telegram"
      ? [["📍", "Position", { location: { latitude: 5.3599, longitude: -4.0083 } }], ["👤", "Mon numéro", { contact: true }], ["📷", "Photo", { photo: true }]]
      : [["📍", "Position", { location: { latitude: 5.3599, longitude: -4.0083, label: "Cocody Angré" } }], ["📷", "Photo", { media: "image" }],
        ["🎤", "Vocal", { media: "audio" }], ["🌟", "Autocollant", { media: "sticker" }], ["📄", "Document", { media: "document" }]];
    this.layer = el("div", { class: "menu" }, ...items.map(([sign, name, what]) => el("button", { type: "button", onclick: () => {
      this.close();
      this.write(what);
    } }, el("span", {}, sign), name)));
    this.screen.append(this.layer);
    return null;
  }

  close() {
    this.layer?.remove();
    this.layer = null;
  }

  footer({ telegram, person, shop }, sender, other) {
    const start = this.channel === "telegram" && (this.app.invited === shop.id || !telegram?.started || telegram.blocked);
    const kind = this.channel === "telegram" && (!person.has_telegram || !shop.bot) ? "none"
      : this.channel === "whatsapp" && (!person.has_whatsapp || !sender) ? "none"
        : this.channel === "sms" && !sender?.two_way ? "oneway" : start ? "start" : "write";
    const board = kind === "write" && this.channel === "telegram" ? telegram?.keyboard : null;
    const wanted = `${kind} ${JSON.stringify(board)} ${this.app.invited ?? ""}`;
    if (wanted === this.footed && !other) return;
    this.footed = wanted;
    if (kind === "none") this.foot.replaceChildren(el("div", { class: "blocked" }, "Pas de compte ici."));
    else if (kind === "oneway") {
      this.foot.replaceChildren(el("div", { class: "blocked" }, sender
        ? `Réponse impossible : « ${sender.address} » est un nom d'expéditeur, pas un numéro.` : "Cette boutique n'envoie pas de SMS."));
    } else if (kind === "start") {
      this.foot.replaceChildren(el("button", { type: "button", class: "start", onclick: () => this.app.start(this) },
        telegram?.blocked ? "DÉBLOQUER" : "DÉMARRER"));
    } else this.foot.replaceChildren(...(board ? [this.composer(), this.board(board)] : [this.composer()]));
  }

  composer() {
    const input = el("input", { type: "text", placeholder: PLACEHOLDER[this.channel], "aria-label": `Écrire sur ${TITLES[this.channel]}`,
      autocomplete: "off", maxlength: "1600" });
    const send = () => {
      const text = input.value.trim();
      if (!text) return;
      input.value = "";
      this.write({ text });
    };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") send(); });
    return el("div", { class: "compose" }, input,
      this.channel === "sms" ? null : el("button", { type: "button", "aria-label": "Joindre", onclick: () => this.menu() }, icon("clip")),
      el("button", { type: "button", class: "go", "aria-label": "Envoyer", onclick: send }, icon("send")));
  }

  board(rows) {
    return el("div", { class: "board" }, ...rows.map((row) => el("div", {}, ...row.map((key) => el("button", { type: "button",
      onclick: () => this.write(key.request_contact ? { contact: true } : { text: key.text }) }, key.text)))));
  }

  write(what) {
    return post(this.channel, { person: this.view.person.id, shop: this.view.shop.id, ...what });
  }

  // What the shop sent and this phone does not show: the heart of the matter, so it is said.
  beneath(messages, now) {
    const hidden = messages.filter((m) => m.pending && m.direction === "out" && now - m.at < 6 * 3600);
    const failed = hidden.filter((m) => ["failed", "undelivered"].includes(m.status));
    const parts = [];
    const held = hidden.length - failed.length;
    if (held) parts.push(el("b", {}, `${held} en route`), " (la boutique croit l'avoir envoyé)");
    if (failed.length) parts.push(parts.length ? " · " : "", el("i", {}, `${failed.length} refusé${failed.length > 1 ? "s" : ""}`),
      failed.at(-1).error_code ? ` (code ${failed.at(-1).error_code})` : "");
    this.under.replaceChildren(...(parts.length ? parts : [TITLES[this.channel] === "Messages" ? "SMS" : TITLES[this.channel]]));
  }

  browse(path, label) {
    this.close();
    this.page?.remove();
    const end = () => { this.page?.remove(); this.page = null; };
    this.page = el("div", { class: "web" },
      el("div", { class: "bar" }, el("button", { type: "button", "aria-label": "Fermer la page", onclick: end }, "✕"), el("span", {}, label),
        el("a", { href: path, target: "_blank", rel: "noopener", title: "Ouvrir dans un onglet" }, "↗")),
      el("iframe", { src: path, title: "Page web de la boutique", name: "phone-web" }));
    this.screen.append(this.page);
  }

  asleep(off) {
    if (off && !this.night) {
      this.night = el("div", { class: "asleep" }, "Téléphone éteint");
      this.screen.append(this.night);
    } else if (!off && this.night) {
      this.night.remove();
      this.night = null;
    }
  }

  notice(text) {
    if (!text) return;
    const box = el("div", { class: "notice" }, text);
    this.screen.append(box);
    setTimeout(() => box.remove(), 2600);
  }

  call() {
    this.frame.classList.add("called");
    this.node.scrollIntoView({ behavior: "smooth", block: "nearest", inline: "center" });
    setTimeout(() => this.frame.classList.remove("called"), 1600);
  }
}
