// A message's words: links become pressable, WhatsApp's *bold* and _italic_ are shown as the app shows them.
import { el } from "./dom.js";

const LINK = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/g;
const STYLE = /(\*[^*\n]+\*|_[^_\n]+_)/g;

function styled(text) {
  return text.split(STYLE).map((part) => {
    if (/^\*[^*\n]+\*$/.test(part)) return el("strong", {}, part.slice(1, -1));
    if (/^_[^_\n]+_$/.test(part)) return el("em", {}, part.slice(1, -1));
    return part;
  });
}

export function words(text, channel, open) {
  return text.split(LINK).flatMap((part) => {
    if (!/^https?:\/\//.test(part)) return channel === "whatsapp" ? styled(part) : [part];
    return [el("a", { href: part, rel: "noopener", target: "_blank", onclick: (event) => {
      if (open(part)) event.preventDefault();
    } }, part.replace(/^https?:\/\//, ""))];
  });
}
