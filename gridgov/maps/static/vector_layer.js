// Vector tiles drawn to canvas: lines and areas by rules, sharp at every zoom, with hit-testing.
// A tile is decoded once; the features of one rule share one path. Beyond the last zoom of the archive the part of the
// last tile is drawn larger. Values that change (status, risk) come as an array: feature i has class values[i].
(function () {
  "use strict";

  const NO_CLASS = 255;

  // One decoded tile: features with geometry in tile units, and paths by rule.
  class Tile {
    constructor(bytes, style) {
      this.features = [];
      this.extent = 4096;
      const tile = new gridgovMvt.VectorTile(new gridgovMvt.Pbf(new Uint8Array(bytes)));
      for (const name of Object.keys(tile.layers)) {
        const layer = tile.layers[name];
        this.extent = layer.extent;
        for (let k = 0; k < layer.length; k++) this.features.push(decode(layer.feature(k), style));
      }
      this._paths = null;
      this._key = undefined;
    }

    // Map of rule (or colour class) -> Path2D, made again when the values change.
    paths(style, values) {
      if (this._paths && this._key === values) return this._paths;
      this._key = values;
      this._paths = new Map();
      for (const feature of this.features) {
        if (feature.point) continue;
        const rule = values ? valueRule(feature, style, values) : feature.rule;
        if (!rule) continue;
        let path = this._paths.get(rule);
        if (!path) this._paths.set(rule, (path = new Path2D()));
        trace(path, feature);
      }
      return this._paths;
    }
  }

  function decode(feature, style) {
    const properties = feature.properties, value = style.field ? properties[style.field] : undefined;
    const rings = feature.loadGeometry();
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (const ring of rings) {
      for (const p of ring) {
        if (p.x < x0) x0 = p.x;
        if (p.x > x1) x1 = p.x;
        if (p.y < y0) y0 = p.y;
        if (p.y > y1) y1 = p.y;
      }
    }
    return { id: properties.i, properties, rings, box: [x0, y0, x1, y1], area: feature.type === 3,
      point: feature.type === 1, rule: style.rules[value] || style.rest };
  }

  function trace(path, feature) {
    for (const ring of feature.rings) {
      path.moveTo(ring[0].x, ring[0].y);
      for (let k = 1; k < ring.length; k++) path.lineTo(ring[k].x, ring[k].y);
      if (feature.area) path.closePath();
    }
  }

  function valueRule(feature, style, values) {
    const code = values.codes[feature.id];
    return code === undefined || code === NO_CLASS ? style.rest : values.rules[code];
  }

  gridgov.insideRings = function (rings, x, y) {
    let inside = false;
    for (const ring of rings) {
      for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
        const p = ring[a], q = ring[b];
        if (p.y > y !== q.y > y && x < ((q.x - p.x) * (y - p.y)) / (q.y - p.y) + p.x) inside = !inside;
      }
    }
    return inside;
  };

  gridgov.VectorLayer = L.GridLayer.extend({
    options: { tileSize: 512, zoomOffset: -1, dataMinZoom: 8, dataMaxZoom: 14, updateWhenZooming: false,
      updateWhenIdle: false, keepBuffer: 1, className: "gg-vector" },

    initialize: function (options) {
      L.setOptions(this, options);
      this._style = options.style;
      this._store = new Map();
      this._values = null;
      this.on("tileunload", (event) => { event.tile.gone = true; });
    },

    // Values that change: `codes` is a Uint8Array by feature number (255: none), `rules` the rule of every code.
    setValues: function (codes, rules) {
      this._values = codes ? { codes, rules } : null;
      return this.repaint();
    },

    repaint: function () {
      for (const key in this._tiles) this._paintTile(this._tiles[key].el);
      return this;
    },

    createTile: function (coords, done) {
      const canvas = L.DomUtil.create("canvas", "leaflet-tile"), size = this.getTileSize(), ratio = gridgov.ratio();
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      const z = coords.z + this.options.zoomOffset, over = Math.max(0, z - this.options.dataMaxZoom);
      canvas.place = { z, x: coords.x, y: coords.y, over, zoom: coords.z };
      this._data(z - over, coords.x >> over, coords.y >> over).then(
        (tile) => {
          canvas.data = tile;
          if (!canvas.gone) this._paintTile(canvas);
          done(null, canvas);
          this.fire("painted");
        },
        (error) => done(error, canvas),
      );
      return canvas;
    },

    _data: function (z, x, y) {
      const key = `${z}/${x}/${y}`, store = this._store;
      let tile = store.get(key);
      if (tile) {
        store.delete(key); // moved to the end: the first of the store is the one not used for longest
      } else {
        const url = L.Util.template(this.options.url, { z, x, y });
        tile = gridgov.fetchBytes(url).then((bytes) => (bytes ? new Tile(bytes, this._style) : null));
        tile.catch(() => store.delete(key));
        if (store.size >= 160) store.delete(store.keys().next().value);
      }
      store.set(key, tile);
      return tile;
    },

    _paintTile: function (canvas) {
      const context = canvas.getContext("2d"), tile = canvas.data, place = canvas.place;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (!tile || !place) return;
      const parts = 1 << place.over, scale = (canvas.width * parts) / tile.extent;
      context.setTransform(scale, 0, 0, scale, -(place.x % parts) * canvas.width, -(place.y % parts) * canvas.height);
      context.lineJoin = "round";
      const pixel = gridgov.ratio() / scale, zoom = place.zoom;
      const drawn = [...tile.paths(this._style, this._values)].filter(([rule]) => zoom >= (rule.minZoom || 0));
      drawn.sort((a, b) => (a[0].order || 0) - (b[0].order || 0));
      for (const [rule, path] of drawn) fill(context, rule, path);
      for (const [rule, path] of drawn) if (rule.casing) stroke(context, rule, path, zoom, pixel, true);
      for (const [rule, path] of drawn) if (rule.line) stroke(context, rule, path, zoom, pixel, false);
      for (const feature of tile.features) if (feature.point) mark(context, feature, zoom, pixel);
    },

    // The topmost feature at a place, or null: areas by inside, lines by distance.
    featureAt: function (latlng, reach = 4) {
      const map = this._map;
      if (!map || map.getZoom() < (this.options.minZoom || 0)) return null;
      const found = this._tileAt(latlng);
      if (!found) return null;
      const { tile, x, y, unit } = found;
      for (let k = tile.features.length - 1; k >= 0; k--) {
        const feature = tile.features[k], [x0, y0, x1, y1] = feature.box;
        const d = feature.area ? 0 : (feature.point ? 2 * reach : reach) * unit;
        if (x < x0 - d || x > x1 + d || y < y0 - d || y > y1 + d) continue;
        if ((feature.rule && feature.rule.minZoom || 0) > map.getZoom()) continue;
        if (feature.point) return feature;
        if (feature.area ? gridgov.insideRings(feature.rings, x, y) : nearLine(feature.rings, x, y, d)) return feature;
      }
      return null;
    },

    _tileAt: function (latlng) {
      const size = this.getTileSize(), world = this._map.project(latlng, this._tileZoom);
      const column = Math.floor(world.x / size.x), row = Math.floor(world.y / size.y);
      const held = this._tiles[`${column}:${row}:${this._tileZoom}`], canvas = held && held.el;
      if (!canvas || !canvas.data) return null;
      const parts = 1 << canvas.place.over, unit = canvas.data.extent / (size.x * parts);
      const x = (world.x - (column - (column % parts)) * size.x) * unit;
      const y = (world.y - (row - (row % parts)) * size.y) * unit;
      return { tile: canvas.data, x, y, unit };
    },

    // Tiles in view for the labels: decoded tile, the world pixel of its corner and the size of its unit in pixels.
    // Between whole zooms the tiles are drawn scaled.
    visibleTiles: function () {
      const seen = new Map(), size = this.getTileSize().x, mapZoom = this._map.getZoom();
      for (const key in this._tiles) {
        const held = this._tiles[key], canvas = held.el;
        if (!held.current || !canvas.data) continue;
        const { x, y, over, zoom } = canvas.place, px = size * (1 << over) * Math.pow(2, mapZoom - zoom);
        seen.set(canvas.data, { tile: canvas.data, x: (x >> over) * px, y: (y >> over) * px, unit: px / canvas.data.extent });
      }
      return [...seen.values()];
    },
  });

  function mark(context, feature, zoom, pixel) {
    const symbol = feature.rule && feature.rule.symbol;
    if (!symbol) return;
    const radius = symbol.radius * gridgov.atZoom([[10, 0.62], [13, 0.85], [16, 1.25]], zoom);
    for (const [place] of feature.rings) {
      context.save();
      context.translate(place.x, place.y);
      context.scale(pixel, pixel);
      gridgov.drawSymbol(context, symbol, 0, 0, radius);
      context.restore();
    }
  }

  function fill(context, rule, path) {
    if (!rule.fill) return;
    context.globalAlpha = rule.fillOpacity ?? 1;
    context.fillStyle = rule.fill;
    context.fill(path);
    context.globalAlpha = 1;
  }

  function stroke(context, rule, path, zoom, pixel, casing) {
    const width = gridgov.atZoom(rule.width, zoom);
    if (casing && width < 2) return; // a hair-thin road has no room for an edge
    context.globalAlpha = rule.lineOpacity ?? 1;
    context.lineCap = rule.dash && rule.dash.length ? "butt" : "round";
    context.setLineDash(casing || !rule.dash ? [] : rule.dash.map((part) => part * pixel));
    context.lineWidth = (casing ? width + Math.min(2, 0.9 + width * 0.08) : width) * pixel;
    context.strokeStyle = casing ? rule.casing : rule.casing && width < 2 ? rule.casing : rule.line;
    context.stroke(path);
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  function nearLine(rings, x, y, reach) {
    for (const ring of rings) {
      for (let k = 1; k < ring.length; k++) {
        const a = ring[k - 1], b = ring[k], dx = b.x - a.x, dy = b.y - a.y;
        const t = Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1)));
        if (Math.hypot(a.x + t * dx - x, a.y + t * dy - y) <= reach) return true;
      }
    }
    return false;
  }
})();
