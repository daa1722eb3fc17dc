// gridgov's map in the browser: one name space, and the small things that the layers share.
// The files of this folder are joined in the order given in maps/assets.py and served as one script.
const gridgov = { maps: new Map() };
window.gridgov = gridgov;

(function () {
  "use strict";

  // Value of a list of [zoom, value] stops at a zoom, linear in between; a number stands for itself.
  gridgov.atZoom = function (stops, zoom) {
    if (!Array.isArray(stops)) return stops || 0;
    if (zoom <= stops[0][0]) return stops[0][1];
    for (let k = 1; k < stops.length; k++) {
      const [z0, v0] = stops[k - 1], [z1, v1] = stops[k];
      if (zoom <= z1) return v0 + (v1 - v0) * (zoom - z0) / (z1 - z0);
    }
    return stops[stops.length - 1][1];
  };

  gridgov.ratio = () => Math.min(window.devicePixelRatio || 1, 2);

  // A canvas over the whole view (and a margin around it) that redraws when the map has come to rest. While the map
  // moves it moves along; while it zooms it is scaled. Subclasses have `_paint(context, view)`.
  gridgov.ViewCanvas = L.Layer.extend({
    options: { pane: "overlayPane", margin: 0.1 },

    onAdd: function (map) {
      this._canvas = L.DomUtil.create("canvas", "gg-canvas leaflet-zoom-animated", this.getPane());
      this.redraw();
    },
    onRemove: function () {
      cancelAnimationFrame(this._frame);
      this._frame = null;
      this._canvas.remove();
    },
    getEvents: function () {
      const events = { moveend: this._redrawNow, viewreset: this._redrawNow, resize: this._redrawNow };
      if (this._map.options.zoomAnimation && L.Browser.any3d) events.zoomanim = this._onZoomAnimation;
      return events;
    },
    setOpacity: function (opacity) {
      this.options.opacity = opacity;
      if (this._canvas) this._canvas.style.opacity = opacity;
      return this;
    },
    redraw: function () {
      if (this._map && !this._frame) this._frame = requestAnimationFrame(() => this._redrawNow());
      return this;
    },
    _onZoomAnimation: function (event) {
      if (!this._origin) return;
      const scale = this._map.getZoomScale(event.zoom, this._zoom);
      const place = this._map._latLngToNewLayerPoint(this._origin, event.zoom, event.center);
      L.DomUtil.setTransform(this._canvas, place, scale);
    },
    _redrawNow: function () {
      this._frame = null;
      const map = this._map;
      if (!map || map._animatingZoom) return;
      const size = map.getSize(), margin = size.multiplyBy(this.options.margin).round();
      const full = size.add(margin.multiplyBy(2)), ratio = gridgov.ratio();
      const corner = map.containerPointToLayerPoint(margin.multiplyBy(-1)).round();
      const canvas = this._canvas;
      if (canvas.width !== full.x * ratio || canvas.height !== full.y * ratio) {
        canvas.width = full.x * ratio;
        canvas.height = full.y * ratio;
        canvas.style.width = full.x + "px";
        canvas.style.height = full.y + "px";
      }
      canvas.style.opacity = this.options.opacity ?? 1;
      this._origin = map.layerPointToLatLng(corner);
      this._zoom = map.getZoom();
      L.DomUtil.setTransform(canvas, corner, 1);
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, full.x, full.y);
      // World pixel of the canvas' corner: a point at world pixel w is drawn at w - view.x.
      const world = map.project(this._origin, this._zoom);
      this._paint(context, { x: world.x, y: world.y, width: full.x, height: full.y, zoom: this._zoom });
    },
  });

  // Fetch with one try more after a moment; null when the server has nothing (204, 404). `seen` keeps the tag of the
  // last answer: one with the same tag is not read, and the result is undefined.
  gridgov.fetchBytes = async function (url, signal, seen = {}) {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await fetch(url, { signal });
        if (answer.status === 204 || answer.status === 404) return null;
        if (!answer.ok) throw new Error(answer.status);
        const tag = answer.headers.get("ETag");
        if (tag && tag === seen.tag) return void (answer.body && answer.body.cancel());
        const bytes = await answer.arrayBuffer();
        seen.tag = tag;
        return bytes;
      } catch (error) {
        if (attempt || (signal && signal.aborted)) throw error;
        await new Promise((done) => setTimeout(done, 700));
      }
    }
  };
})();
