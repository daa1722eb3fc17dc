// Lines, areas and marks given as plain lists of places, on one canvas: closures, what a closure changes, contours.
// A part is [rule, rings, tip]: the number of its rule, rings of [lon, lat, lon, lat, …], the number of its tip or -1.
(function () {
  "use strict";

  gridgov.ShapeLayer = gridgov.ViewCanvas.extend({
    // rules: [{line, width, dash, casing, casingWidth, fill, fillOpacity, symbol, minZoom}], parts, tips: [[line, …]],
    // url: where {parts, tips} are fetched from, refresh: seconds (0: never).
    options: { pane: "gg-shapes", rules: [], parts: [], tips: [], url: "", refresh: 0, minZoom: 0 },

    initialize: function (options) {
      L.setOptions(this, options);
      this._take(options);
    },
    onAdd: function (map) {
      gridgov.ViewCanvas.prototype.onAdd.call(this, map);
      this._seen = {};
      if (!this.options.url) return;
      this.load();
      if (this.options.refresh > 0) this._timer = setInterval(() => this.load(), 1000 * this.options.refresh);
    },
    onRemove: function (map) {
      clearInterval(this._timer);
      if (this._abort) this._abort.abort();
      gridgov.ViewCanvas.prototype.onRemove.call(this, map);
    },

    load: async function () {
      if (!this._map || (document.hidden && this._parts.length)) return;
      if (this._abort) this._abort.abort();
      this._abort = new AbortController();
      try {
        const bytes = await gridgov.fetchBytes(this.options.url, this._abort.signal, this._seen);
        if (bytes === undefined) return;
        this._take(bytes ? JSON.parse(new TextDecoder().decode(bytes)) : {});
        this.redraw();
        this.fire("painted");
      } catch (error) {
        if (error.name !== "AbortError") this.fire("stale");
      }
    },

    // Project once to the unit square of Web Mercator.
    _take: function ({ parts, tips }) {
      this._tips = tips || [];
      this._parts = (parts || []).map(([rule, rings, tip]) => {
        const box = [Infinity, Infinity, -Infinity, -Infinity];
        return { rule: this.options.rules[rule], rings: rings.map((ring) => project(ring, box)), box, tip };
      });
    },

    _paint: function (context, view) {
      if (view.zoom < this.options.minZoom) return;
      const world = 256 * Math.pow(2, view.zoom), margin = 40 / world;
      const x0 = view.x / world - margin, y0 = view.y / world - margin;
      const x1 = (view.x + view.width) / world + margin, y1 = (view.y + view.height) / world + margin;
      const seen = this._parts.filter(({ box }) => box[0] <= x1 && box[2] >= x0 && box[1] <= y1 && box[3] >= y0);
      context.lineJoin = "round";
      for (const rule of this.options.rules) {
        const parts = seen.filter((part) => part.rule === rule);
        if (!parts.length || view.zoom < (rule.minZoom || 0)) continue;
        if (rule.symbol) parts.forEach((part) => mark(context, rule, part, world, view));
        else draw(context, rule, trace(parts, world, view), view.zoom);
      }
    },

    // The lines of the tip at a place of the map's container; null where no part with a tip is.
    tipAt: function (place, reach = 7) {
      if (!this._map || this._map.getZoom() < this.options.minZoom) return null;
      const origin = this._map.getPixelBounds().min, world = 256 * Math.pow(2, this._map.getZoom());
      const x = (place.x + origin.x) / world, y = (place.y + origin.y) / world, near = reach / world;
      for (let k = this._parts.length - 1; k >= 0; k--) {
        const part = this._parts[k], [x0, y0, x1, y1] = part.box;
        if (part.tip < 0 || x < x0 - 2 * near || x > x1 + 2 * near || y < y0 - 2 * near || y > y1 + 2 * near) continue;
        const { rule, rings } = part;
        if (rule.symbol ? Math.hypot(rings[0][0] - x, rings[0][1] - y) <= 2 * near
          : rule.fill && !rule.line ? inside(rings, x, y) : rings.some((ring) => nearLine(ring, x, y, near)))
          return this._tips[part.tip];
      }
      return null;
    },
  });

  function project(ring, box) {
    const unit = new Float64Array(ring.length);
    for (let k = 0; k < ring.length; k += 2) {
      const sine = Math.sin((ring[k + 1] * Math.PI) / 180);
      const x = (unit[k] = (ring[k] + 180) / 360);
      const y = (unit[k + 1] = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI));
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x > box[2]) box[2] = x;
      if (y > box[3]) box[3] = y;
    }
    return unit;
  }

  gridgov.toUnit = project;
  gridgov.insideFlat = inside; // rings of plain numbers; `insideRings` takes those of tiles

  function trace(parts, world, view) {
    const path = new Path2D();
    for (const { rings, rule } of parts) {
      for (const ring of rings) {
        for (let k = 0; k < ring.length; k += 2) {
          const x = ring[k] * world - view.x, y = ring[k + 1] * world - view.y;
          if (k) path.lineTo(x, y);
          else path.moveTo(x, y);
        }
        if (rule.fill) path.closePath();
      }
    }
    return path;
  }

  function draw(context, rule, path, zoom) {
    if (rule.fill) {
      context.globalAlpha = rule.fillOpacity ?? 1;
      context.fillStyle = rule.fill;
      context.fill(path, "evenodd");
    }
    if (rule.casing) stroke(context, path, rule.casing, gridgov.atZoom(rule.casingWidth, zoom), [], rule.casingOpacity);
    if (rule.line) stroke(context, path, rule.line, gridgov.atZoom(rule.width, zoom), rule.dash || [], rule.lineOpacity);
    context.globalAlpha = 1;
  }

  function stroke(context, path, color, width, dash, opacity) {
    context.globalAlpha = opacity ?? 1;
    context.lineCap = dash.length ? "butt" : "round";
    context.setLineDash(dash);
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke(path);
    context.setLineDash([]);
  }

  function mark(context, rule, part, world, view) {
    const radius = rule.symbol.radius * gridgov.atZoom([[10, 0.7], [13, 0.9], [16, 1.2]], view.zoom);
    gridgov.drawSymbol(context, rule.symbol, part.rings[0][0] * world - view.x, part.rings[0][1] * world - view.y, radius);
  }

  function inside(rings, x, y) {
    let odd = false;
    for (const ring of rings) {
      for (let a = 0, b = ring.length - 2; a < ring.length; b = a, a += 2) {
        const ay = ring[a + 1], by = ring[b + 1];
        if (ay > y !== by > y && x < ((ring[b] - ring[a]) * (y - ay)) / (by - ay) + ring[a]) odd = !odd;
      }
    }
    return odd;
  }

  function nearLine(ring, x, y, reach) {
    for (let k = 2; k < ring.length; k += 2) {
      const dx = ring[k] - ring[k - 2], dy = ring[k + 1] - ring[k - 1], px = x - ring[k - 2], py = y - ring[k - 1];
      const t = Math.max(0, Math.min(1, (px * dx + py * dy) / (dx * dx + dy * dy || 1e-18)));
      if (Math.hypot(t * dx - px, t * dy - py) <= reach) return true;
    }
    return false;
  }
})();
