// Points on one canvas: a binary route (nine bytes a point), stamps by class, bubbles with counts while they crowd.
(function () {
  "use strict";

  const CELL_PX = 64;
  const GRAVE_AT_MOST = 200;
  const CELL_POINTS = 7; // a cell with more points becomes a bubble

  gridgov.PointLayer = gridgov.ViewCanvas.extend({
    // url, symbols: [{shape, fill, line, radius}] by class, refresh: seconds (0: never), crowd: points in view that
    // are drawn one by one however close they lie, singleZoom: from here on all are, bubble: colour of the bubbles,
    // standOut: the class that never hides in a bubble, unless there are hundreds of it.
    options: { pane: "gg-points", crowd: 150, singleZoom: 17, refresh: 0, minZoom: 0, standOut: -1 },

    initialize: function (options) {
      L.setOptions(this, options);
      this._count = 0;
      this._stamps = new Map();
    },
    onAdd: function (map) {
      gridgov.ViewCanvas.prototype.onAdd.call(this, map);
      this._seen = {};
      this._load();
      if (this.options.refresh > 0) this._timer = setInterval(() => this._load(), 1000 * this.options.refresh);
    },
    onRemove: function (map) {
      clearInterval(this._timer);
      if (this._abort) this._abort.abort();
      gridgov.ViewCanvas.prototype.onRemove.call(this, map);
    },

    _load: async function () {
      if (document.hidden && this._count) return;
      if (this._abort) this._abort.abort();
      this._abort = new AbortController();
      try {
        const bytes = await gridgov.fetchBytes(this.options.url, this._abort.signal, this._seen);
        if (bytes !== undefined) {
          this._take(bytes);
          this.redraw();
        }
        this.fire("painted");
      } catch (error) {
        if (error.name !== "AbortError") this.fire("stale");
      }
    },

    // Project once to the unit square of Web Mercator; a redraw is then two multiplications a point.
    _take: function (bytes) {
      const n = (this._count = bytes ? new DataView(bytes).getUint32(0, true) : 0);
      if (!n) return;
      const lonlat = new Float32Array(bytes, 4, 2 * n);
      this._class = new Uint8Array(bytes, 4 + 8 * n, n);
      this._lonlat = lonlat;
      const unit = (this._unit = new Float64Array(2 * n));
      for (let k = 0; k < n; k++) {
        const sine = Math.sin((lonlat[2 * k + 1] * Math.PI) / 180);
        unit[2 * k] = (lonlat[2 * k] + 180) / 360;
        unit[2 * k + 1] = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
      }
    },

    _paint: function (context, view) {
      this._visible = [];
      this._bubbles = [];
      if (!this._count || view.zoom < this.options.minZoom) return;
      const seen = this._inView(view);
      if (seen.length <= this.options.crowd || (view.zoom >= this.options.singleZoom && seen.length < 5000)) {
        this._paintSymbols(context, view, seen);
        return;
      }
      let grave = seen.filter((k) => this._class[k] === this.options.standOut);
      if (grave.length > GRAVE_AT_MOST) grave = [];
      const others = grave.length ? seen.filter((k) => this._class[k] !== this.options.standOut) : seen;
      const { single, crowded } = this._cells(view, others);
      this._paintBubbles(context, view, crowded);
      this._paintSymbols(context, view, single.concat(grave));
    },

    _inView: function (view) {
      const world = 256 * Math.pow(2, view.zoom), unit = this._unit, seen = [];
      const x0 = (view.x - 12) / world, x1 = (view.x + view.width + 12) / world;
      const y0 = (view.y - 12) / world, y1 = (view.y + view.height + 12) / world;
      for (let k = 0; k < this._count; k++) {
        const x = unit[2 * k], y = unit[2 * k + 1];
        if (x >= x0 && x <= x1 && y >= y0 && y <= y1) seen.push(k);
      }
      return seen;
    },

    _paintSymbols: function (context, view, seen) {
      const world = 256 * Math.pow(2, view.zoom), grow = gridgov.atZoom([[10, 0.62], [13, 0.85], [16, 1.25]], view.zoom);
      // Higher classes last, so that the gravest lie on top.
      seen.sort((a, b) => this._class[a] - this._class[b]);
      for (const k of seen) {
        const stamp = this._stamp(this._class[k], grow);
        const x = this._unit[2 * k] * world - view.x, y = this._unit[2 * k + 1] * world - view.y;
        context.drawImage(stamp.canvas, x - stamp.half, y - stamp.half, stamp.size, stamp.size);
      }
      this._visible = seen;
      this._grow = grow;
    },

    _stamp: function (code, grow) {
      const symbols = this.options.symbols, symbol = symbols[Math.min(code, symbols.length - 1)];
      const radius = Math.round(symbol.radius * grow * 2) / 2, key = code + ":" + radius;
      if (!this._stamps.has(key)) this._stamps.set(key, gridgov.stamp(symbol, radius));
      return this._stamps.get(key);
    },

    // Cells of the world's pixel grid, so that bubbles keep their place while the map moves.
    _cells: function (view, seen) {
      const world = 256 * Math.pow(2, view.zoom), cells = new Map(), unit = this._unit;
      for (const k of seen) {
        const x = unit[2 * k] * world, y = unit[2 * k + 1] * world;
        const key = Math.floor(x / CELL_PX) * 4194304 + Math.floor(y / CELL_PX);
        let cell = cells.get(key);
        if (!cell) cells.set(key, (cell = { n: 0, x: 0, y: 0, members: [] }));
        cell.n++;
        cell.x += x;
        cell.y += y;
        if (cell.n <= CELL_POINTS) cell.members.push(k);
      }
      const single = [], crowded = [];
      for (const cell of cells.values()) {
        if (cell.n <= CELL_POINTS) single.push(...cell.members);
        else crowded.push(cell);
      }
      return { single, crowded };
    },

    _paintBubbles: function (context, view, crowded) {
      const [dx, dy] = this.options.bubbleShift || [0, 0];
      context.textAlign = "center";
      context.textBaseline = "middle";
      for (const cell of crowded.sort((a, b) => a.n - b.n)) {
        const x = cell.x / cell.n - view.x + dx, y = cell.y / cell.n - view.y + dy;
        const radius = drawBubble(context, this.options, cell.n, x, y);
        this._bubbles.push({ x: x + view.x, y: y + view.y, radius });
      }
    },

    // The bubble drawn over a place of the map's container, as the place to zoom to.
    bubbleAt: function (place) {
      if (!this._map || !this._bubbles) return null;
      const origin = this._map.getPixelBounds().min, x = place.x + origin.x, y = place.y + origin.y;
      const hit = this._bubbles.findLast((each) => Math.hypot(each.x - x, each.y - y) <= each.radius + 2);
      return hit ? this._map.unproject([hit.x, hit.y]) : null;
    },

    // The point drawn nearest to a place of the map's container, within reach; bubbles are no points.
    pointAt: function (place, reach = 9) {
      if (!this._map || !this._visible || !this._visible.length) return null;
      const origin = this._map.getPixelBounds().min, world = 256 * Math.pow(2, this._map.getZoom());
      let best = -1, least = reach * reach;
      for (const k of this._visible) {
        const x = this._unit[2 * k] * world - origin.x - place.x, y = this._unit[2 * k + 1] * world - origin.y - place.y;
        const square = x * x + y * y;
        if (square <= least) [best, least] = [k, square];
      }
      if (best < 0) return null;
      return { latlng: L.latLng(this._lonlat[2 * best + 1], this._lonlat[2 * best]), code: this._class[best],
        distance: Math.sqrt(least) };
    },
  });

  function drawBubble(context, options, n, x, y) {
    const radius = Math.min(17, 6 + 4.2 * Math.log10(n)), color = options.bubble || "#5b6672";
    gridgov.tracePath(context, options.bubbleShape || "circle", x, y, radius);
    context.globalAlpha = 0.86;
    context.fillStyle = options.bubbleHollow ? "#ffffff" : color;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1.6;
    context.strokeStyle = options.bubbleHollow ? color : "#ffffff";
    context.stroke();
    context.font = `600 ${n > 999 ? 10 : 11}px ${gridgov.FONT}`;
    context.fillStyle = options.bubbleHollow ? color : "#ffffff";
    context.fillText(n > 9999 ? Math.round(n / 1000) + "k" : String(n), x, y + 0.5);
    return radius;
  }
})();
