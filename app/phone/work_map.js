// The small map of a task: roads and water, the incident, the worker, the way between them. Its larger scripts are
// fetched only when a map is asked for.
(function () {
  "use strict";

  let loading = null;

  function load(url) {
    return new Promise((done, fail) => {
      const script = phone.el("script", { src: url });
      script.addEventListener("load", done);
      script.addEventListener("error", () => {
        script.remove();
        fail(new Error(url));
      });
      document.head.append(script);
    });
  }

  // One after the other: the second builds on the first. A failure is forgotten, so that the next map tries again.
  function scripts() {
    loading = loading || phone.data.scripts.reduce((before, url) => before.then(() => load(url)), Promise.resolve());
    loading.catch(() => { loading = null; });
    return loading;
  }

  phone.TaskMap = class {
    constructor(node, task) {
      this.task = [task.lat, task.lon];
      this.map = L.map(node, { preferCanvas: true, maxZoom: 18, minZoom: 9, zoomSnap: 0.5, fadeAnimation: false });
      this.map.attributionControl.setPrefix(false);
      for (const credit of phone.data.credits) this.map.attributionControl.addAttribution(credit);
      for (const [code, selector] of [["zoom_in", ".leaflet-control-zoom-in"], ["zoom_out", ".leaflet-control-zoom-out"]]) {
        node.querySelector(selector).setAttribute("aria-label", phone.text(code));
      }
      this.map.setView(this.task, 15.5, { animate: false });
      L.marker(this.task, { icon: icon("pin", 22, 27), keyboard: false, interactive: false }).addTo(this.map);
      this._ground();
    }

    async _ground() {
      try {
        await scripts();
      } catch (error) {
        return; // without its ground the map still shows where and which way
      }
      if (!this.map) return;
      const pane = this.map.createPane("gg-labels");
      Object.assign(pane.style, { zIndex: 420, pointerEvents: "none" });
      const labels = new gridgov.LabelLayer().addTo(this.map);
      for (const options of phone.data.layers) {
        const layer = new gridgov.VectorLayer({ ...options });
        labels.add(layer);
        layer.addTo(this.map);
      }
    }

    here(position) {
      const place = [position.lat, position.lon];
      if (this.me) this.me.setLatLng(place);
      else this.me = L.marker(place, { icon: icon("me", 20, 10), keyboard: false, interactive: false }).addTo(this.map);
    }

    way(coordinates) {
      if (this.line) this.line.remove();
      const line = coordinates.map(([lon, lat]) => [lat, lon]);
      this.line = L.layerGroup([
        L.polyline(line, { color: "#fff", weight: 9, interactive: false }),
        L.polyline(line, { color: "#174f86", weight: 5, interactive: false }),
      ]).addTo(this.map);
      this.map.fitBounds(L.latLngBounds([this.task, ...line]), { padding: [34, 34], maxZoom: 17, animate: false });
    }

    remove() {
      this.map.remove();
      this.map = null;
    }
  };

  function icon(name, size, foot) {
    return L.divIcon({ className: "", html: phone.el("span", { class: name }), iconSize: [size, size], iconAnchor: [size / 2, foot] });
  }
})();
