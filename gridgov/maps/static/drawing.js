// Draw a line or an area by clicks: a double click or Enter ends it, Backspace takes the last point back, Escape gives up.
// While drawing, a click selects nothing; the map can still be moved and zoomed.
(function () {
  "use strict";

  const INK = "#4a2bd6", LEAST = { line: 2, polygon: 3 }, CLOSE_PX = 10;
  const ICONS = {
    line: '<svg viewBox="0 0 20 20" width="17" height="17" fill="none" stroke="currentColor" stroke-width="1.7">' +
      '<path d="M4.6 14.6 8.5 7.6 12 12 15.6 5.4"/><circle cx="3.8" cy="16" r="1.7"/><circle cx="16.4" cy="4" r="1.7"/></svg>',
    polygon: '<svg viewBox="0 0 20 20" width="17" height="17" fill="rgba(74,43,214,.16)" stroke="currentColor" ' +
      'stroke-width="1.7" stroke-linejoin="round"><path d="M3.5 7 10.5 3 17 8.5 14 16.5 5 15.5Z"/></svg>',
  };

  gridgov.Drawing = class {
    constructor(map) {
      this._map = map;
      this._points = [];
      const box = map.getContainer();
      box.addEventListener("click", (event) => this._click(event), true);
      box.addEventListener("dblclick", (event) => this._mine(event) && stop(event), true);
      document.addEventListener("keydown", (event) => this._key(event));
      map.on("mousemove", (event) => this._kind && this._sketch(event.latlng));
    }

    // tools: {kinds, texts, taken: id of the last drawing that the page knows, start: {kind, id}}; null: none.
    offer(tools) {
      const old = this._tools;
      this._tools = tools;
      if (this._waiting && (!tools || tools.taken === this._waiting)) this._clear();
      if (!tools) {
        this.cancel();
        if (this._bar) this._bar.remove();
        this._bar = null;
        return;
      }
      if (!this._bar || JSON.stringify(old && old.kinds) !== JSON.stringify(tools.kinds)) this._draw(tools);
      if (tools.start && tools.start.id !== this._started) {
        this._started = tools.start.id;
        window.focus();
        this.begin(tools.start.kind);
      }
    }

    begin(kind) {
      this._clear();
      this._kind = kind;
      this._map.doubleClickZoom.disable();
      this._map.getContainer().classList.add("gg-drawing");
      this._press();
      this._say(this._tools.texts[`hint_${kind}`]);
    }

    cancel() {
      this._end();
      this._clear();
    }

    get active() {
      return Boolean(this._kind);
    }

    _draw(tools) {
      if (this._bar) this._bar.remove();
      const bar = L.DomUtil.create("div", "leaflet-bar gg-buttons gg-draw");
      L.DomEvent.disableClickPropagation(bar);
      for (const kind of tools.kinds) {
        const button = L.DomUtil.create("a", "", bar);
        Object.assign(button, { href: "#", innerHTML: ICONS[kind], title: tools.texts[kind] });
        button.dataset.kind = kind;
        button.setAttribute("role", "button");
        button.setAttribute("aria-label", tools.texts[kind]);
        button.setAttribute("aria-pressed", "false");
        L.DomEvent.on(button, "click", (event) => {
          L.DomEvent.preventDefault(event);
          if (this._kind === kind) this.cancel();
          else this.begin(kind);
        });
      }
      const Bar = L.Control.extend({ options: { position: "topleft" }, onAdd: () => bar });
      this._bar = new Bar().addTo(this._map);
      this._press();
    }

    _press() {
      if (!this._bar) return;
      for (const button of this._bar.getContainer().querySelectorAll("a"))
        button.setAttribute("aria-pressed", String(button.dataset.kind === this._kind));
    }

    _mine(event) {
      return this._kind && !event.target.closest(".leaflet-control");
    }

    _click(event) {
      if (!this._mine(event)) return;
      stop(event);
      if (this._map.dragging.moved()) return;
      if (event.detail >= 2) return this._finish();
      const place = this._map.mouseEventToContainerPoint(event), first = this._points[0];
      if (this._kind === "polygon" && this._points.length >= LEAST.polygon &&
        this._map.latLngToContainerPoint(first).distanceTo(place) <= CLOSE_PX) return this._finish();
      this._points.push(this._map.containerPointToLatLng(place));
      this._sketch();
    }

    _key(event) {
      if (!this._kind) return;
      const act = { Escape: () => this.cancel(), Enter: () => this._finish(), Backspace: () => this._back() }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    }

    _back() {
      this._points.pop();
      this._sketch();
    }

    _finish() {
      if (this._points.length < LEAST[this._kind]) return this._say(this._tools.texts[`few_${this._kind}`]);
      const kind = this._kind, ring = this._points.map(({ lng, lat }) => [round(lng), round(lat)]);
      const geometry = kind === "line" ? { type: "LineString", coordinates: ring }
        : { type: "Polygon", coordinates: [[...ring, ring[0]]] };
      this._waiting = `${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;
      this._sketch();
      this._end();
      this._say(this._tools.texts.computing);
      gridgov.report({ type: "Feature", id: this._waiting, geometry, properties: { id: this._waiting, kind } });
    }

    // Drawing is over; what was drawn stays until the page has it.
    _end() {
      if (this._kind) setTimeout(() => this._map.doubleClickZoom.enable(), 350); // not by the click that ended it
      this._kind = null;
      this._map.getContainer().classList.remove("gg-drawing");
      this._press();
    }

    _clear() {
      this._points = [];
      this._waiting = null;
      for (const name of ["_shape", "_dots"]) {
        if (this[name]) this[name].remove();
        this[name] = null;
      }
      this._say("");
    }

    _sketch(cursor) {
      const way = cursor ? [...this._points, cursor] : this._points;
      const make = this._kind === "polygon" ? L.polygon : L.polyline;
      this._shape ||= make([], { color: INK, weight: 3, dashArray: "7 5", fillOpacity: 0.12, interactive: false })
        .addTo(this._map);
      this._shape.setLatLngs(way);
      if (cursor) return;
      this._dots ||= L.layerGroup().addTo(this._map);
      this._dots.clearLayers();
      for (const point of this._points)
        L.circleMarker(point, { radius: 4, color: INK, weight: 2, fillColor: "#fff", fillOpacity: 1, interactive: false })
          .addTo(this._dots);
    }

    _say(text) {
      this._hint ||= L.DomUtil.create("div", "gg-panel gg-draw-hint", this._map.getContainer());
      this._hint.setAttribute("role", "status");
      this._hint.textContent = text;
      this._hint.hidden = !text;
    }
  };

  const round = (degrees) => Math.round(degrees * 1e6) / 1e6;

  function stop(event) {
    event.stopImmediatePropagation();
    event.preventDefault();
  }
})();
