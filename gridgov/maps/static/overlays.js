// What a page lays over the map for a while: coloured areas, shapes, their legend, the drawing tools. It comes and goes
// without loading the map anew; the same content shown again changes nothing.
(function () {
  "use strict";

  // Python's feature groups hold these; each fills one place ("slot") of the map.
  gridgov.Overlay = L.Layer.extend({
    initialize: function (config) {
      this._config = config;
    },
    onAdd: function () {
      gridgov.current.overlays.want(this._config.slot, this._config);
    },
    onRemove: function () {
      gridgov.current.overlays.want(this._config.slot, null);
    },
  });
  gridgov.overlay = (config) => new gridgov.Overlay(config);

  gridgov.Overlays = class {
    constructor(console) {
      this._console = console;
      this._wanted = new Map();
      this._shown = new Map();
      this._values = null;
    }

    // A new version of a slot first removes the old one: only what is left at the end of the step counts.
    want(slot, config) {
      this._wanted.set(slot, config);
      this._step ||= Promise.resolve().then(() => {
        this._step = null;
        this._apply();
      });
    }

    get shapes() {
      const plan = this._console.emergency.layer;
      return [...(plan ? [plan] : []), ...[...this._shown.values()].flatMap((shown) => shown.layers).reverse()];
    }

    valueAt(latlng) {
      const values = this._values && this._values.shown;
      const feature = values && this._values.leaflet.featureAt(latlng);
      const name = feature && values.names[values.codes[feature.id]];
      return name ? { name: values.title, rows: [["", name]] } : null;
    }

    _apply() {
      for (const [slot, config] of this._wanted) {
        const text = JSON.stringify(config), shown = this._shown.get(slot);
        if (shown ? shown.text === text : !config) continue;
        if (shown) this._remove(slot, shown);
        if (config) this._shown.set(slot, this._add(config, text));
      }
      this._wanted.clear();
      this._paintValues();
      const parts = [...this._shown.values()].map(({ config }) => config.legend).filter(Boolean);
      this._console.legend.setExtra(parts.flat());
      this._console.map.fire("gg:shown");
    }

    _add(config, text) {
      const { map } = this._console;
      if (config.tools) this._console.drawing.offer(config.tools);
      if (config.fresh) this._console.refresh(config.fresh);
      if (config.emergency) this._console.emergency.show(config.emergency);
      const layers = (config.shapes || []).map((shapes) => new gridgov.ShapeLayer(shapes).addTo(map));
      const link = config.link ? new gridgov.Linked(map, config.link) : null;
      return { config, text, layers, link };
    }

    _remove(slot, { config, layers, link }) {
      layers.forEach((layer) => layer.remove());
      if (link) link.close();
      if (config.tools && !(this._wanted.get(slot) || {}).tools) this._console.drawing.offer(null);
      if (config.emergency && !(this._wanted.get(slot) || {}).emergency) this._console.emergency.show(null);
      this._shown.delete(slot);
    }

    // The colours of a layer's areas by value: drawn from the layer's own tiles, under the roads.
    _paintValues() {
      const shown = [...this._shown.values()].map(({ config }) => config.values).find(Boolean);
      if (!shown && !this._values) return;
      this._values ||= this._valueLayer(shown);
      if (!this._values || this._values.given === shown) return;
      this._values.given = shown;
      this._values.shown = shown ? { ...shown, codes: decode(shown.codes) } : null;
      const { leaflet } = this._values;
      leaflet.setValues(shown ? this._values.shown.codes : new Uint8Array(), shown ? shown.rules : []);
    }

    _valueLayer(shown) {
      const layer = this._console.layers.find((each) => each.id === shown.layer);
      if (!layer) return null;
      const roads = this._console.layers.find((each) => each.id === "roads") || layer;
      const leaflet = new gridgov.VectorLayer({ url: layer.url, style: { rules: {}, rest: null }, bounds: layer.bounds,
        dataMaxZoom: layer.dataMaxZoom, zIndex: roads.order - 1 });
      return { leaflet: leaflet.addTo(this._console.map) };
    }
  };

  function decode(text) {
    const signs = atob(text), codes = new Uint8Array(signs.length);
    for (let k = 0; k < signs.length; k++) codes[k] = signs.charCodeAt(k);
    return codes;
  }

  // Tell the page at once; streamlit-folium itself would wait a quarter of a second.
  gridgov.report = function (feature) {
    const data = window.__GLOBAL_DATA__;
    if (!data || !window.Streamlit) return;
    data.all_drawings = [feature];
    data.previous_data = { ...(data.previous_data || {}), all_drawings: data.all_drawings };
    window.Streamlit.setComponentValue(data.previous_data);
  };
})();
