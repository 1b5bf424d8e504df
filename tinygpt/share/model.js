// The tokenizer, the model and the sampling of the package in plain JavaScript: what tokenizer.py, numpy_model.py and
// sampling.py compute, for one text at a time. Tests hold them equal in a real browser.
(() => {
  "use strict";

  // 1. The tokenizer: byte-level BPE.

  // GPT-2's pattern. Characters that were made letters after Unicode 16 are signs to the package, and here where the
  // browser is not newer.
  const SPACE = String.raw`\p{White_Space}`;
  const SIGN = String.raw`[^${SPACE}\p{L}\p{N}]`;
  const WORDS = new RegExp(
    String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?${SIGN}+|${SPACE}+(?!\P{White_Space})|${SPACE}+`,
    "gu",
  );
  const END_OF_TEXT = 0;
  const N_BYTES = 256;

  /** A printable character for every byte: its own Latin-1 character, or where that is invisible one from 256 on. */
  function standIns() {
    let spare = N_BYTES;
    const visible = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
    return Array.from({ length: N_BYTES }, (_, byte) => String.fromCharCode(visible(byte) ? byte : spare++));
  }

  /** Text to token ids and back; 0 ends a document and is never made from a text. */
  class Tokenizer {
    /** merges: lines of two tokens in stand-ins, in the order learned. */
    constructor(merges) {
      this.standIn = standIns();
      this.byte = new Map(this.standIn.map((character, byte) => [character, byte]));
      this.tokens = ["", ...[...this.standIn].sort(), ...merges.map((line) => line.replace(" ", ""))];
      this.id = new Map(this.tokens.map((token, id) => [token, id]));
      this.rank = new Map(merges.map((line, rank) => [line, rank]));
    }

    encode(text) {
      const ids = [];
      const known = new Map(); // word -> ids: a text has few different words
      for (const [word] of text.matchAll(WORDS)) {
        if (!known.has(word)) known.set(word, this.encodeWord(word));
        for (const id of known.get(word)) ids.push(id);
      }
      return ids;
    }

    /** Merge pairs of neighbours, those learned first before the others, each from the left. */
    encodeWord(word) {
      let parts = Array.from(new TextEncoder().encode(word), (byte) => this.standIn[byte]);
      for (;;) {
        let [first, best] = [null, Infinity];
        for (let i = 1; i < parts.length; i++) {
          const pair = `${parts[i - 1]} ${parts[i]}`;
          const rank = this.rank.get(pair);
          if (rank < best) [first, best] = [pair, rank];
        }
        if (first === null) return parts.map((part) => this.id.get(part));
        const [left, right] = first.split(" ");
        const merged = [];
        for (const part of parts) {
          if (part === right && merged.at(-1) === left) merged[merged.length - 1] = left + right;
          else merged.push(part);
        }
        parts = merged;
      }
    }

    /** The bytes of one token: a character may end in the next. */
    bytes(id) {
      return Uint8Array.from(this.tokens[id], (character) => this.byte.get(character));
    }
  }

  // 2. The model.

  /** A trained model that reads tokens one by one and remembers them. */
  class Model {
    /** weights: {name: Float32Array}, matrices row by row. */
    constructor(config, weights) {
      this.config = config;
      this.weights = { "head.weight": weights["token_embedding.weight"], ...weights };
      const { n_layers, context_length, d_model, head_size } = config;
      const memory = () => Array.from({ length: n_layers }, () => new Float32Array(context_length * d_model));
      [this.keys, this.values, this.length] = [memory(), memory(), 0];
      this.speeds = Array.from({ length: head_size >> 1 }, (_, i) => 10_000 ** ((-2 * i) / head_size));
    }

    /** Start a new text. */
    forget() {
      this.length = 0;
    }

    /**
     * The next token of the text -> {logits of the token that follows, attention}: how much each head listens to each
     * token read so far, [layer][head] one after the other.
     */
    read(id) {
      const { config, weights } = this;
      const C = config.d_model;
      let x = weights["token_embedding.weight"].slice(id * C, (id + 1) * C);
      const attention = new Float32Array(config.n_layers * config.n_heads * (this.length + 1));
      if (config.positions === "learned") {
        x = add(x, weights["position_embedding.weight"].subarray(this.length * C, (this.length + 1) * C));
      }
      for (let layer = 0; layer < config.n_layers; layer++) {
        const block = `blocks.${layer}.`;
        x = add(x, this.attend(this.norm(x, `${block}attention_norm`), `${block}attention.`, layer, attention));
        x = add(x, this.mlp(this.norm(x, `${block}mlp_norm`), `${block}mlp.`));
      }
      this.length += 1;
      return { logits: this.linear(this.norm(x, "norm"), "head"), attention };
    }

    attend(x, name, layer, attention) {
      const { n_heads: H, head_size: D, d_model: C } = this.config;
      const qkv = this.linear(x, `${name}qkv`);
      const [q, k, v] = [0, 1, 2].map((i) => qkv.subarray(i * C, (i + 1) * C));
      for (let head = 0; head < H; head++) {
        for (const each of [q, k]) {
          const mine = each.subarray(head * D, (head + 1) * D);
          if (this.config.qk_norm) mine.set(rmsNorm(mine));
          if (this.config.positions === "rotary") this.rotate(mine);
        }
      }
      const [keys, values, S] = [this.keys[layer], this.values[layer], this.length + 1];
      keys.set(k, this.length * C);
      values.set(v, this.length * C);
      const heads = new Float32Array(C);
      for (let head = 0; head < H; head++) {
        const weights = attention.subarray((layer * H + head) * S, (layer * H + head + 1) * S);
        for (let s = 0; s < S; s++) {
          let score = 0;
          for (let d = head * D; d < (head + 1) * D; d++) score += q[d] * keys[s * C + d];
          weights[s] = score / Math.sqrt(D);
        }
        softmax(weights);
        for (let s = 0; s < S; s++) {
          for (let d = head * D; d < (head + 1) * D; d++) heads[d] += weights[s] * values[s * C + d];
        }
      }
      return this.linear(heads, `${name}output`);
    }

    /** Turn each pair (x[i], x[i + D/2]) by the angle of the position. */
    rotate(x) {
      const half = x.length >> 1;
      for (let i = 0; i < half; i++) {
        const [cos, sin] = [Math.cos(this.length * this.speeds[i]), Math.sin(this.length * this.speeds[i])];
        [x[i], x[i + half]] = [x[i] * cos - x[i + half] * sin, x[i + half] * cos + x[i] * sin];
      }
    }

    mlp(x, name) {
      const hidden = this.linear(x, `${name}up`);
      if (this.config.mlp === "swiglu") {
        const gate = this.linear(x, `${name}gate`);
        for (let i = 0; i < hidden.length; i++) hidden[i] *= gate[i] / (1 + Math.exp(-gate[i]));
      } else {
        for (let i = 0; i < hidden.length; i++) hidden[i] *= 0.5 * (1 + erf(hidden[i] / Math.SQRT2));
      }
      return this.linear(hidden, `${name}output`);
    }

    norm(x, name) {
      if (this.config.norm === "rmsnorm") return rmsNorm(x);
      const [weight, bias] = [this.weights[`${name}.weight`], this.weights[`${name}.bias`]];
      const mean = x.reduce((sum, each) => sum + each, 0) / x.length;
      const variance = x.reduce((sum, each) => sum + (each - mean) ** 2, 0) / x.length;
      return x.map((each, i) => ((each - mean) / Math.sqrt(variance + 1e-5)) * weight[i] + bias[i]);
    }

    /** A matrix times a vector, four rows at a time: nearly all of the time is spent here. */
    linear(x, name) {
      const [weight, bias, n] = [this.weights[`${name}.weight`], this.weights[`${name}.bias`], x.length];
      const y = bias ? bias.slice() : new Float32Array(weight.length / n);
      let row = 0;
      for (; row + 4 <= y.length; row += 4) {
        let a = 0,
          b = 0,
          c = 0,
          d = 0;
        for (let i = 0, at = row * n; i < n; i++, at++) {
          const each = x[i];
          a += weight[at] * each;
          b += weight[at + n] * each;
          c += weight[at + 2 * n] * each;
          d += weight[at + 3 * n] * each;
        }
        y[row] += a;
        y[row + 1] += b;
        y[row + 2] += c;
        y[row + 3] += d;
      }
      for (; row < y.length; row++) {
        for (let i = 0; i < n; i++) y[row] += weight[row * n + i] * x[i];
      }
      return y;
    }
  }

  const add = (x, y) => x.map((each, i) => each + y[i]);

  function rmsNorm(x) {
    const square = x.reduce((sum, each) => sum + each * each, 0) / x.length;
    return x.map((each) => each / Math.sqrt(square + 1e-6));
  }

  /** In place. */
  function softmax(x) {
    const top = x.reduce((most, each) => Math.max(most, each), -Infinity);
    let total = 0;
    for (let i = 0; i < x.length; i++) total += x[i] = Math.exp(x[i] - top);
    for (let i = 0; i < x.length; i++) x[i] /= total;
  }

  /** The error function to within 2e-7: Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 7.1.26. */
  function erf(x) {
    const t = 1 / (1 + 0.3275911 * Math.abs(x));
    const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
  }

  // 3. The weights, as page.py packs them.

  /** index: [[name, rows, width, kind]]; bytes: the tensors one after the other -> {name: Float32Array}. */
  function unpack(index, bytes) {
    const weights = {};
    let at = 0;
    const next = (Kind, n) => new Kind(bytes.slice(at, (at += n * Kind.BYTES_PER_ELEMENT)).buffer);
    for (const [name, rows, width, kind] of index) {
      if (kind === "float32") {
        weights[name] = next(Float32Array, rows * width);
      } else if (kind === "float16") {
        weights[name] = new Float32Array(next(Uint16Array, rows * width)).map(half);
      } else {
        const scales = next(Float32Array, rows); // each row has its own
        const whole = new Float32Array(next(Int8Array, rows * width));
        weights[name] = whole.map((each, i) => each * scales[Math.floor(i / width)]);
      }
    }
    return weights;
  }

  /** The number that 16 bits stand for: IEEE 754's half precision. */
  function half(bits) {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction;
    return bits & 0x8000 ? -size : size;
  }

  // 4. Writing.

  /** Ids from the likeliest to the least; of two alike the first comes first. */
  const ranking = (logits) => Array.from(logits, (_, id) => id).sort((a, b) => logits[b] - logits[a] || a - b);

  /** One token as the settings {temperature, k, p} say: a point is thrown at the line that all probabilities make. */
  function pick(logits, settings, random) {
    if (settings.temperature === 0) return logits.indexOf(logits.reduce((most, each) => Math.max(most, each)));
    const order = ranking(logits);
    const probs = TinyGPT.nextTokenProbs(order.map((id) => logits[id]), settings.temperature, settings.k, settings.p);
    const line = new Float64Array(logits.length); // in the order of the ids, as the package lays it
    order.forEach((id, rank) => (line[id] = probs[rank]));
    let point = random() * line.reduce((sum, prob) => sum + prob, 0);
    for (const id of line.keys()) if ((point -= line[id]) < 0) return id;
    return line.findLastIndex((prob) => prob > 0); // the sum was rounded up
  }

  /**
   * Reads ids, then writes up to `most` tokens, each as `choose(logits)` says: generate_ids of sampling.py. When the
   * context is full, the later half of it is read again and the writing goes on from there.
   *
   * Yields {id} for every token written, and after every token read {at, place}: what is known about the token with
   * the index `at`. place: {logits, attention, from}; the first token listened to has the index `from`.
   */
  function* write(model, ids, most, choose) {
    const [seen, context] = [[...ids], model.config.context_length];
    let [from, place] = [Math.max(0, seen.length - context), null];
    model.forget();
    for (let written = 0; ; written++) {
      while (from + model.length < seen.length) {
        place = { from, ...model.read(seen[from + model.length]) };
        yield { at: from + model.length, place };
      }
      if (written === most) return;
      const id = choose(place.logits);
      if (id === END_OF_TEXT) return;
      seen.push(id);
      yield { id };
      if (model.length === context) {
        model.forget();
        from = seen.length - Math.max(1, context >> 1);
      }
    }
  }

  /**
   * Numbers in [0, 1): for equal seeds those of torch.rand in double precision, so that a seed writes here what it
   * writes in the package. Source: Matsumoto and Nishimura 1998, Mersenne Twister.
   */
  function randomNumbers(seed) {
    const state = new Uint32Array(624);
    state[0] = seed;
    for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    let used = 624;
    function renew() {
      for (let i = 0; i < 624; i++) {
        const mixed = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      used = 0;
    }
    function next32() {
      if (used === 624) renew();
      let x = state[used++];
      x ^= x >>> 11;
      x ^= (x << 7) & 0x9d2c5680;
      x ^= (x << 15) & 0xefc60000;
      return (x ^ (x >>> 18)) >>> 0;
    }
    return () => ((next32() & 0x1fffff) * 2 ** 32 + next32()) / 2 ** 53;
  }

  Object.assign(TinyGPT, { END_OF_TEXT, Model, Tokenizer, pick, randomNumbers, ranking, unpack, write });
})();
