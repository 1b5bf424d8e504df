// What the lessons' explorers and the exported page are made of: plain JavaScript, no library, no network. Text is only
// ever set as text, so a token can hold anything. A component makes an element and returns it with a function that
// shows new content.
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
  const SIGNS = { "\n": "↵", "\t": "⇥", "\r": "␍" };
  const visible = (text) => text.replace(/[\n\t\r]|^ +$/g, (found) => SIGNS[found] ?? "␣".repeat(found.length)) || "∅";
  const named = (text) => `“${visible(text.trim() ? text.trim() : text).replace(/^␣+$/, "space")}”`;
  const percent = (share) => (share > 0 && share < 0.005 ? "under 1%" : `${Math.round(100 * share)}%`);
  const depth = (share) => Math.sqrt(share); // by the root, or small shares could not be seen
  const [BLUE, ORANGE] = ["31, 134, 204", "213, 94, 0"]; // to be told apart by the colour-blind too
  const tint = (share, colour = BLUE) => `rgba(${colour}, ${(0.6 * depth(share)).toFixed(3)})`; // ink stays readable

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

  /** A number between two others, with its value in words: arrows, Page Up and Down, Home and End change it. */
  function slider(title, [min, max, step], value, words, onChange) {
    const input = element("input", { type: "range", "aria-label": title, min, max, step, value });
    const told = element("output");
    function tell() {
      told.textContent = words(Number(input.value));
      input.setAttribute("aria-valuetext", told.textContent);
    }
    input.addEventListener("input", () => (tell(), onChange(Number(input.value))));
    tell();
    return element("label", { class: "slider" }, element("span", {}, title), input, told);
  }

  /** Tokens in a row, one of them chosen: by mouse, or by Tab and the arrows. onLook: while one is looked at. */
  function strip(tokens, chosen, onChoose, onLook) {
    const buttons = [];
    const strip = element("div", { class: "strip", role: "group", "aria-label": "the text, token by token" });
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
    function add(token) {
      const [i, button] = [buttons.length, element("button", { type: "button" }, visible(token))];
      button.addEventListener("click", () => choose(i));
      button.addEventListener("focus", () => choose(i));
      button.addEventListener("mouseenter", () => onLook(i));
      buttons.push(button);
      strip.append(button);
      return button;
    }
    /** Colour every token by its share; those from `end` on can't be seen. */
    function show(shares, marked, end = buttons.length, colour = BLUE) {
      buttons.forEach((button, i) => {
        button.style.backgroundColor = tint(shares[i] || 0, colour);
        button.classList.toggle("off", i >= end);
        button.setAttribute("aria-pressed", i === marked);
        button.tabIndex = i === chosen ? 0 : -1;
      });
    }
    tokens.forEach(add);
    return { element: strip, add, show, set chosen(i) { chosen = i; } };
  }

  /** Named shares as bars; show([[name, share, whether it is marked], ...]). */
  function bars(title) {
    const table = element("table", { class: "bars", "aria-label": title });
    function show(rows) {
      table.replaceChildren(
        ...rows.map(([name, share, marked]) => {
          const bar = element("span", { class: "bar", style: `width: ${(10 * share).toFixed(2)}em` });
          const cells = [element("td", {}, bar), element("td", {}, percent(share))];
          const row = element("tr", {}, element("th", { scope: "row" }, name), ...cells);
          if (marked) row.setAttribute("aria-current", "true");
          return row;
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

  /** Shares laid end to end, from the left; what is too thin to be seen is one pale piece at the end. */
  function line() {
    const picture = element("svg", { viewBox: "0 0 600 24", width: 600, height: 24, role: "img" });
    function show(shares, words) {
      let x = 0;
      const pieces = shares.filter((share) => share > 0.002).map((share, i) => {
        const piece = element("rect", { class: "weight", x, y: 0, width: 600 * share, height: 24 });
        piece.setAttribute("fill-opacity", i % 2 ? 0.5 : 0.9);
        x += 600 * share;
        return piece;
      });
      const rest = element("rect", { class: "weight", x, y: 0, width: Math.max(0, 600 - x), height: 24, "fill-opacity": 0.15 });
      picture.replaceChildren(...pieces, rest, element("rect", { class: "frame", x: 0.5, y: 0.5, width: 599, height: 23 }));
      picture.setAttribute("aria-label", words);
    }
    return { element: picture, show };
  }

  /** What next_token_probs of sampling.py computes, for logits in falling order; k = 0 and p = 1 keep every token. */
  function nextTokenProbs(logits, temperature, k, p) {
    const normalised = (weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return weights.map((weight) => weight / total);
    };
    if (temperature === 0) return logits.map((_, i) => Number(i === 0));
    const least = k > 0 && k < logits.length ? logits[k - 1] : -Infinity;
    const probs = normalised(logits.map((x) => (x < least ? 0 : Math.exp((x - logits[0]) / temperature))));
    if (p >= 1) return probs;
    let before = 0;
    return normalised(probs.map((prob) => ((before += prob), before - prob < p ? prob : 0)));
  }

  /** The three settings of sampling as sliders, top-k in steps that can be told apart; they change `settings`. */
  function samplingSliders(settings, onChange) {
    const sizes = [1, 2, 3, 5, 10, 20, 40, 80, 160, 320, 640];
    const { temperature: t, k: most, p } = settings;
    const k = most ? sizes.findIndex((size) => size >= most) : sizes.length;
    const set = (name, of = (x) => x) => (value) => ((settings[name] = of(value)), onChange());
    return [
      slider("temperature", [0, 2, 0.05], t, (x) => (x ? x.toFixed(2) : "0, greedy"), set("temperature")),
      slider("top-k", [0, sizes.length, 1], k, (i) => String(sizes[i] || "off"), set("k", (i) => sizes[i] || 0)),
      slider("top-p", [0.01, 1, 0.01], p, (x) => (x < 1 ? x.toFixed(2) : "1, off"), set("p")),
    ];
  }

  /** What the settings leave of a next token's distribution: in words, laid end to end, and the likeliest as bars. */
  function distribution() {
    const [told, ends, likeliest] = [status(), line(), bars("the likeliest next tokens")];
    /** logits: of all tokens, in falling order; names: of those with these ranks; taken: the rank of one of them. */
    function show({ names, logits, ranks = names.map((_, i) => i), taken }, { temperature, k, p }, aloud = true) {
      const [own, left] = [nextTokenProbs(logits, 1, 0, 1), nextTokenProbs(logits, temperature, k, p)];
      const stay = left.filter((prob) => prob > 0).length;
      const believed = own.reduce((sum, prob, i) => sum + (left[i] > 0 ? prob : 0), 0);
      const top = names.slice(0, 3).flatMap((name, i) => (left[i] > 0 ? [`${named(name)} ${percent(left[i])}`] : []));
      likeliest.show(names.map((name, i) => [visible(name), left[ranks[i]], ranks[i] === taken]));
      ends.show(left, `The line that a point is thrown at: ${top.join(", ")}, then the others.`);
      if (!aloud) return;
      told.show(
        `${stay} of ${logits.length} tokens stay; before the settings acted they had ${percent(believed)} together. ` +
          `Likeliest now: ${top.join(", ")}.`,
      );
    }
    return { elements: [told.element, ends.element, likeliest.element], show };
  }

  const parts = { bars, choice, distribution, element, grid, line, samplingSliders, slider, status, strip };
  globalThis.TinyGPT = { ...parts, BLUE, ORANGE, named, nextTokenProbs, percent, tint, visible };
})();
