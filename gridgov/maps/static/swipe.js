// Before and after: two layers on one map, one left and one right of a line that is dragged, or moved by arrow keys.
(function () {
  "use strict";

  const STEP = 0.02;

  gridgov.Swipe = L.Control.extend({
    options: { position: "topleft" },

    // `left` and `right` are layers of the console; a layer that is neither lies under both sides.
    onAdd: function (map) {
      const { left, right, title } = this.options, host = map.getContainer();
      this._share = 0.5;
      this._line = L.DomUtil.create("div", "gg-swipe", host);
      this._names = [left, right].map((layer, side) => {
        const name = L.DomUtil.create("div", `gg-swipe-name gg-panel ${side ? "right" : "left"}`, this._line);
        name.textContent = layer.name;
        return name;
      });
      const handle = (this._handle = L.DomUtil.create("div", "gg-swipe-handle", this._line));
      handle.textContent = "⇔";
      handle.tabIndex = 0;
      handle.title = handle.ariaLabel = title;
      handle.setAttribute("role", "slider");
      handle.setAttribute("aria-valuemin", 0);
      handle.setAttribute("aria-valuemax", 100);
      L.DomEvent.disableClickPropagation(this._line);
      handle.addEventListener("pointerdown", (event) => this._grab(event));
      handle.addEventListener("keydown", (event) => this._key(event));
      map.on("move zoom zoomend viewreset resize layeradd", this._clip, this);
      setTimeout(() => this._clip());
      return L.DomUtil.create("div", "gg-swipe-anchor");
    },

    onRemove: function (map) {
      map.off("move zoom zoomend viewreset resize layeradd", this._clip, this);
      this._line.remove();
      for (const layer of [this.options.left, this.options.right]) uncut(layer.leaflet);
    },

    // Move the line: 0 at the left edge, 1 at the right edge.
    set: function (share) {
      this._share = Math.max(0, Math.min(1, share));
      this._clip();
    },

    _grab: function (event) {
      const handle = this._handle, host = this._map.getContainer();
      event.preventDefault();
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
      const move = (moved) => {
        const box = host.getBoundingClientRect();
        this.set((moved.clientX - box.left) / box.width);
      };
      const done = () => {
        handle.removeEventListener("pointermove", move);
        handle.removeEventListener("pointerup", done);
        handle.removeEventListener("pointercancel", done);
      };
      handle.addEventListener("pointermove", move);
      handle.addEventListener("pointerup", done);
      handle.addEventListener("pointercancel", done);
    },

    _key: function (event) {
      const step = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -1, End: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.set(this._share + step);
    },

    _clip: function () {
      const map = this._map;
      if (!map) return;
      const size = map.getSize(), x = Math.round(this._share * size.x);
      this._line.style.left = `${x}px`;
      this._handle.setAttribute("aria-valuenow", Math.round(100 * this._share));
      const corner = map.containerPointToLayerPoint([0, 0]), end = map.containerPointToLayerPoint(size);
      const middle = corner.x + x;
      cut(this.options.left.leaflet, corner, { x: middle, y: end.y });
      cut(this.options.right.leaflet, { x: middle, y: corner.y }, end);
    },
  });

  // Show what lies between two points of the layer pane only.
  function cut(leaflet, from, to) {
    if (leaflet.getContainer && leaflet.getContainer()) {
      leaflet.getContainer().style.clip = `rect(${from.y}px ${to.x}px ${to.y}px ${from.x}px)`;
    } else if (leaflet._canvas && leaflet._origin) {
      const canvas = leaflet._canvas, at = leaflet._map.latLngToLayerPoint(leaflet._origin);
      const width = parseFloat(canvas.style.width) || 0;
      canvas.style.clipPath = `inset(0 ${Math.max(0, at.x + width - to.x)}px 0 ${Math.max(0, from.x - at.x)}px)`;
    }
  }

  function uncut(leaflet) {
    if (leaflet.getContainer && leaflet.getContainer()) leaflet.getContainer().style.clip = "";
    if (leaflet._canvas) leaflet._canvas.style.clipPath = "";
  }
})();
