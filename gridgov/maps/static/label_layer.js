// Names of streets, areas and divisions on one canvas: a name is drawn where it fits and hits no other name.
(function () {
  "use strict";

  gridgov.FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", ' +
    '"WenQuanYi Micro Hei", sans-serif';
  const REPEAT_PX = 320; // the same name again only this far away

  gridgov.LabelLayer = gridgov.ViewCanvas.extend({
    options: { pane: "gg-labels", margin: 0.1 },

    initialize: function (options) {
      L.setOptions(this, options);
      this._sources = [];
      this._widths = new Map();
    },
    add: function (layer) {
      this._sources.push(layer);
      layer.on("painted add remove", this._soon, this);
    },
    // Tiles arrive in a burst: one drawing for all of them.
    _soon: function () {
      clearTimeout(this._wait);
      this._wait = setTimeout(() => this.redraw(), 80);
    },

    _paint: function (context, view) {
      const wanted = [];
      for (const layer of this._sources) {
        if (!layer._map || view.zoom < (layer.options.minZoom || 0)) continue;
        collect(wanted, layer, view, context, this._widths);
      }
      wanted.sort((a, b) => b.rank - a.rank || b.room - a.room);
      const taken = [], names = new Map();
      for (const label of wanted) {
        const size = this._widths;
        label.width = measure(context, size, label.text, label.font);
        if (label.width + 6 > label.room) continue;
        if (tooNear(names.get(label.text), label)) continue;
        const box = boxOf(label);
        if (taken.some((other) => meets(other, box))) continue;
        taken.push(box);
        if (!names.has(label.text)) names.set(label.text, []);
        names.get(label.text).push(label);
        draw(context, label);
      }
    },
  });

  function collect(wanted, layer, view, context, widths) {
    const style = layer.options.style.label;
    if (!style || view.zoom < style.minZoom) return;
    const bySame = new Map();
    for (const part of layer.visibleTiles()) {
      for (const feature of part.tile.features) {
        const rule = feature.rule || {};
        if (view.zoom < (rule.label ?? style.minZoom) || view.zoom >= (rule.labelMax ?? 99)) continue;
        const text = textOf(feature, style.fields);
        if (!text) continue;
        const base = { text, style, size: style.size, font: `${style.weight || 500} ${style.size}px ${gridgov.FONT}`,
          rank: (style.place === "area" ? (style.over ? 100 : -10) : 0) + (rule.order || 0) };
        if (style.place === "line") lines(wanted, base, feature, part, view, measure(context, widths, text, base.font));
        else if (!feature.point) area(bySame, base, feature, part, view);
      }
    }
    wanted.push(...bySame.values());
  }

  function textOf(feature, fields) {
    for (const field of fields) {
      const value = feature.properties[field];
      if (value !== undefined && value !== null && value !== "") return String(value);
    }
    return "";
  }

  // The longest nearly straight stretch of a street gives its name a place.
  function lines(wanted, base, feature, part, view, width) {
    for (const ring of feature.rings) {
      let best = null, start = 0;
      for (let k = 1; k <= ring.length; k++) {
        if (k < ring.length && (k - start < 2 || straight(ring, start, k))) continue;
        const a = ring[start], b = ring[k - 1], length = Math.hypot(b.x - a.x, b.y - a.y) * part.unit;
        if (!best || length > best.length) best = { a, b, length };
        start = k - 1;
      }
      if (!best || best.length < width + 6) continue;
      const x = part.x + ((best.a.x + best.b.x) / 2) * part.unit - view.x;
      const y = part.y + ((best.a.y + best.b.y) / 2) * part.unit - view.y;
      if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
      let angle = Math.atan2(best.b.y - best.a.y, best.b.x - best.a.x);
      if (angle > Math.PI / 2) angle -= Math.PI;
      if (angle < -Math.PI / 2) angle += Math.PI;
      wanted.push({ ...base, x, y, angle, room: best.length });
    }
  }

  // Whether all points between stay close to the chord.
  function straight(ring, from, to) {
    const a = ring[from], b = ring[to], dx = b.x - a.x, dy = b.y - a.y, length = Math.hypot(dx, dy) || 1;
    for (let k = from + 1; k < to; k++) {
      const p = ring[k], along = ((p.x - a.x) * dx + (p.y - a.y) * dy) / length;
      if (along < 0 || along > length) return false;
      if (Math.abs((p.x - a.x) * dy - (p.y - a.y) * dx) / length > Math.max(10, 0.035 * length)) return false;
    }
    return true;
  }

  // An area's name stands in the middle of its widest row; of an area in several tiles the widest one counts.
  function area(bySame, base, feature, part, view) {
    const [, y0, , y1] = feature.box, key = feature.id ?? base.text;
    for (const share of [0.5, 0.35, 0.65]) {
      const row = y0 + (y1 - y0) * share, span = widest(feature.rings, row);
      if (!span) continue;
      const room = (span[1] - span[0]) * part.unit, known = bySame.get(key);
      if (known && known.room >= room) continue;
      if ((y1 - y0) * part.unit < base.size + 4) continue;
      const x = part.x + ((span[0] + span[1]) / 2) * part.unit - view.x, y = part.y + row * part.unit - view.y;
      if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
      bySame.set(key, { ...base, x, y, angle: 0, room });
    }
  }

  function widest(rings, y) {
    const cuts = [];
    for (const ring of rings) {
      for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
        const p = ring[a], q = ring[b];
        if (p.y > y !== q.y > y) cuts.push(((q.x - p.x) * (y - p.y)) / (q.y - p.y) + p.x);
      }
    }
    cuts.sort((a, b) => a - b);
    let best = null;
    for (let k = 0; k + 1 < cuts.length; k += 2) {
      if (!best || cuts[k + 1] - cuts[k] > best[1] - best[0]) best = [cuts[k], cuts[k + 1]];
    }
    return best;
  }

  function measure(context, widths, text, font) {
    const key = font + text;
    if (!widths.has(key)) {
      if (widths.size > 5000) widths.clear();
      context.font = font;
      widths.set(key, context.measureText(text).width);
    }
    return widths.get(key);
  }

  function tooNear(others, label) {
    return (others || []).some((other) => Math.hypot(other.x - label.x, other.y - label.y) < REPEAT_PX);
  }

  function boxOf(label) {
    const cos = Math.abs(Math.cos(label.angle)), sin = Math.abs(Math.sin(label.angle)), h = label.size + 4;
    const w = (label.width * cos + h * sin) / 2 + 3, hh = (label.width * sin + h * cos) / 2 + 2;
    return [label.x - w, label.y - hh, label.x + w, label.y + hh];
  }

  const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

  function draw(context, label) {
    context.save();
    context.translate(label.x, label.y);
    context.rotate(label.angle);
    context.font = label.font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 3.2;
    context.strokeStyle = "rgba(255,255,255,.92)";
    context.strokeText(label.text, 0, 0);
    context.fillStyle = label.style.color;
    context.fillText(label.text, 0, 0);
    context.restore();
  }
})();
