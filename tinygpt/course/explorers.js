// The lessons' explorers, made of the components of share/components.js, which stand before this in every explorer.
(() => {
  "use strict";

  const { bars, choice, distribution, element, grid, named, percent, samplingSliders, status, strip, visible } = TinyGPT;

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

    /** data: {places: [{text, names of the likeliest, logits of all tokens in falling order}]}. */
    sampling(root, { places }) {
      const settings = { temperature: 1, k: 0, p: 1 };
      let place = 0;
      const names = places.map((each) => `“${visible(each.text)}”`);
      const texts = choice("after", names, place, (i) => ((place = i), draw()));
      texts.classList.add("lines");
      const left = distribution();
      const draw = () => left.show(places[place], settings);
      root.append(texts, ...samplingSliders(settings, draw), ...left.elements);
      draw();
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

  Object.assign(TinyGPT, { explorers, start });
  start();
})();
