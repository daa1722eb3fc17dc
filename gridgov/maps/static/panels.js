// What stands on the map: the layer list by groups, the legend that is always there, the buttons and the scale.
(function () {
  "use strict";

  const el = (tag, className, parent, text) => {
    const node = L.DomUtil.create(tag, className, parent);
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const FOLDED = new Set(["basemap", "terrain"]), OPENED = new Set();

  const Panel = L.Control.extend({
    onAdd: function () {
      const box = el("div", `gg-panel ${this.options.className}`);
      L.DomEvent.disableClickPropagation(box).disableScrollPropagation(box);
      this._fill(box);
      return box;
    },
  });

  // Layers by group, each with a check mark and its opacity; or those in use in the order in which they cover each
  // other, topmost first, to be moved up and down. Opens by its button and stays until closed.
  gridgov.LayerList = Panel.extend({
    options: { position: "topright", className: "gg-layers" },

    _fill: function (box) {
      const { texts, layers, groups } = this.options;
      const button = el("button", "gg-button gg-layers-button", box);
      button.type = "button";
      button.innerHTML = ICONS.layers;
      button.append(texts.layers);
      button.setAttribute("aria-expanded", "false");
      const list = el("div", "gg-layers-list", box);
      list.hidden = true;
      button.onclick = () => {
        list.hidden = !list.hidden;
        button.setAttribute("aria-expanded", String(!list.hidden));
      };
      const tabs = el("div", "gg-tabs", list), grouped = el("div", "", list), stacked = el("div", "gg-stack", list);
      const show = (inOrder) => {
        grouped.hidden = inOrder;
        stacked.hidden = !inOrder;
        if (inOrder) this._stack(stacked);
        [...tabs.children].forEach((tab, k) => tab.setAttribute("aria-pressed", String(Boolean(k) === inOrder)));
      };
      for (const [name, inOrder] of [[texts.by_group, false], [texts.by_order, true]]) {
        const tab = el("button", "gg-tab", tabs, name);
        tab.type = "button";
        tab.onclick = () => show(inOrder);
      }
      for (const group of groups) {
        const members = layers.filter((layer) => layer.group === group.id);
        if (!members.length) continue;
        el("div", "gg-group", grouped, group.name);
        members.forEach((layer) => this._row(grouped, layer));
      }
      show(false);
    },

    // What is drawn flat can lie over or under each other; points always lie on top.
    _stack: function (box) {
      const { texts, layers, onMove } = this.options;
      const shown = layers.filter((layer) => layer.visible && layer.leaflet.setZIndex);
      shown.sort((a, b) => b.order - a.order);
      box.replaceChildren();
      shown.forEach((layer, k) => {
        const row = el("div", "gg-row", box);
        row.dataset.layer = layer.id;
        el("span", "gg-stack-name", row, layer.name);
        for (const [sign, name, other] of [["▲", texts.move_up, shown[k - 1]], ["▼", texts.move_down, shown[k + 1]]]) {
          const button = el("button", "gg-move", row, sign);
          button.type = "button";
          button.title = button.ariaLabel = `${name}: ${layer.name}`;
          button.disabled = !other;
          button.onclick = () => { onMove(layer, other); this._stack(box); };
        }
      });
    },

    _row: function (list, layer) {
      const row = el("div", "gg-row", list), head = el("label", "", row), check = el("input", "", head);
      check.type = "checkbox";
      check.checked = layer.visible;
      check.dataset.layer = layer.id;
      el("span", "", head, layer.name);
      const slider = el("input", "gg-opacity", row);
      slider.type = "range";
      slider.min = 10;
      slider.max = 100;
      slider.value = Math.round(100 * layer.opacity);
      slider.title = slider.ariaLabel = this.options.texts.opacity;
      check.onchange = () => this.options.onVisible(layer, check.checked);
      slider.oninput = () => this.options.onOpacity(layer, slider.value / 100);
    },
  });

  gridgov.Legend = Panel.extend({
    options: { position: "bottomleft", className: "gg-legend" },

    _fill: function (box) {
      this._box = box;
      const head = el("button", "gg-legend-head", box);
      head.type = "button";
      head.textContent = this.options.texts.legend;
      head.setAttribute("aria-expanded", "true");
      this._body = el("div", "gg-legend-body", box);
      const open = (on) => {
        this._body.hidden = !on;
        head.setAttribute("aria-expanded", String(on));
      };
      head.onclick = () => open(this._body.hidden);
      open(!this.options.folded && this.options.map.getSize().x >= 560); // on a phone the map comes first
      this.update();
    },

    // What lies over the map for a while comes first.
    setExtra: function (parts) {
      this._extra = parts;
      this.update();
    },

    // Entries of the layers that are shown at this zoom, by group. What everybody can read (the base map) is folded.
    update: function () {
      this._body.replaceChildren();
      for (const part of this._extra || []) this._extraPart(part);
      const shown = this.options.layers.filter((layer) => layer.visible && layer.legend.length).reverse();
      const groups = [...new Set(shown.map((layer) => layer.group))]; // what lies on top comes first
      for (const id of groups) {
        const members = shown.filter((layer) => layer.group === id);
        const parent = FOLDED.has(id) ? this._folded(id) : this._body;
        members.forEach((layer) => this._part(parent, layer));
      }
      if (shown.some((layer) => layer.kind === "points")) el("div", "gg-note", this._body, this.options.texts.bubble);
      for (const note of this.options.notes) el("div", "gg-note", this._body, note);
    },

    _extraPart: function ({ title, entries, notes }) {
      const part = el("div", "gg-legend-part gg-legend-extra", this._body);
      el("div", "gg-legend-title", part, title);
      for (const entry of entries) {
        const line = el("div", "gg-entry", part);
        line.append(gridgov.swatch(entry));
        el("span", "", line, entry.label);
      }
      for (const note of notes || []) el("div", "gg-legend-note", part, note);
    },

    _folded: function (id) {
      const group = this.options.groups.find((each) => each.id === id);
      const details = el("details", "gg-legend-part", this._body);
      details.open = OPENED.has(id);
      details.ontoggle = () => (details.open ? OPENED.add(id) : OPENED.delete(id));
      el("summary", "gg-legend-title", details, group ? group.name : id);
      return details;
    },

    _part: function (parent, layer) {
      const part = el("div", "gg-legend-part", parent);
      const far = this.options.map.getZoom() < layer.minZoom;
      if (far) part.classList.add("gg-far");
      if (layer.legend.length > 1 || far) {
        const title = el("div", "gg-legend-title", part, layer.name);
        if (far) el("span", "gg-hint", title, this.options.texts.zoom_in_to_see);
      }
      const entries = el("div", "gg-entries", part);
      for (const entry of far ? [] : layer.legend) {
        const line = el("div", "gg-entry", entries);
        line.append(gridgov.swatch(entry));
        el("span", "", line, entry.label);
      }
    },
  });

  gridgov.Buttons = L.Control.extend({
    options: { position: "topleft" },
    onAdd: function (map) {
      const { texts, bounds } = this.options, bar = el("div", "leaflet-bar gg-buttons");
      L.DomEvent.disableClickPropagation(bar);
      this._button(bar, "+", texts.zoom_in, () => map.zoomIn());
      this._button(bar, "−", texts.zoom_out, () => map.zoomOut());
      this._button(bar, ICONS.district, texts.zoom_to_district, () => map.fitBounds(bounds)).classList.add("gg-district");
      return bar;
    },
    _button: function (bar, icon, title, act) {
      const button = el("a", "", bar);
      button.innerHTML = icon;
      button.title = title;
      button.href = "#";
      button.setAttribute("role", "button");
      button.setAttribute("aria-label", title);
      L.DomEvent.on(button, "click", (event) => { L.DomEvent.preventDefault(event); act(); });
      return button;
    },
  });

  const ICONS = {
    layers: '<svg viewBox="0 0 20 20" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.6" ' +
      'stroke-linejoin="round"><path d="M10 3 18 7.2 10 11.4 2 7.2Z"/><path d="m3.6 10.4-1.6.9 8 4.2 8-4.2-1.6-.9"/></svg>',
    district: '<svg viewBox="0 0 20 20" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.7">' +
      '<path d="M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4"/><circle cx="10" cy="10" r="2.2"/></svg>',
  };
})();
