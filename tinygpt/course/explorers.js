// What TinyGPT's explorers are made of: plain JavaScript, no library, no network. Text is only ever set as text, so
// a token can hold anything. A component makes an element and returns it with a function that shows new content.
(() => {
  "use strict";

  const unique = (name) => `tinygpt-${name}-${Math.random().toString(36).slice(2)}`;

  /** An element with attributes and children; a child that is a string becomes text. */
  function element(tag, attributes = {}, ...children) {
    const isDrawing = ["svg", "rect"].includes(tag);
    const made = isDrawing ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    // JupyterLab looks for this on the element that has the focus, or its shortcuts take the keys: "d d" cuts the cell.
    if (["button", "input", "summary"].includes(tag)) made.setAttribute("data-lm-suppress-shortcuts", "true");
    made.append(...children);
    return made;
  }

  /** A token as it can be seen: what moves the cursor gets a sign. */
  const visible = (text) => text.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/\r/g, "␍") || "∅";
  const named = (text) => `“${visible(text.trim() ? text.trim() : text).replace(/^ +$/, "space")}”`;
  const percent = (share) => (share > 0 && share < 0.005 ? "under 1%" : `${Math.round(100 * share)}%`);
  const depth = (share) => Math.sqrt(share); // by the root, or small shares could not be seen
  const tint = (share) => `rgba(31, 134, 204, ${(0.6 * depth(share)).toFixed(3)})`; // the ink stays readable

  /** One of several, as radio buttons: Tab comes to them, arrows choose. */
  function choice(title, names, chosen, onChange) {
    const group = unique("choice");
    const labels = names.map((name, i) => {
      const input = element("input", { type: "radio", name: group, value: i });
      input.checked = i === chosen;
      input.addEventListener("change", () => onChange(i));
      return element("label", {}, input, name);
    });
    return element("fieldset", {}, element("legend", {}, title), ...labels);
  }

  /** Tokens in a row, one of them chosen: by mouse, or by Tab and the arrows. onLook is called while one is looked at. */
  function strip(tokens, chosen, onChoose, onLook) {
    const buttons = tokens.map((token, i) => {
      const button = element("button", { type: "button" }, visible(token));
      button.addEventListener("click", () => choose(i));
      button.addEventListener("focus", () => choose(i));
      button.addEventListener("mouseenter", () => onLook(i));
      return button;
    });
    const strip = element("div", { class: "strip", role: "group", "aria-label": "the text, token by token" }, ...buttons);
    const moves = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };
    strip.addEventListener("keydown", (event) => {
      if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      buttons[Math.min(buttons.length - 1, Math.max(0, chosen + moves[event.key]))].focus();
    });
    strip.addEventListener("mouseleave", () => onLook(chosen));
    function choose(i) {
      chosen = i;
      onChoose(i);
    }
    /** Colour every token by its share; those from `end` on can't be seen. */
    function show(shares, marked, end = tokens.length) {
      buttons.forEach((button, i) => {
        button.style.backgroundColor = tint(shares[i] || 0);
        button.classList.toggle("off", i >= end);
        button.setAttribute("aria-pressed", i === marked);
        button.tabIndex = i === chosen ? 0 : -1;
      });
    }
    return { element: strip, show };
  }

  /** Named shares as bars; show([[name, share], ...]). */
  function bars(title) {
    const table = element("table", { class: "bars", "aria-label": title });
    function show(rows) {
      table.replaceChildren(
        ...rows.map(([name, share]) => {
          const bar = element("span", { class: "bar", style: `width: ${(10 * share).toFixed(2)}em` });
          const cells = [element("td", {}, bar), element("td", {}, percent(share))];
          return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
        }),
      );
    }
    return { element: table, show };
  }

  /** A sentence that screen readers hear when it changes. */
  function status() {
    const line = element("div", { class: "status", role: "status", "aria-live": "polite" });
    return { element: line, show: (text) => (line.textContent = text) };
  }

  /** A table of shares as a picture, light to dark; onLook(row) while the mouse is over it. */
  function grid(size, onLook, onLeave) {
    const side = 260 / size;
    const picture = element("svg", { viewBox: "-1 -1 262 262", width: 260, height: 260, role: "img" });
    picture.addEventListener("mousemove", (event) => {
      const box = picture.getBoundingClientRect();
      onLook(Math.min(size - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * size))));
    });
    picture.addEventListener("mouseleave", onLeave);
    const rect = (name, x, y, width, height, more = {}) =>
      element("rect", { class: name, x, y, width, height, ...more });
    function show(rows, marked, words) {
      const weights = rows.flatMap((row, t) =>
        row.map((share, s) => rect("weight", s * side, t * side, side, side, { "fill-opacity": depth(share).toFixed(3) })),
      );
      const lines = [rect("frame", 0, 0, 260, 260), rect("row", 0, marked * side, 260, side)];
      picture.replaceChildren(...weights.filter((w) => w.getAttribute("fill-opacity") > 0), ...lines);
      picture.setAttribute("aria-label", words);
    }
    return { element: picture, show };
  }

  const explorers = {
    /** data: {tokens: [text], maps: [layer][head][query][key] in thousandths, later zeros left out}. */
    attention(root, { tokens, maps }) {
      let [layer, head, chosen, looked] = [0, 0, tokens.length - 1, tokens.length - 1];
      const numbers = (list) => list.map((_, i) => String(i));
      const layers = choice("layer", numbers(maps), layer, (i) => ((layer = i), draw()));
      const heads = choice("head", numbers(maps[0]), head, (i) => ((head = i), draw()));
      const look = (i) => ((looked = i), draw());
      const text = strip(tokens, chosen, (i) => ((chosen = i), look(i)), look);
      const picture = grid(tokens.length, look, () => look(chosen));
      const listened = bars("what it listens to most");
      const told = status();
      const share = (t, s) => (maps[layer][head][t][s] || 0) / 1000;
      const name = (s) => (s === looked ? "itself" : `${named(tokens[s])} (token ${s})`);

      function draw() {
        const shares = tokens.map((_, s) => share(looked, s));
        const ranked = tokens.map((_, s) => s).filter((s) => shares[s] > 0).sort((a, b) => shares[b] - shares[a]);
        const top = ranked.slice(0, 4);
        const rest = top.reduce((left, s) => left - shares[s], 1);
        const others = ranked.length > 4 ? `; ${ranked.length - 4} others share ${percent(Math.max(0, rest))}` : "";
        const list = top.map((s) => `${name(s)} ${percent(shares[s])}`).join(", ");
        text.show(shares, looked, maps[layer][head][looked].length);
        listened.show(top.map((s) => [s === looked ? "itself" : visible(tokens[s]), shares[s]]));
        told.show(`Layer ${layer}, head ${head}: ${named(tokens[looked])} (token ${looked}) listens to ${list}${others}.`);
        const rows = tokens.map((_, t) => tokens.map((_, s) => share(t, s)));
        picture.show(rows, looked, `Weights of layer ${layer}, head ${head}: a row for each token that listens.`);
      }
      draw();
      const views = element("div", { class: "views" }, picture.element, listened.element);
      root.append(layers, heads, text.element, told.element, views);
    },
  };

  /** Bring every explorer on the page to life that has not been yet; its words stay, folded. */
  function start() {
    for (const root of document.querySelectorAll("[data-tinygpt-explorer]:not([data-ready])")) {
      root.setAttribute("data-ready", "");
      const words = root.querySelector(".words");
      const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
      explorers[root.dataset.tinygptExplorer](root, data);
      root.append(element("details", {}, element("summary", {}, "The same in words"), words));
    }
  }

  globalThis.TinyGPT = { bars, choice, element, explorers, grid, named, percent, start, status, strip, tint, visible };
  start();
})();
