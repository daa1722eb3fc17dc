// Puts a map together from what Python says: layers, labels, panels, clicks onto points, the kept view.
(function () {
  "use strict";

  const MAKE = {
    vector: (layer) => new gridgov.VectorLayer({ url: layer.url, style: layer.style, minZoom: layer.minZoom,
      dataMaxZoom: layer.dataMaxZoom, bounds: layer.bounds, zIndex: layer.order, opacity: layer.opacity }),
    points: (layer) => new gridgov.PointLayer({ ...layer.points, url: layer.url, minZoom: layer.minZoom,
      opacity: layer.opacity }),
    shapes: (layer) => new gridgov.ShapeLayer({ ...layer.shapes, url: layer.url, minZoom: layer.minZoom,
      opacity: layer.opacity }),
    raster: (layer) => L.tileLayer(layer.url, { bounds: layer.bounds, zIndex: layer.order, opacity: layer.opacity,
      tileSize: 512, zoomOffset: -1, maxNativeZoom: layer.dataMaxZoom + 1, maxZoom: 22, keepBuffer: 1,
      className: `gg-raster gg-raster-${layer.id}`, errorTileUrl: EMPTY, updateWhenZooming: false }),
  };
  const EMPTY = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

  class Console {
    constructor(map, config) {
      this.map = map;
      this.config = config;
      this.layers = [];
      this.key = `gridgov:${config.key}`;
      for (const [name, z] of [["gg-areas", 390], ["gg-shapes", 410], ["gg-labels", 420], ["gg-points", 450],
        ["gg-marks", 455]]) {
        map.createPane(name).style.zIndex = z;
        map.getPane(name).style.pointerEvents = "none";
      }
      map.attributionControl.setPrefix(false);
      this._restoreView();
      this.labels = new gridgov.LabelLayer().addTo(map);
      this.drawing = new gridgov.Drawing(map);
      this.overlays = new gridgov.Overlays(this);
      this.emergency = new gridgov.Emergency(this);
    }

    addLayer(spec) {
      const kept = this._kept().layers || {}, layer = { ...spec, ...(kept[spec.id] || {}) };
      layer.leaflet = MAKE[layer.kind](layer);
      this.layers.push(layer);
      if (layer.kind === "vector") this.labels.add(layer.leaflet);
      if (layer.attribution) this.map.attributionControl.addAttribution(layer.attribution);
      if (layer.visible) layer.leaflet.addTo(this.map);
      return layer.leaflet;
    }

    finish() {
      const { map, config, layers } = this, texts = config.texts;
      new gridgov.Buttons({ texts, bounds: config.bounds }).addTo(map);
      L.control.scale({ imperial: false, position: "bottomright", maxWidth: 120 }).addTo(map);
      this.legend = new gridgov.Legend({ texts, layers, map, groups: config.groups, notes: config.notes,
        folded: config.folded }).addTo(map);
      new gridgov.LayerList({ texts, layers, groups: config.groups,
        onVisible: (layer, on) => this._setVisible(layer, on),
        onOpacity: (layer, value) => this._setOpacity(layer, value),
        onMove: (layer, other) => this._exchange(layer, other) }).addTo(map);
      if (config.swipe) this._addSwipe(config.swipe);
      map.on("moveend", () => this._keep());
      map.on("zoomend", () => this.legend.update());
      map.on("click", (event) => this._snap(event));
      // Before Leaflet sees it: a click on a bubble opens the bubble and selects nothing.
      map.getContainer().addEventListener("click", (event) => this._openBubble(event), true);
      this._hover();
    }

    _setVisible(layer, on) {
      layer.visible = on;
      if (on) layer.leaflet.addTo(this.map);
      else layer.leaflet.remove();
      this.legend.update();
      this._keep();
    }

    _setOpacity(layer, value) {
      layer.opacity = value;
      layer.leaflet.setOpacity(value);
      this._keep();
    }

    // Let two layers change places in the order in which they cover each other.
    _exchange(layer, other) {
      [layer.order, other.order] = [other.order, layer.order];
      for (const each of [layer, other]) each.leaflet.setZIndex(each.order);
      this._keep();
    }

    _addSwipe({ left, right, title }) {
      const [one, two] = [left, right].map((id) => this.layers.find((layer) => layer.id === id));
      if (!one || !two) return;
      for (const layer of [one, two]) if (!layer.visible) this._setVisible(layer, true);
      this.swipe = new gridgov.Swipe({ left: one, right: two, title }).addTo(this.map);
    }

    // Ask again for a layer that the page knows to have changed.
    refresh({ layer }) {
      const found = this.layers.find((each) => each.id === layer);
      if (found && found.leaflet.load) found.leaflet.load();
    }

    pointAt(place) {
      let best = null;
      for (const layer of this.layers) {
        if (layer.kind !== "points" || !layer.visible) continue;
        const hit = layer.leaflet.pointAt(place);
        if (hit && (!best || hit.distance < best.distance)) best = { ...hit, layer };
      }
      return best;
    }

    // A click near a point means that point: its place, not the mouse's, goes to the server.
    _snap(event) {
      const hit = this.pointAt(event.containerPoint), plan = this.emergency.layer;
      const shelter = hit || !plan ? null : plan.placeAt(event.containerPoint);
      if (hit) event.latlng = hit.latlng;
      else if (shelter) event.latlng = shelter;
    }

    _openBubble(event) {
      if (event.target.closest(".leaflet-control") || this.map.dragging.moved()) return;
      const place = this.map.mouseEventToContainerPoint(event);
      if (this.drawing.active || this.pointAt(place)) return;
      for (const layer of [...this.layers].reverse()) {
        const centre = layer.kind === "points" && layer.visible && layer.leaflet.bubbleAt(place);
        if (!centre) continue;
        event.stopPropagation();
        this.map.setView(centre, Math.min(this.map.getZoom() + 2, 18));
        return;
      }
    }

    _hover() {
      const map = this.map, tip = L.tooltip({ direction: "top", offset: [0, -8], className: "gg-tip", opacity: 1 });
      let wait = null;
      map.on("mousemove", (event) => {
        const panel = event.originalEvent.target.closest(".leaflet-control, .gg-panel, .gg-hud");
        if (panel) return void tip.remove(); // not the map
        if (wait || this.drawing.active || map._animatingZoom || (map.dragging && map.dragging.moving())) return;
        wait = requestAnimationFrame(() => {
          wait = null;
          const content = this._tipAt(event);
          map.getContainer().classList.toggle("gg-over-point", Boolean(content && content.point));
          if (!content) return void tip.remove();
          tip.setContent(content.node).setLatLng(content.latlng || event.latlng);
          if (!map.hasLayer(tip)) tip.addTo(map);
        });
      });
      map.on("mouseout click movestart zoomstart", () => tip.remove()); // a click asks for the facts, not the tooltip
    }

    _tipAt(event) {
      const hit = this.pointAt(event.containerPoint);
      if (hit) {
        const names = hit.layer.points.names, name = names[Math.min(hit.code, names.length - 1)];
        const text = name === hit.layer.name ? [] : [["", name]];
        return { node: tipNode(hit.layer.name, text), latlng: hit.latlng, point: true };
      }
      const shapes = this.layers.filter((layer) => layer.kind === "shapes" && layer.visible).map((layer) => layer.leaflet);
      for (const layer of [...this.overlays.shapes, ...shapes]) {
        const lines = layer.tipAt(event.containerPoint);
        if (lines) return { node: tipNode(lines[0], lines.slice(1).map((line) => ["", line])) };
      }
      const value = this.overlays.valueAt(event.latlng);
      for (let k = this.layers.length - 1; k >= 0; k--) {
        const layer = this.layers[k];
        if (!layer.visible || layer.kind !== "vector" || !layer.tooltip.length) continue;
        const feature = layer.leaflet.featureAt(event.latlng);
        if (!feature) continue;
        const rows = layer.tooltip.map(([field, name]) => [name, feature.properties[field]]);
        const filled = rows.filter(([, value]) => value !== undefined && value !== null && value !== "");
        if (filled.length) return { node: tipNode(layer.name, value ? [...filled, [value.name, value.rows[0][1]]] : filled) };
      }
      return value ? { node: tipNode(value.name, value.rows) } : null;
    }

    // The user's view and layers survive a change of language or page: kept for this tab.
    _kept() {
      try {
        return JSON.parse(sessionStorage.getItem(this.key)) || {};
      } catch (error) {
        return {};
      }
    }

    _keep() {
      const center = this.map.getCenter(), layers = {};
      for (const { id, visible, opacity, order } of this.layers) layers[id] = { visible, opacity, order };
      const view = { lat: center.lat, lng: center.lng, zoom: this.map.getZoom(), layers };
      try {
        sessionStorage.setItem(this.key, JSON.stringify(view));
      } catch (error) {
        // A browser that keeps nothing still shows the map.
      }
    }

    _restoreView() {
      const kept = this._kept();
      if (kept.zoom) this.map.setView([kept.lat, kept.lng], kept.zoom, { animate: false });
      else this.map.fitBounds(this.config.bounds, { animate: false });
    }
  }

  function tipNode(title, rows) {
    const node = document.createElement("div");
    node.append(Object.assign(document.createElement("b"), { textContent: title }));
    for (const [name, value] of rows) {
      const line = document.createElement("div");
      line.textContent = name ? `${name} ${value}` : value;
      node.append(line);
    }
    return node;
  }

  gridgov.console = function (map, config) {
    const console = new Console(map, config);
    gridgov.maps.set(map, console);
    gridgov.current = console;
    return console;
  };
})();
