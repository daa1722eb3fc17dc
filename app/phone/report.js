// The public report: choose, point, describe, send once.
(function () {
  "use strict";

  const { byId, text } = phone, data = phone.data, DRAFT = "gridgov.report.draft";
  const form = byId("report"), fields = { address: byId("address"), description: byId("description"), name: byId("reporter-name"), phone: byId("reporter-phone") };
  const state = { place: null, photo: "", code: "" };
  let map, pin, sent = null;

  const box = new phone.Outbox(`gridgov.outbox.report.${data.account}`, { onChange: changed, onSent: showDone });

  // -- what ------------------------------------------------------------------------------------------------------

  function choose(code) {
    const input = form.querySelector(`input[name=class_code][value="${CSS.escape(code)}"]`);
    if (!input) return;
    input.checked = true;
    state.code = code;
    byId("chosen-name").textContent = input.dataset.name;
    byId("chosen").hidden = false;
    byId("choose").hidden = true;
    byId("fault-class").hidden = true;
    keepDraft();
  }

  function search() {
    const wanted = byId("search").value.trim().toLowerCase();
    let any = false;
    for (const group of document.querySelectorAll(".major")) {
      let shown = 0;
      for (const choice of group.querySelectorAll(".choice")) {
        const hit = !wanted || choice.textContent.toLowerCase().includes(wanted) || group.querySelector("summary").textContent.toLowerCase().includes(wanted);
        choice.hidden = !hit;
        shown += hit ? 1 : 0;
      }
      group.hidden = !shown;
      group.open = Boolean(wanted) && shown > 0;
      any = any || shown > 0;
    }
    byId("no-match").hidden = any;
  }

  // -- where -----------------------------------------------------------------------------------------------------

  async function drawMap() {
    const [west, south, east, north] = data.bounds;
    map = L.map("map", { zoomControl: true, preferCanvas: true, maxZoom: 18, minZoom: 8, zoomSnap: 0.5, attributionControl: false });
    map.fitBounds([[south, west], [north, east]], { animate: false, padding: [6, 6] });
    L.control.scale({ imperial: false }).addTo(map);
    for (const button of map.getContainer().querySelectorAll(".leaflet-control-zoom a")) button.setAttribute("aria-label", text(button.classList.contains("leaflet-control-zoom-in") ? "zoom_in" : "zoom_out"));
    map.on("click", (event) => setPlace(event.latlng.lng, event.latlng.lat));
    if (state.place) setPlace(state.place.lon, state.place.lat);
    try {
      drawOutline(await phone.ask("GET", data.outline));
    } catch (error) {
      byId("place").textContent = text("no_outline");
    }
  }

  function drawOutline(outline) {
    const look = { district: { color: "#5d4a86", weight: 2.5, fillColor: "#fbfaf7", fillOpacity: 1 }, street: { color: "#8d7db3", weight: 1.8, dashArray: "7 4", fill: false }, community: { color: "#b3bccb", weight: 1, fill: false } };
    const order = ["community", "street", "district"];
    const features = [...outline.features].sort((a, b) => order.indexOf(a.properties.level) - order.indexOf(b.properties.level));
    const ground = features.filter((feature) => feature.properties.level === "district");
    L.geoJSON(ground, { style: { ...look.district, stroke: false }, interactive: false }).addTo(map);
    L.geoJSON(features, { style: (feature) => ({ ...look[feature.properties.level], fill: false }), interactive: false }).addTo(map);
    state.features = features;
    sayPlace();
    const names = L.layerGroup().addTo(map);
    const draw = () => drawNames(names, features);
    map.on("zoomend moveend", draw);
    draw();
  }

  // The names of what is large enough to hold its name.
  function drawNames(layer, features) {
    layer.clearLayers();
    const level = map.getZoom() >= 13.5 && features.some((feature) => feature.properties.level === "community") ? "community" : "street";
    const taken = [];
    for (const { properties } of features) {
      if (properties.level !== level) continue;
      const [lon, lat] = properties.label_at, spot = map.latLngToContainerPoint([lat, lon]), name = properties.names[data.lang];
      const half = name.length * (data.lang === "zh" ? 7 : 4);
      if (!map.getBounds().contains([lat, lon]) || taken.some((other) => Math.abs(other.y - spot.y) < 18 && Math.abs(other.x - spot.x) < other.half + half)) continue;
      taken.push({ x: spot.x, y: spot.y, half });
      const node = phone.el("span", {}, name);
      L.marker([lat, lon], { icon: L.divIcon({ className: `${level}-name`, html: node, iconSize: [0, 0] }), interactive: false, keyboard: false }).addTo(layer);
    }
  }

  function setPlace(lon, lat, accuracy) {
    state.place = { lon, lat };
    const icon = L.divIcon({ className: "", html: phone.el("span", { class: "pin" }), iconSize: [22, 22], iconAnchor: [11, 27] });
    if (pin) pin.setLatLng([lat, lon]);
    else {
      pin = L.marker([lat, lon], { icon, draggable: true, keyboard: false, title: text("pin") }).addTo(map);
      pin.on("dragend", () => setPlace(pin.getLatLng().lng, pin.getLatLng().lat));
    }
    state.accuracy = accuracy || 0;
    sayPlace();
    byId("fault-place").hidden = true;
    keepDraft();
  }

  // Coordinates mean little to people: the community and street as well, as soon as the outline is there.
  function sayPlace() {
    if (!state.place) return;
    const { lon, lat } = state.place, names = divisionsAt(lon, lat);
    const outside = state.features && !names.length;
    const spot = [...names, `${lat.toFixed(5)}, ${lon.toFixed(5)}`].join(data.lang === "zh" ? "，" : ", ");
    byId("place").textContent = outside ? text("place_outside") : state.accuracy ? text("place_about", { spot, metres: Math.round(state.accuracy) }) : text("place_set", { spot });
  }

  function divisionsAt(lon, lat) {
    const found = (state.features || []).filter((feature) => covers(feature.geometry, lon, lat));
    const finest = ["community", "street", "district"];
    found.sort((a, b) => finest.indexOf(a.properties.level) - finest.indexOf(b.properties.level));
    return found.slice(0, 2).map((feature) => feature.properties.names[data.lang]);
  }

  function covers(geometry, lon, lat) {
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    return polygons.some((rings) => rings.filter((ring) => inside(ring, lon, lat)).length % 2 === 1);
  }

  function inside(ring, x, y) {
    let odd = false;
    for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
      const [ax, ay] = ring[a], [bx, by] = ring[b];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  }

  function locate() {
    const say = (code) => { byId("place").textContent = text(code); };
    if (!navigator.geolocation || !isSecureContext) return say("no_geolocation");
    say("locating");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const [west, south, east, north] = data.bounds, lon = coords.longitude, lat = coords.latitude;
        if (lon < west || lon > east || lat < south || lat > north) return say("outside");
        setPlace(lon, lat, coords.accuracy);
        map.setView([lat, lon], Math.max(map.getZoom(), 15));
      },
      () => say("no_geolocation"),
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 30000 },
    );
  }

  // -- what it looks like --------------------------------------------------------------------------------------------

  async function addPhoto() {
    const file = byId("photo").files[0];
    if (!file) return;
    byId("fault-photo").hidden = true;
    try {
      state.photo = await phone.smallPicture(file);
    } catch (error) {
      state.photo = "";
      byId("fault-photo").hidden = false;
    }
    byId("photo").value = "";
    showPhoto();
  }

  function showPhoto() {
    phone.pictures(byId("preview"), state.photo ? [state.photo] : [], () => {
      state.photo = "";
      showPhoto();
      byId("photo").focus();
    });
  }

  function count() {
    byId("count").textContent = text("count", { used: fields.description.value.length });
  }

  // -- what was typed outlives a reload of this tab -------------------------------------------------------------------

  function keepDraft() {
    const typed = Object.fromEntries(Object.entries(fields).map(([name, input]) => [name, input.value]));
    try {
      sessionStorage.setItem(DRAFT, JSON.stringify({ ...typed, code: state.code, place: state.place }));
    } catch (error) {
      // A browser that keeps nothing still sends reports.
    }
  }

  function restoreDraft() {
    let draft = {};
    try {
      draft = JSON.parse(sessionStorage.getItem(DRAFT)) || {};
    } catch (error) {
      return;
    }
    for (const [name, input] of Object.entries(fields)) input.value = draft[name] || "";
    if (draft.code) choose(draft.code);
    state.place = draft.place || null;
  }

  // -- sending -------------------------------------------------------------------------------------------------------

  function submit(event) {
    event.preventDefault();
    byId("fault-class").hidden = Boolean(state.code);
    byId("fault-place").hidden = Boolean(state.place);
    const missing = !state.code ? byId("what") : !state.place ? byId("where") : null;
    if (missing) {
      missing.scrollIntoView({ block: "start" });
      (missing.id === "what" ? byId("search") : byId("locate")).focus({ preventScroll: true });
      return;
    }
    byId("fault").hidden = true;
    const body = { class_code: state.code, lon: Number(state.place.lon.toFixed(6)), lat: Number(state.place.lat.toFixed(6)), description: fields.description.value.trim(), address: fields.address.value.trim(), reporter_name: fields.name.value.trim(), reporter_phone: fields.phone.value.trim() };
    for (const item of box.failed) box.drop(item.key); // this one takes its place
    box.add({ url: "/api/v1/reports", body, photos: state.photo ? [{ data: state.photo, digest: "" }] : [] });
  }

  function changed() {
    phone.showBar(byId("waiting"), box);
    byId("submit").disabled = box.waiting.length > 0;
    byId("submit").textContent = text(box.waiting.length ? "sending" : "submit");
    const failed = box.failed[0];
    byId("fault").hidden = !failed;
    byId("fault").textContent = failed ? `${failed.error.sentence} ${text("nothing_lost")}` : "";
  }

  function showDone(item, answer) {
    sent = answer.ticket;
    try {
      sessionStorage.removeItem(DRAFT);
    } catch (error) {
      // Nothing was kept.
    }
    byId("ticket").textContent = sent;
    byId("follow").href = `/report/${encodeURIComponent(sent)}`;
    byId("form-side").hidden = true;
    byId("done").hidden = false;
    scrollTo(0, 0);
    byId("done").focus({ preventScroll: true });
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(sent);
      byId("copied").textContent = text("copied");
    } catch (error) {
      getSelection().selectAllChildren(byId("ticket")); // the number is marked: one touch copies it
      byId("copied").textContent = text("marked");
    }
  }

  form.addEventListener("change", (event) => event.target.name === "class_code" && choose(event.target.value));
  form.addEventListener("input", keepDraft);
  form.addEventListener("submit", submit);
  fields.description.addEventListener("input", count);
  byId("search").addEventListener("input", search);
  byId("search").addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  byId("change").addEventListener("click", () => {
    byId("chosen").hidden = true;
    byId("choose").hidden = false;
    byId("search").focus();
  });
  byId("locate").addEventListener("click", locate);
  byId("centre").addEventListener("click", () => setPlace(map.getCenter().lng, map.getCenter().lat));
  byId("photo").addEventListener("change", addPhoto);
  byId("copy").addEventListener("click", copy);
  restoreDraft();
  count();
  changed();
  drawMap();
  box.flush();
})();
