// Maps in frames of their own that show the same part of the world: where one is moved, the others follow.
(function () {
  "use strict";

  gridgov.Linked = class {
    // Frames of one page share a channel; pages have channels of their own.
    constructor(map, name) {
      this._map = map;
      this._follows = false;
      this._channel = new BroadcastChannel(`gridgov:${name}`);
      this._channel.onmessage = ({ data }) => this._go(data);
      map.on("move", this._tell, this);
      this._channel.postMessage({ asks: true });
    }

    close() {
      this._map.off("move", this._tell, this);
      this._channel.close();
    }

    _tell() {
      if (this._follows || this._map._animatingZoom) return;
      const { lat, lng } = this._map.getCenter();
      this._channel.postMessage({ lat, lng, zoom: this._map.getZoom() });
    }

    _go({ asks, lat, lng, zoom }) {
      if (asks) return void this._tell(); // one that came later begins where the others are
      const here = this._map.getCenter();
      if (zoom === this._map.getZoom() && Math.abs(here.lat - lat) < 1e-7 && Math.abs(here.lng - lng) < 1e-7) return;
      this._follows = true;
      this._map.setView([lat, lng], zoom, { animate: false });
      this._follows = false;
    }
  };
})();
