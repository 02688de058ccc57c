// Small helpers: build elements from data (never from HTML text), talk to the control API.

export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name, className = "icon") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/sim/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

let toastTimer;
export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("shown"), 3200);
}

export async function get(path, query = {}) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// Returns the answer, or null after telling the person why not.
export async function post(path, body) {
  try {
    const answer = await fetch(`/sim/${path}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const found = await answer.json();
    if (answer.ok) return found;
    toast(found.error || "Cela n'a pas marché.");
  } catch {
    toast("Le simulateur ne répond pas.");
  }
  return null;
}

export const clock = (seconds) => new Date(seconds * 1000)
  .toLocaleTimeString("fr-FR", { hour: "2-digit", minute: "2-digit" });

export const francs = (amount) => `${String(amount ?? 0).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f")} F`;
