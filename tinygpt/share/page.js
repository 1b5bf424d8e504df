// The page around the model: prompt, text, next token, attention.
(() => {
  "use strict";

  const { BLUE, END_OF_TEXT, ORANGE, bars, choice, distribution, element, named, percent, visible } = TinyGPT;
  const LONGEST = 10_000; // characters of a prompt; the model reads the end of it only
  const [SHORT, LONG] = [30, 250]; // milliseconds of work before the browser may draw and listen
  const [SHOWN, HEARD] = [12, 4]; // the likeliest next tokens, the tokens a head listens to most
  const STRONGEST = 12; // bits of surprise that get the full colour

  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("data").textContent);
  const binary = atob(find("weights").textContent);
  const bytes = new Uint8Array(binary.length).map((_, i) => binary.charCodeAt(i));
  const model = new TinyGPT.Model(data.config, TinyGPT.unpack(data.index, bytes));
  const tokenizer = new TinyGPT.Tokenizer(data.merges);
  const { n_layers, n_heads } = data.config;

  const settings = { temperature: 0.8, k: 0, p: 0.95 };
  // The text as it stands: places[i] is what was known about the token ids[i] before it came, bits[i] its surprise;
  // the first `given` are the prompt's.
  const text = { ids: [], places: [], bits: [], given: 0, busy: false };
  // What is looked at: the token `chosen`, or with null the one to come; colour 0 is surprise, then come the heads.
  const view = { chosen: null, layer: n_layers - 1, colour: 0 };
  let [job, writing, length] = [0, false, 200]; // job: the reading or writing that goes on; a newer one ends it
  let say = () => {}; // tells screen readers what has been written

  // 1. Tokens as text.

  /** A single token; bytes that are no whole character as \xf0. */
  function tokenText(id) {
    if (id === END_OF_TEXT) return "end of the text";
    const of = tokenizer.bytes(id);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(of);
    } catch {
      return Array.from(of, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    }
  }

  function plainText(ids) {
    const all = ids.flatMap((id) => Array.from(tokenizer.bytes(id)));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(all));
  }

  const nameOf = (i) => (i === 0 ? "the start" : named(tokenText(text.ids[i])));

  // 2. The text: what was read and written, token by token.

  function begin() {
    Object.assign(text, { ids: [], places: [], bits: [], decoder: new TextDecoder("utf-8", { ignoreBOM: true }) });
    text.strip = TinyGPT.strip([], 0, (i) => ((view.chosen = i < text.ids.length ? i : null), draw()), () => {});
    find("text").replaceChildren(text.strip.element);
    view.chosen = null;
    expect();
  }

  /** The last button of the strip stands for the token to come. */
  function expect() {
    text.next = text.strip.add("");
    text.next.textContent = "";
    text.next.classList.add("next");
    text.next.setAttribute("aria-label", "the token that comes next");
  }

  /** It has come: its button now shows it, and stands with the tokens of the same word, which no line breaks. */
  function append(id, written) {
    const [first, button, { element: strip }] = [text.ids.length === 0, text.next, text.strip];
    const piece = text.decoder.decode(tokenizer.bytes(id), { stream: true });
    button.textContent = first ? "start" : visible(piece || "·"); // a dot: a character's first bytes
    button.className = first ? "start" : written ? "written" : "given";
    button.removeAttribute("aria-label");
    const [last, watched] = [button.previousElementSibling, document.activeElement === button];
    const goesOn = text.ids.length > 1 && last.className === "word" && !/^\s/.test(piece);
    const word = goesOn ? last : element("span", { class: "word" });
    if (!goesOn) button.before(word);
    word.append(button);
    if (piece.includes("\n")) strip.append(element("br"));
    text.ids.push(id);
    expect();
    if (watched) text.next.focus(); // who looked at the token to come goes on doing so
  }

  /** Bits of surprise at a token: how unlikely the model itself, at temperature 1, held it. */
  function surprise(i) {
    const place = text.places[i];
    if (!place || i >= text.ids.length) return 0;
    if (text.bits[i] === undefined) {
      const top = place.logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
      const total = place.logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
      text.bits[i] = (Math.log(total) + top - place.logits[text.ids[i]]) / Math.LN2;
    }
    return text.bits[i];
  }

  // 3. Pictures of one place in the text.

  const likely = distribution();
  const heads = Array.from({ length: n_heads }, (_, head) => bars(`head ${head} listens most to`));
  const colours = choice(
    "colour",
    ["surprise", ...heads.map((_, head) => `head ${head}`)],
    0,
    (i) => ((view.colour = i), draw()),
  );
  const scale = element("p", { class: "scale" });
  const numbers = Array.from({ length: n_layers }, (_, layer) => String(layer));
  const layers = choice("layer", numbers, view.layer, (i) => ((view.layer = i), draw()));

  /** Show the place that is chosen. aloud: screen readers hear of it. */
  function draw(aloud = !writing) {
    const at = view.chosen ?? text.ids.length;
    const place = text.places[at];
    drawText(at, place);
    find("plain").textContent = plainText(text.ids);
    find("next-title").textContent = at === text.ids.length ? "What comes next" : `What could stand at token ${at}`;
    if (place) place.order ??= TinyGPT.ranking(place.logits);
    find("taken").textContent = told(at, place);
    find("next").hidden = find("heads").hidden = !place && view.chosen !== null;
    if (!place) return; // it is being read
    const taken = at < text.ids.length ? place.order.indexOf(text.ids[at]) : undefined;
    const ranks = place.order.slice(0, SHOWN).map((_, rank) => rank);
    if (taken >= SHOWN) ranks.push(taken);
    const names = ranks.map((rank) => tokenText(place.order[rank]));
    likely.show({ names, logits: place.order.map((id) => place.logits[id]), ranks, taken }, settings, aloud);
    heads.forEach((table, head) => {
      const shares = listened(place, head);
      const most = TinyGPT.ranking(shares).slice(0, HEARD);
      table.show(most.map((s) => [place.from + s ? visible(tokenText(text.ids[place.from + s])) : "start", shares[s]]));
    });
  }

  function drawText(at, place) {
    let [shares, colour] = [text.ids.map((_, i) => (Math.min(surprise(i), STRONGEST) / STRONGEST) ** 2), ORANGE];
    if (view.colour > 0) {
      [shares, colour] = [[], BLUE];
      if (place) listened(place, view.colour - 1).forEach((share, s) => (shares[place.from + s] = share));
    }
    text.strip.chosen = at;
    text.strip.show(shares, at, undefined, colour);
    scale.style.setProperty("--tint", colour.replaceAll(",", ""));
    scale.textContent =
      view.colour > 0
        ? `what head ${view.colour - 1} of layer ${view.layer} listened to`
        : `from 0 to ${STRONGEST} bits and more: how unlikely the model held each token`;
  }

  /** The weights of a head of the chosen layer. */
  function listened(place, head) {
    const S = place.attention.length / (n_layers * n_heads);
    const at = (view.layer * n_heads + head) * S;
    return place.attention.subarray(at, at + S);
  }

  function told(at, place) {
    if (at === text.ids.length) return "Choose a token of the text to see what else could have stood there.";
    if (at === 0) return "Every text starts here: with nothing before it, there is nothing to predict it from.";
    if (!place) return `${nameOf(at)} stands before what the model has read.`;
    const bits = surprise(at);
    return (
      `${nameOf(at)}: the model itself gave it ${percent(2 ** -bits)}, a surprise of ${bits.toFixed(1)} bits, ` +
      `rank ${place.order.indexOf(text.ids[at]) + 1} of ${place.logits.length}.`
    );
  }

  // 4. Reading and writing.

  /** Let the browser draw and listen. */
  function pause() {
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(port1.close());
      port2.postMessage(null);
    });
  }

  /** What is wrong with the prompt or the seed, or null. */
  function problem() {
    const [prompt, seed, long] = [find("prompt").value, find("seed"), (n) => n.toLocaleString("en")];
    if (prompt.length > LONGEST) {
      return `The beginning has ${long(prompt.length)} characters: shorten it to ${long(LONGEST)}.`;
    }
    if (/\p{Surrogate}/u.test(prompt)) {
      return "The beginning holds half a character, which no tokenizer can read: delete it.";
    }
    if (!seed.validity.valid || !seed.value) return `The seed must be a whole number from 0 to ${seed.max}.`;
    return null;
  }

  /** What to know about the prompt. */
  function remark() {
    const [n, context] = [text.given, model.config.context_length];
    if (n > context) return `The beginning has ${n} tokens, the model reads the last ${context}. `;
    return n === 1 ? "With nothing to begin from, the model starts a text of its own. " : "";
  }

  /** What tells screen readers what is written, sentence by sentence, and at the end the rest. */
  function speaker() {
    let said = 0;
    find("heard").replaceChildren();
    return (all) => {
      const fresh = plainText(text.ids.slice(text.given)).slice(said);
      const sentences = all ? fresh : (fresh.match(/^.*[.!?\n]/s)?.[0] ?? "");
      said += sentences.length;
      if (sentences.trim()) find("heard").append(element("p", {}, sentences));
    };
  }

  /** Read the prompt and write up to `most` tokens that follow; resolves when that has ended, or something newer. */
  async function go(most) {
    const wrong = problem();
    find("note").classList.toggle("wrong", wrong !== null);
    end(wrong ?? "");
    if (wrong) return;
    const mine = job;
    const random = TinyGPT.randomNumbers(Number(find("seed").value));
    const ids = [END_OF_TEXT, ...tokenizer.encode(find("prompt").value)];
    begin();
    ids.forEach((id) => append(id, false));
    text.given = ids.length;
    find("note").textContent = remark();
    [text.busy, writing] = [true, most > 0];
    find("stop").disabled = !writing;
    if (writing) find("text").closest("section").scrollIntoView({ block: "nearest" }); // on a phone it lies further down
    say = speaker();
    let [slice, drawing, start] = [performance.now(), 0, null];
    const pick = (logits) => TinyGPT.pick(logits, settings, random);
    for (const { at, place, id } of TinyGPT.write(model, ids, most, pick)) {
      start ??= at === ids.length ? performance.now() : null; // now the prompt is read
      if (place) text.places[at] ??= place;
      else append(id, true);
      const worked = performance.now() - slice;
      if (worked < Math.min(LONG, Math.max(SHORT, 3 * drawing))) continue; // most of the time is for the model
      draw();
      say();
      await pause();
      if (mine !== job) return;
      drawing = performance.now() - slice - worked;
      slice = performance.now();
    }
    const written = text.ids.length - ids.length;
    const speed = Math.round((1000 * written) / (performance.now() - start));
    const why = written < most ? "the model ended its text" : "the length is reached";
    end(remark() + (most ? `${written} tokens, ${speed} a second: ${why}.` : ""));
  }

  /** What goes on is over, for this reason. */
  function end(words) {
    [job, text.busy, writing] = [job + 1, false, false];
    say("all");
    if (document.activeElement === find("stop")) find("write").focus();
    find("stop").disabled = true;
    find("note").textContent = words;
    draw();
  }

  // 5. What the reader can do.

  const stop = () => writing && end(`Stopped after ${text.ids.length - text.given} tokens.`);
  let typed; // the timer that waits for the end of typing

  function begins(prompt) {
    const button = element("button", { type: "button" }, prompt);
    button.addEventListener("click", () => ((find("prompt").value = prompt), go(0)));
    return button;
  }

  find("form").addEventListener("submit", (event) => (event.preventDefault(), clearTimeout(typed), go(length)));
  find("another").addEventListener("click", () => {
    const seed = find("seed");
    if (seed.validity.valid && seed.value) seed.value = (Number(seed.value) + 1) % (Number(seed.max) + 1);
    find("form").requestSubmit();
  });
  find("stop").addEventListener("click", stop);
  find("prompt").addEventListener("input", () => (clearTimeout(typed), (typed = setTimeout(() => go(0), 200))));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("form").requestSubmit();
  });
  find("examples").append(...data.examples.map(begins));
  find("settings").prepend(
    ...TinyGPT.samplingSliders(settings, () => draw()),
    TinyGPT.slider("length", [10, 500, 10], length, (n) => `${n} tokens`, (n) => (length = n)),
  );
  find("colours").append(colours, scale);
  find("next").append(...likely.elements);
  find("heads").append(layers, ...heads.flatMap((table, head) => [element("h3", {}, `head ${head}`), table.element]));
  find("prompt").value = data.examples[0] ?? "";
  Object.assign(TinyGPT, { model, text, tokenizer }); // to be played with in the browser's console
  begin();
  go(0);
})();
