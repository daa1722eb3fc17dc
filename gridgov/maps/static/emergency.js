// The commander's instruments on the map: four big numbers that keep themselves up to date, and a plan in time with a
// slider that plays. Python says which plan and in which words; nothing here needs the page to run again.
(function () {
  "use strict";

  const PLAY_S = 26, FRAME_MS = 55, REFRESH_MS = 15000, AGAIN_MS = 2500, SPEEDS = [1, 2, 4];
  const el = (tag, className, parent, text) => {
    const node = L.DomUtil.create(tag, className, parent);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const SVG = (tag, attributes, parent) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return parent.appendChild(node);
  };

  gridgov.Emergency = class {
    constructor(console) {
      this._console = console;
      this.layer = null;
    }

    // config: {numbers: url, plan: {url, leave, now_s} or null, texts, lang}; null: the page shows something else.
    show(config) {
      const old = this._config || {};
      this._config = config || {};
      const box = this._console.map.getContainer();
      box.classList.toggle("gg-emergency", Boolean(config));
      if (!config) return this._clear();
      if (config.numbers !== old.numbers || !this._hud) this._startNumbers();
      const plan = config.plan && config.plan.url;
      if (plan !== (old.plan && old.plan.url)) this._startPlan();
      else if (this._plan) this._compare();
    }

    _clear() {
      clearInterval(this._timer);
      if (this._hud) this._hud.remove();
      this._hud = null;
      this._dropPlan();
    }

    // ---- the numbers
    _startNumbers() {
      clearInterval(this._timer);
      if (!this._hud) {
        this._hud = el("div", "gg-hud", this._console.map.getContainer());
        this._hud.setAttribute("role", "status");
        L.DomEvent.disableClickPropagation(this._hud).disableScrollPropagation(this._hud);
      }
      this._seen = {};
      this._ask();
      this._timer = setInterval(() => document.hidden || this._ask(), REFRESH_MS);
    }

    async _ask() {
      const url = this._config.numbers;
      try {
        const bytes = await gridgov.fetchBytes(url, undefined, this._seen);
        if (url !== this._config.numbers) return;
        if (bytes) this._numbers = JSON.parse(new TextDecoder().decode(bytes));
        this._lost = bytes === null;
      } catch (error) {
        this._lost = true;
      }
      this._draw();
    }

    _draw() {
      const hud = this._hud, numbers = this._numbers;
      if (!hud || !numbers) return;
      hud.replaceChildren();
      for (const cell of numbers.cells) {
        const box = el("div", `gg-hud-cell ${cell.id}${cell.stale ? " stale" : ""}`, hud);
        if (cell.stale) box.title = cell.stale;
        el("span", "", box, cell.name);
        el("b", "", box, cell.value);
        el("small", "", box, cell.note);
      }
      const foot = el("div", `gg-hud-foot${this._lost ? " stale" : ""}`, hud);
      el("i", "", foot);
      el("span", "", foot, `${this._lost ? `${this._config.texts.lost} · ` : ""}${numbers.as_of}`);
      this._showMoment();
    }

    // ---- the plan
    async _startPlan() {
      this._dropPlan();
      const { plan } = this._config;
      if (!plan) return this._draw();
      this._draw();
      await this._load(plan, {});
    }

    // A plan that is still being computed is asked for again and again: every better answer takes the place of the last.
    async _load(plan, seen) {
      clearTimeout(this._again);
      const wanted = () => this._config.plan && this._config.plan.url === plan.url;
      try {
        const bytes = await gridgov.fetchBytes(plan.url, undefined, seen);
        if (!wanted()) return;
        const made = bytes && JSON.parse(new TextDecoder().decode(bytes));
        if (made && made.time_s) this._showPlan(made);
      } catch (error) {
        if (!plan.again || !wanted()) return;
      }
      if (plan.again) this._again = setTimeout(() => this._load(plan, seen), AGAIN_MS);
    }

    _showPlan(made) {
      const { plan } = this._config, { map } = this._console, playing = this._playing;
      const share = this._plan ? this._time / this._plan.end_s : null;
      this._dropPlan();
      this._plan = made;
      if (!map.getPane("gg-plan")) {
        map.createPane("gg-plan").style.zIndex = 412;
        map.getPane("gg-plan").style.pointerEvents = "none";
      }
      this.layer = new gridgov.PlanLayer(this._plan).addTo(map);
      this._marks = this.layer.marks().addTo(map);
      map.getPane("gg-areas").style.opacity = 0.45; // the hazard steps back behind its plan
      this._drawTimeline();
      const now = plan.now_s === null || plan.now_s === undefined ? 0 : Math.min(plan.now_s, made.end_s);
      this._setTime(share === null ? now : share * made.end_s);
      if (playing) this._start();
    }

    _dropPlan() {
      clearTimeout(this._again);
      this._stop();
      if (this.layer) {
        this.layer.remove();
        this._marks.remove();
        this._console.map.getPane("gg-areas").style.opacity = "";
      }
      if (this._bar) this._bar.remove();
      this.layer = this._bar = this._plan = null;
    }

    _drawTimeline() {
      const { texts } = this._config, bar = el("div", "gg-panel gg-timeline", this._console.map.getContainer());
      this._bar = bar;
      L.DomEvent.disableClickPropagation(bar).disableScrollPropagation(bar);
      const head = el("div", "gg-timeline-head", bar);
      this._button = el("button", "gg-play", head);
      this._button.type = "button";
      this._button.onclick = () => (this._playing ? this._stop() : this._start());
      this._clock = el("b", "gg-timeline-clock", head);
      if (this._config.plan.again) el("em", "gg-preview", head, texts.preview);
      this._counts = {};
      for (const name of ["inside", "road", "safe"]) {
        const count = el("span", `gg-count ${name}`, head);
        el("i", "", count);
        el("span", "", count, texts[name]);
        this._counts[name] = el("b", "", count);
      }
      this._speed = 0;
      const speed = el("button", "gg-speed", head, "1×");
      speed.type = "button";
      speed.title = speed.ariaLabel = texts.speed;
      speed.onclick = () => {
        this._speed = (this._speed + 1) % SPEEDS.length;
        speed.textContent = `${SPEEDS[this._speed]}×`;
      };
      this._drawCurve(el("div", "gg-curve", bar));
      this._stop();
    }

    // Inside, on the road, safe, one over the other; the slider lies on it.
    _drawCurve(box) {
      const { time_s, inside, road, safe, end_s } = this._plan, wide = 1000, high = 100;
      const total = inside[0] + road[0] + safe[0] || 1;
      const svg = SVG("svg", { viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none", "aria-hidden": "true" }, box);
      const x = (k) => ((wide * time_s[k]) / end_s).toFixed(1);
      const band = (low, top, name) => {
        const up = time_s.map((_, k) => `${x(k)},${(high * (1 - top(k) / total)).toFixed(2)}`);
        const down = time_s.map((_, k) => `${x(k)},${(high * (1 - low(k) / total)).toFixed(2)}`).reverse();
        SVG("polygon", { points: [...up, ...down].join(" "), fill: gridgov.PLAN_COLOURS[name], "fill-opacity": 0.82 }, svg);
      };
      band(() => 0, (k) => safe[k], "safe");
      band((k) => safe[k], (k) => safe[k] + road[k], "road");
      band((k) => safe[k] + road[k], (k) => safe[k] + road[k] + inside[k], "inside");
      this._svg = svg;
      this._needle = el("div", "gg-needle", box);
      const slider = (this._slider = el("input", "", box));
      Object.assign(slider, { type: "range", min: 0, max: Math.ceil(end_s), step: Math.max(1, Math.round(end_s / 300)) });
      slider.ariaLabel = this._config.texts.slider;
      slider.oninput = () => {
        this._stop();
        this._setTime(Math.min(Number(slider.value), end_s));
      };
      this._compare();
    }

    // Who is safe when everybody goes to the nearest shelter instead: a dashed line over the curve.
    _compare() {
      const other = this._config.plan && this._config.plan.nearest;
      if (this._other) this._other.remove();
      this._other = null;
      if (!other || !this._svg) return;
      const { end_s, inside, road, safe } = this._plan, total = inside[0] + road[0] + safe[0] || 1;
      const points = other.map(([time, share]) => `${((1000 * time) / end_s).toFixed(1)},${(100 * (1 - share / total)).toFixed(2)}`);
      this._other = SVG("polyline", { points: points.join(" "), fill: "none", stroke: "#14243a", "stroke-width": 1.6,
        "stroke-dasharray": "5 4", "vector-effect": "non-scaling-stroke" }, this._svg);
    }

    _start() {
      if (this._time >= this._plan.end_s) this._setTime(0);
      this._playing = true;
      this._label();
      let last = performance.now();
      const step = (now) => {
        if (!this._playing) return;
        if (now - last >= FRAME_MS) {
          const seconds = ((now - last) / 1000) * SPEEDS[this._speed] * (this._plan.end_s / PLAY_S);
          last = now;
          this._setTime(Math.min(this._time + seconds, this._plan.end_s));
          if (this._time >= this._plan.end_s) return this._stop();
        }
        requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    }

    _stop() {
      this._playing = false;
      if (this._button) this._label();
    }

    _label() {
      const { texts } = this._config;
      if (!texts) return;
      this._button.textContent = this._playing ? "❚❚" : "▶";
      this._button.title = this._button.ariaLabel = this._playing ? texts.pause : texts.play;
    }

    _setTime(seconds) {
      this._time = seconds;
      this.layer.setTime(seconds);
      this._marks.redraw();
      this._slider.value = seconds;
      this._needle.style.left = `${(100 * seconds) / this._plan.end_s}%`;
      this._showMoment();
    }

    _showMoment() {
      const plan = this._plan, cell = this._hud && this._hud.querySelector(".safe");
      if (!plan) return;
      const at = (values) => {
        const times = plan.time_s;
        let k = 0;
        while (k + 2 < times.length && times[k + 1] <= this._time) k++;
        const share = times.length < 2 ? 0 : Math.max(0, Math.min(1, (this._time - times[k]) / (times[k + 1] - times[k] || 1)));
        return Math.round(values[k] + share * ((values[k + 1] ?? values[k]) - values[k])).toLocaleString("en");
      };
      const now = { inside: at(plan.inside), road: at(plan.road), safe: at(plan.safe) };
      for (const [name, node] of Object.entries(this._counts)) node.textContent = now[name];
      const time = `${hours(this._time)} / ${hours(plan.end_s)}`;
      this._clock.textContent = this._config.plan.leave_s === null || this._config.plan.leave_s === undefined ? time
        : `${clock(this._config.plan.leave_s + this._time)} · ${time}`;
      this._slider.setAttribute("aria-valuetext", `${time} ${this._config.texts.safe} ${now.safe}`);
      if (!cell) return;
      cell.querySelector("b").textContent = now.safe;
      cell.querySelector("small").textContent = this._config.texts.at_moment.replace("{time}", hours(this._time));
    }
  };

  // Hours and minutes: 3:05.
  function hours(seconds) {
    const minutes = Math.round(seconds / 60);
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
  }

  // Seconds of the local day as hh:mm.
  function clock(seconds) {
    const minutes = Math.floor(seconds / 60) % 1440;
    return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  }
})();
