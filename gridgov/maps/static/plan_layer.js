// An evacuation plan at a moment: grids that people leave (they fade), routes by the persons who take them, queues,
// shelters that fill. Everything is fetched once; another moment only paints anew.
(function () {
  "use strict";

  const INSIDE = "#b3261e", ROAD = "#1667b7", ROAD_IDLE = "#8db4da", SAFE = "#1a7f4b", QUEUE = "#c4008f", INK = "#14243a";
  const WAITING = 5; // vehicles; fewer are no queue
  const WIDTHS = [2, 3.2, 4.8, 6.8, 9];
  const GROW = [[9, 0.45], [12, 0.7], [14, 1], [17, 1.7]];
  gridgov.PLAN_COLOURS = { inside: INSIDE, road: ROAD, safe: SAFE, queue: QUEUE };

  gridgov.PlanLayer = gridgov.ViewCanvas.extend({
    options: { pane: "gg-plan", margin: 0.1 },

    initialize: function (plan) {
      const box = () => [Infinity, Infinity, -Infinity, -Infinity];
      const most = plan.roads.reduce((best, [, persons]) => Math.max(best, persons), 1);
      this._time = 0;
      this._moments = plan.time_s;
      this._zones = plan.zones.map(([rings, first, last, stuck, tip]) => {
        const around = box();
        return { rings: rings.map((ring) => gridgov.toUnit(ring, around)), box: around, first, last, stuck, tip };
      });
      this._roads = plan.roads.map(([line, persons, from, to]) => {
        const around = box(), width = Math.min(WIDTHS.length - 1, Math.floor(WIDTHS.length * Math.sqrt(persons / most)));
        return { rings: [gridgov.toUnit(line, around)], box: around, width, from, to };
      }).sort((a, b) => a.width - b.width);
      this._queues = { width_s: plan.queues.width_s, rows: plan.queues.rows.map(([line, vehicles]) => {
        const around = box();
        return { rings: [gridgov.toUnit(line, around)], box: around, vehicles };
      }) };
      const places = plan.shelters.map((each) => each.places);
      this._shelters = plan.shelters.map((each) => {
        const place = gridgov.toUnit([each.lon, each.lat], box());
        return { ...each, x: place[0], y: place[1], radius: 8 + 8 * Math.sqrt(each.places / Math.max(1, ...places)) };
      });
      this._limits = plan.bottlenecks.map(({ lon, lat, tip }, k) => {
        const place = gridgov.toUnit([lon, lat], box());
        return { x: place[0], y: place[1], tip, number: k + 1 };
      });
    },

    setTime: function (seconds) {
      this._time = seconds;
      this.redraw();
    },

    _paint: function (context, view) {
      const world = 256 * Math.pow(2, view.zoom), margin = 60 / world;
      const x0 = view.x / world - margin, y0 = view.y / world - margin;
      const x1 = (view.x + view.width) / world + margin, y1 = (view.y + view.height) / world + margin;
      const seen = ({ box }) => box[0] <= x1 && box[2] >= x0 && box[1] <= y1 && box[3] >= y0;
      const frame = { world, view, grow: gridgov.atZoom(GROW, view.zoom) };
      context.lineJoin = context.lineCap = "round";
      this._paintZones(context, frame, this._zones.filter(seen));
      this._paintRoads(context, frame, this._roads.filter(seen));
      this._paintQueues(context, frame, this._queues.rows.filter(seen));
    },

    // Shelters and limits lie over the points of the map: a layer of their own with the same plan and moment.
    marks: function () {
      return new PlanMarks(this);
    },

    // Who has not left is red, the fewer the paler; a grid that is empty keeps a thin green border.
    _paintZones: function (context, frame, zones) {
      const steps = new Map();
      for (const zone of zones) {
        const left = zone.first === null ? 1 : clamp((zone.last - this._time) / Math.max(1, zone.last - zone.first));
        const key = zone.stuck ? "stuck" : Math.ceil(8 * left);
        if (!steps.has(key)) steps.set(key, []);
        steps.get(key).push(zone);
      }
      for (const [key, members] of steps) {
        const path = trace(members, frame, true), empty = key === 0;
        if (!empty) {
          context.globalAlpha = key === "stuck" ? 0.55 : 0.06 + 0.042 * key;
          context.fillStyle = key === "stuck" ? "#5c0a12" : INSIDE;
          context.fill(path, "evenodd");
        }
        context.globalAlpha = 0.8;
        context.lineWidth = 1;
        context.strokeStyle = empty ? SAFE : INSIDE;
        context.setLineDash(empty ? [3, 3] : []);
        context.stroke(path);
      }
      context.setLineDash([]);
      context.globalAlpha = 1;
    },

    // Idle routes pale, those in use strong, with light dashes that run in the direction of travel.
    _paintRoads: function (context, frame, roads) {
      for (const used of [false, true]) {
        for (let width = 0; width < WIDTHS.length; width++) {
          const members = roads.filter((road) => road.width === width &&
            used === (road.from <= this._time && this._time <= road.to));
          if (!members.length) continue;
          const path = trace(members, frame), thick = WIDTHS[width] * frame.grow;
          stroke(context, path, "#ffffff", thick + 2.2, used ? 0.9 : 0.6);
          stroke(context, path, used ? ROAD : ROAD_IDLE, thick, used ? 1 : 0.85);
          if (!used || thick < 2.2) continue;
          context.setLineDash([4, 14]);
          context.lineDashOffset = -this._time / 6;
          stroke(context, path, "#ffffff", Math.max(1.4, thick * 0.4), 0.95);
          context.setLineDash([]);
        }
      }
    },

    _paintQueues: function (context, frame, queues) {
      const column = Math.floor(this._time / this._queues.width_s);
      for (const queue of queues) {
        const waiting = queue.vehicles[column] || 0;
        if (waiting < WAITING) continue;
        stroke(context, trace([queue], frame), QUEUE, (2.4 + 1.5 * Math.log2(waiting / WAITING)) * frame.grow, 0.85);
      }
    },

    paintMarks: function (context, view) {
      const frame = { world: 256 * Math.pow(2, view.zoom), view, grow: gridgov.atZoom(GROW, view.zoom) };
      this._limits.forEach((limit) => diamond(context, frame, limit));
      this._paintShelters(context, frame);
    },

    _paintShelters: function (context, { world, view, grow }) {
      const at = this._moment(), named = view.zoom >= 14;
      for (const shelter of this._shelters) {
        const x = shelter.x * world - view.x, y = shelter.y * world - view.y, used = shelter.load[shelter.load.length - 1] > 0;
        const r = (used || shelter.struck ? shelter.radius : 5) * Math.min(1.15, Math.max(0.7, grow));
        if (x < -40 || y < -40 || x > view.width + 40 || y > view.height + 40) continue;
        const share = shelter.places ? clamp(shelter.load[at] / shelter.places) : 0;
        disc(context, x, y, r + 2, "#ffffff", 0.95);
        disc(context, x, y, r, shelter.struck ? "#9aa3ad" : "#d6eadf", 1);
        if (share > 0) {
          context.beginPath();
          context.moveTo(x, y);
          context.arc(x, y, r, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * share);
          context.fillStyle = SAFE;
          context.fill();
        }
        ring(context, x, y, r, shelter.struck ? "#5c0a12" : SAFE, share >= 0.995 ? 3 : 1.6);
        if (shelter.struck) cross(context, x, y, r);
        if (named && used) this._label(context, x, y + r + 3, shelter, at);
      }
    },

    _label: function (context, x, y, shelter, at) {
      const text = Math.round(shelter.load[at]).toLocaleString("en");
      context.font = "600 11px system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";
      context.textAlign = "center";
      context.textBaseline = "top";
      context.lineWidth = 3;
      context.strokeStyle = "rgba(255,255,255,.95)";
      context.strokeText(text, x, y);
      context.fillStyle = "#0c4a2b";
      context.fillText(text, x, y);
    },

    _moment: function () {
      let k = 0;
      while (k + 1 < this._moments.length && this._moments[k + 1] <= this._time) k++;
      return k;
    },

    // The shelter at a place of the map, for a click: its own place.
    placeAt: function (place) {
      if (!this._map) return null;
      const origin = this._map.getPixelBounds().min, world = 256 * Math.pow(2, this._map.getZoom());
      const away = (each) => Math.hypot(each.x * world - origin.x - place.x, each.y * world - origin.y - place.y);
      const shelter = this._shelters.find((each) => away(each) <= each.radius + 3);
      return shelter ? L.latLng(shelter.lat, shelter.lon) : null;
    },

    tipAt: function (place) {
      if (!this._map) return null;
      const origin = this._map.getPixelBounds().min, world = 256 * Math.pow(2, this._map.getZoom());
      const x = (place.x + origin.x) / world, y = (place.y + origin.y) / world;
      const near = (each, pixels) => Math.hypot(each.x - x, each.y - y) * world <= pixels;
      const limit = this._limits.find((each) => near(each, 11));
      if (limit) return limit.tip;
      const shelter = this._shelters.find((each) => near(each, each.radius + 3));
      if (shelter) return shelter.tip;
      const zone = this._zones.find(({ box, rings }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3] &&
        gridgov.insideFlat(rings, x, y));
      return zone ? zone.tip : null;
    },
  });

  const PlanMarks = gridgov.ViewCanvas.extend({
    options: { pane: "gg-marks", margin: 0.1 },
    initialize: function (plan) {
      this._plan = plan;
    },
    _paint: function (context, view) {
      this._plan.paintMarks(context, view);
    },
  });

  const clamp = (value) => Math.max(0, Math.min(1, value));

  function trace(parts, { world, view }, closed) {
    const path = new Path2D();
    for (const { rings } of parts) {
      for (const line of rings) {
        for (let k = 0; k < line.length; k += 2) {
          const x = line[k] * world - view.x, y = line[k + 1] * world - view.y;
          if (k) path.lineTo(x, y);
          else path.moveTo(x, y);
        }
        if (closed) path.closePath();
      }
    }
    return path;
  }

  function stroke(context, path, colour, width, opacity) {
    context.globalAlpha = opacity;
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke(path);
    context.globalAlpha = 1;
  }

  function disc(context, x, y, radius, colour, opacity) {
    context.globalAlpha = opacity;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }

  function ring(context, x, y, radius, colour, width) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }

  function cross(context, x, y, radius) {
    const path = new Path2D(), r = 0.72 * radius;
    path.moveTo(x - r, y - r);
    path.lineTo(x + r, y + r);
    path.moveTo(x + r, y - r);
    path.lineTo(x - r, y + r);
    stroke(context, path, "#7f0010", 3, 1);
  }

  function diamond(context, { world, view }, { x, y, number }) {
    const px = x * world - view.x, py = y * world - view.y;
    context.save();
    context.translate(px, py);
    context.rotate(Math.PI / 4);
    context.fillStyle = "#ffffff";
    context.fillRect(-9.5, -9.5, 19, 19);
    context.fillStyle = QUEUE;
    context.fillRect(-7.5, -7.5, 15, 15);
    context.restore();
    context.font = "700 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = "#ffffff";
    context.fillText(String(number), px, py + 0.5);
  }
})();
