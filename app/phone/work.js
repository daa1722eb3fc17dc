// The grid worker's page: tasks, one task with its way, and what is done about it, also while there is no link.
(function () {
  "use strict";

  const { byId, el, text } = phone, data = phone.data, OWN = `gridgov.work.${data.account}`;
  const EVERY_MS = 30000, POSITION_MS = 20000, MAX_PHOTOS = 6;
  const kept = phone.kept(`${OWN}.tasks`, { tasks: [], status: "", now: null, read: null });
  const state = { tasks: kept.tasks, doors: kept.doors || [], status: kept.status, read: kept.read, ahead: ahead(kept), details: {}, position: null, map: null, open: "", sheet: "", way: {} };
  const drafts = phone.kept(`${OWN}.drafts`, {});
  const box = new phone.Outbox(`gridgov.outbox.work.${data.account}`, { onChange: changed, onSent: sent, onRefused: refresh });

  // -- what the server says ------------------------------------------------------------------------------------------

  // How far the server's clock is ahead of this phone's: times left are counted on the server's.
  function ahead(answer) {
    return answer.now ? Date.parse(answer.now) - (answer.read || Date.now()) : 0;
  }

  async function refresh() {
    if (box.waiting.length || document.visibilityState !== "visible") return;
    try {
      const answer = await phone.ask("GET", `/my/tasks?lang=${data.lang}`);
      if (box.waiting.length) return; // something was done meanwhile: the answer is older than that
      const read = Date.now();
      Object.assign(state, { tasks: answer.tasks, doors: answer.doors, status: answer.status, read });
      state.ahead = ahead({ now: answer.now, read });
      phone.keep(`${OWN}.tasks`, { ...answer, read });
      if (box.trouble) box.trouble = "";
      changed();
      if (state.open) readDetail(state.open);
    } catch (error) {
      box.trouble = error instanceof phone.Refusal ? (error.expired ? "session" : "server") : "offline";
      changed();
    }
  }

  async function readDetail(id) {
    try {
      const detail = await phone.ask("GET", `/my/tasks/${encodeURIComponent(id)}?lang=${data.lang}`);
      const before = JSON.stringify(state.details[id]);
      state.details[id] = detail;
      if (state.open === id && before !== JSON.stringify(detail) && !typing()) drawTask();
    } catch (error) {
      if (error instanceof phone.Refusal && error.status === 404) state.details[id] = null;
    }
  }

  // Nothing is drawn anew under somebody's fingers: an input method would lose what it holds.
  const typing = () => document.activeElement === byId("words") && byId("words") !== null;

  // A task as it will be when everything in the outbox has been sent.
  function expected(task) {
    let now = task;
    for (const item of box.waiting) if (item.about === task.id) now = after(now, item.body.action);
    return now;
  }

  function after(task, action) {
    const others = task.actions.filter((name) => name !== action);
    if (action === "accept") return { ...task, state: "in_progress", state_text: text("state_in_progress"), actions: ["arrive", "resolve", "request_extension", "note"], waits: true };
    if (action === "arrive") return { ...task, arrived: true, actions: others, waits: true };
    if (action === "resolve") return { ...task, state: "resolved", state_text: text("state_resolved"), actions: ["note"], waits: true };
    if (action === "request_extension") return { ...task, extension_pending: true, actions: others, waits: true };
    return { ...task, waits: true };
  }

  const taskOf = (id) => state.tasks.find((task) => task.id === id) || state.details[id];

  // -- the list ------------------------------------------------------------------------------------------------------

  const SHAPES = { green: "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Z", yellow: "M8 1.2 15.4 14.6H.6Z", red: "M5 .8h6l4.2 4.2v6L11 15.2H5L.8 11V5Z", none: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z" };
  const SVG = "http://www.w3.org/2000/svg";

  // Colour, shape and word together.
  function lamp(task) {
    const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
    for (const [name, value] of [["viewBox", "0 0 16 16"], ["fill", "currentColor"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
    path.setAttribute("d", SHAPES[task.lamp] || SHAPES.none);
    svg.append(path);
    return el("span", { class: `lamp ${task.lamp}` }, svg, task.lamp_text);
  }

  // Seconds of the limit since the server said what was left; work time runs to the next rest at most, later ones only
  // the server knows.
  function countedSince(task) {
    const now = Date.now() + state.ahead, end = task.open_until ? Date.parse(task.open_until) : 0;
    return Math.max(0, ((task.work_time ? Math.min(now, end) : now) - Date.parse(task.left_at)) / 1000);
  }

  function leftText(task) {
    if (task.left_s === null || task.left_s === undefined) return "";
    if (!task.runs) return text("clock_rests");
    const left = task.left_s - countedSince(task), minutes = Math.floor(Math.abs(left) / 60), h = Math.floor(minutes / 60);
    const amount = h >= 100 ? String(h) : `${h}:${String(minutes % 60).padStart(2, "0")}`;
    return text((left < 0 ? "late_by" : "left") + (task.work_time ? "_work" : ""), { amount });
  }

  const distance = (task) => (state.position ? text("away", { length: phone.length(phone.metres(state.position, task)) }) : "");

  // Grids of an evacuation at whose doors this worker knocks, above everything else until all are done.
  function drawDoors() {
    if (document.activeElement && document.activeElement.id === "door-words") return; // see `typing`
    const doors = state.doors.map(expectedDoor), told = doors.filter((door) => door.done).length;
    byId("doors-section").hidden = !doors.length;
    byId("doors-count").textContent = text("doors_done", { done: told, all: doors.length });
    byId("doors").replaceChildren(...doors.map(doorCard));
  }

  const doorKey = (door) => `door/${door.evacuation}/${door.zone}`;

  // A grid as it will be when everything in the outbox has been sent.
  function expectedDoor(door) {
    let now = door;
    for (const item of box.waiting) if (item.about === doorKey(door)) now = { ...afterDoor(now, item), waits: true };
    return now;
  }

  function afterDoor(door, item) {
    if (item.what === "do_door") return { ...door, done: true, late: false };
    return { ...door, help: item.body.wanted, note: item.body.note || "" };
  }

  function doorCard(door) {
    const tags = [door.done && ["tag good", "door_done"], door.late && ["tag", "door_late"], door.waits && ["tag wait", "not_sent_yet"]].filter(Boolean);
    const look = door.help ? "help" : door.done ? "done" : door.late ? "late" : "";
    return el("li", { class: `card door ${look}`, "data-zone": door.zone, "data-evacuation": door.evacuation },
      tags.length > 0 && el("div", { class: "task-sub" }, ...tags.map(([name, code]) => el("span", { class: name }, text(code)))),
      door.danger && el("div", { class: "task-sub" }, el("b", {}, door.danger)),
      el("p", { class: "text" }, door.text),
      ...box.failed.filter((item) => item.about === doorKey(door)).map(failure),
      door.help && el("div", { class: "call", role: "status" }, el("p", {}, el("b", {}, text("help_called")), door.note && ` ${door.note}`),
        el("button", { type: "button", "data-helped": door.zone, onclick: () => doDoor(door, "do_helped", "help", { wanted: false }) }, text("do_helped"))),
      state.calling === doorKey(door) ? callForm(door)
        : el("div", { class: "row" },
          !door.done && el("button", { type: "button", class: "primary", "data-door": door.zone, onclick: () => doDoor(door, "do_door", "done", {}) }, text("do_door")),
          !door.help && el("button", { type: "button", "data-help": door.zone, onclick: () => openCall(door) }, text("do_help"))));
  }

  function openCall(door) {
    state.calling = doorKey(door);
    drawDoors();
    byId("door-words").focus();
  }

  function callForm(door) {
    const words = el("textarea", { id: "door-words", rows: "2", maxlength: "300", oninput: (event) => { drafts[doorKey(door)] = event.target.value; keepDrafts(); } });
    words.value = drafts[doorKey(door)] || "";
    const close = (then) => () => { state.calling = ""; words.blur(); then(); drawDoors(); };
    const send = () => { delete drafts[doorKey(door)]; keepDrafts(); doDoor(door, "do_help", "help", { note: words.value.trim() }); };
    return el("div", { class: "call" }, el("label", { for: "door-words" }, text("words_help")), words,
      el("div", { class: "row" },
        el("button", { type: "button", onclick: close(() => {}) }, text("cancel")),
        el("button", { type: "button", class: "primary", "data-call": door.zone, onclick: close(send) }, text("send_help"))));
  }

  function doDoor(door, what, path, body) {
    const url = `/api/v1/evacuations/${encodeURIComponent(door.evacuation)}/door-tasks/${encodeURIComponent(door.zone)}/${path}`;
    box.add({ url, what, about: doorKey(door), body: path === "help" ? { wanted: true, ...body } : body });
    drawDoors();
  }

  function drawList() {
    drawDoors();
    const shown = state.tasks.map(expected).filter((task) => task.state !== "resolved");
    byId("count").textContent = String(shown.length);
    byId("empty").hidden = shown.length > 0 || !state.read;
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.id : "";
    byId("tasks").replaceChildren(...shown.map(row));
    if (focused) byId("tasks").querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
    const elsewhere = (item) => state.tasks.some((task) => task.id === item.about) || state.doors.some((door) => doorKey(door) === item.about);
    byId("failures").replaceChildren(...box.failed.filter((item) => !elsewhere(item)).map(failure));
    byId("as-of").textContent = state.read ? text("as_of", { time: new Date(state.read).toTimeString().slice(0, 5) }) : "";
  }

  function row(task) {
    const sub = [task.state_text, leftText(task), distance(task)].filter(Boolean).map((part) => el("span", {}, part));
    return el("li", {}, el("a", { class: `task-link ${task.lamp}`, href: `#task/${encodeURIComponent(task.id)}`, "data-id": task.id, "aria-current": task.id === state.open && "true" },
      el("span", { class: "task-top" }, el("b", {}, task.class_name), lamp(task)),
      el("span", { class: "task-sub" }, ...sub),
      (task.address || task.description) && el("span", { class: "task-sub" }, el("span", {}, task.address || task.description.slice(0, 60))),
      tags(task)));
  }

  function tags(task) {
    const names = [task.emergency && ["tag", "emergency"], task.extension_pending && ["tag wait", "extension_pending"], task.waits && ["tag wait", "not_sent_yet"], failedOf(task.id).length && ["tag", "not_sent"]].filter(Boolean);
    return names.length ? el("span", { class: "task-sub" }, ...names.map(([look, code]) => el("span", { class: look }, text(code)))) : null;
  }

  const failedOf = (id) => box.failed.filter((item) => item.about === id);

  // -- one task ------------------------------------------------------------------------------------------------------

  function open(id) {
    if (state.map) state.map.remove();
    Object.assign(state, { open: id, sheet: "", map: null });
    byId("panes").classList.toggle("one", Boolean(id));
    byId("task-pane").replaceChildren(el("p", { class: "empty" }, text(id ? "loading" : "choose_task")));
    if (!id) return drawList();
    drawTask();
    drawList();
    readDetail(id);
    scrollTo(0, 0);
    byId("task-pane").querySelector("h1")?.focus({ preventScroll: true });
  }

  function drawTask() {
    const found = taskOf(state.open), pane = byId("task-pane");
    if (!found) return;
    const task = expected(found), story = (state.details[task.id] || {}).timeline || [];
    const card = el("article", { class: "card task-card", "aria-labelledby": "task-heading" },
      el("div", { class: "task-top" }, el("h1", { id: "task-heading", tabindex: "-1" }, task.class_name), lamp(task)),
      el("div", { class: "task-sub" }, el("span", {}, task.state_text), el("span", {}, leftText(task)), el("span", { id: "away" }, distance(task))),
      tags(task),
      ...failedOf(task.id).map(failure),
      task.description && el("p", { class: "text" }, task.description),
      pictures(task.id, task.photos),
      el("div", { class: "row" }, el("button", { type: "button", id: "show-way", onclick: () => showWay(task) }, text("show_way"))),
      mapNode(task),
      el("div", { id: "way-text", role: "status" }),
      facts(task),
      el("h2", {}, text("story")),
      el("ol", { class: "story" }, ...story.map(entry)));
    const focused = document.activeElement && pane.contains(document.activeElement) ? document.activeElement.id : "";
    const caret = document.activeElement && pane.contains(document.activeElement) ? document.activeElement.selectionStart : null;
    pane.replaceChildren(el("button", { type: "button", class: "back", onclick: () => { location.hash = ""; } }, `‹ ${text("back")}`), card, sheet(task) || "", actions(task));
    if (!state.map) state.map = new phone.TaskMap(byId("task-map"), task);
    if (state.position) state.map.here(state.position);
    drawWay(task.id);
    if (focused && byId(focused)) {
      byId(focused).focus({ preventScroll: true });
      if (caret !== null && byId(focused).setSelectionRange) byId(focused).setSelectionRange(caret, caret);
    }
  }

  // The map's element lives as long as the task is open, whatever else is drawn anew.
  function mapNode(task) {
    const old = state.map && byId("task-map");
    return old || el("div", { id: "task-map", class: "map", role: "application", "aria-label": text("map_label", { name: task.class_name }) });
  }

  function facts(task) {
    const rows = [["due", task.due_text], ["address", task.address], ["position", `${task.lat.toFixed(5)}, ${task.lon.toFixed(5)}`], ["reported", task.reported_text], ["number", task.id], ["closing", task.closing]];
    return el("dl", { class: "facts" }, ...rows.filter(([, value]) => value).flatMap(([code, value]) => [el("dt", {}, text(`fact_${code}`)), el("dd", {}, value)]));
  }

  function pictures(id, digests) {
    if (!digests.length) return null;
    return el("div", { class: "photos" }, ...digests.map((digest, k) => {
      const src = `/api/v1/incidents/${encodeURIComponent(id)}/photos/${digest}`, name = text("picture", { number: k + 1 });
      return el("figure", {}, el("a", { href: src, "aria-label": name, onclick: (event) => enlarge(event, src, name) }, el("img", { src, alt: name, loading: "lazy" })));
    }));
  }

  function enlarge(event, src, name) {
    event.preventDefault();
    const dialog = el("dialog", { "aria-label": name }, el("img", { src, alt: name }), el("button", { type: "button", onclick: () => dialog.close() }, text("close")));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  function entry(line) {
    return el("li", {}, el("b", {}, line.text), el("small", {}, `${line.at} · ${line.who}`), line.detail && el("q", {}, line.detail), pictures(state.open, line.photos));
  }

  function failure(item) {
    const words = item.body.note || item.body.reason || "";
    return el("div", { class: "bad", role: "alert" },
      el("p", {}, text("failed", { action: text(item.what || `do_${item.body.action}`), why: item.error.sentence })),
      words && el("p", {}, text("your_words"), " ", el("q", {}, words)),
      taskOf(item.about)
        ? el("div", { class: "row" },
          el("button", { type: "button", onclick: () => sendAgain(item) }, text("again")),
          el("button", { type: "button", onclick: () => giveBack(item) }, text("discard")))
        : el("div", { class: "row" }, el("button", { type: "button", onclick: () => box.drop(item.key) }, text("dismiss"))));
  }

  // On what it is now: whoever presses this has seen the new state above.
  function sendAgain(item) {
    item.body.seen_version = taskOf(item.about)?.version;
    item.key = phone.newKey();
    box.again(item.key);
  }

  // What was typed goes back into its field.
  function giveBack(item) {
    const words = item.body.note || item.body.reason;
    if (words || item.photos.length) {
      const kind = item.body.action === "arrive" || item.body.action === "accept" ? "note" : item.body.action;
      const draft = draftOf(item.about);
      if (words && !draft[kind]) draft[kind] = words;
      draft.photos = [...draft.photos, ...item.photos.map((photo) => photo.data)].slice(0, MAX_PHOTOS);
      keepDrafts();
    }
    box.drop(item.key);
  }

  // -- the way there -------------------------------------------------------------------------------------------------

  async function showWay(task) {
    const say = (code) => { state.way[task.id] = { sentence: text(code) }; drawWay(task.id); };
    say("way_position");
    try {
      const here = await whereAmI();
      if (state.map && state.open === task.id) state.map.here(here);
      say("way_asking");
      state.way[task.id] = await phone.ask("GET", `/my/tasks/${encodeURIComponent(task.id)}/route?lon=${here.lon}&lat=${here.lat}&lang=${data.lang}`);
      drawWay(task.id, true);
    } catch (error) {
      say(error instanceof phone.Refusal ? "way_none" : error && error.code !== undefined && !(error instanceof DOMException) ? "no_position" : "way_offline");
    }
  }

  function drawWay(id, isNew = false) {
    const way = state.way[id], node = byId("way-text");
    if (!way || !node || state.open !== id) return;
    if (way.sentence || !way.found) return node.replaceChildren(el("p", { class: "quiet" }, way.sentence || text("way_none")));
    const fields = { minutes: Math.max(1, Math.round(way.travel_time_s / 60)), length: phone.length(way.length_m), mode: way.mode };
    node.replaceChildren(el("p", {}, el("b", {}, text("way", fields))),
      way.off_road_m > 50 ? el("p", { class: "quiet" }, text("way_off_road", { length: phone.length(way.off_road_m) })) : "",
      el("details", {}, el("summary", { class: "line-link" }, text("directions")), el("ol", { class: "way" }, ...way.directions.map((step) => el("li", {}, step)))));
    if (isNew) state.map.way(way.coordinates);
  }

  // -- what one does -------------------------------------------------------------------------------------------------

  function draftOf(id) {
    return (drafts[id] = drafts[id] || { resolve: "", note: "", request_extension: "", amount: 1, photos: [] });
  }

  // False: the phone's memory is full, so the words are kept and the pictures are not.
  function keepDrafts() {
    return phone.keep(`${OWN}.drafts`, drafts);
  }

  function actions(task) {
    const can = (name) => task.actions.includes(name), bar = [];
    const button = (name, look, go) => el("button", { type: "button", id: `do-${name}`, class: look, onclick: go }, text(`do_${name}`));
    if (can("accept")) bar.push(button("accept", "primary full", () => move(task, "accept")));
    if (can("arrive")) bar.push(button("arrive", "primary full", () => move(task, "arrive")));
    if (can("resolve") || can("note")) bar.push(takePhoto(task));
    if (can("resolve")) bar.push(button("resolve", task.arrived ? "primary full" : "", () => openSheet("resolve")));
    if (can("note")) bar.push(button("note", "", () => openSheet("note")));
    if (can("request_extension") && task.limit_unit) bar.push(button("request_extension", "", () => openSheet("request_extension")));
    const beside = bar.filter((node) => !node.classList.contains("full")).length;
    return el("div", { class: `actions beside-${beside}`, role: "group", "aria-label": text("actions") }, ...bar);
  }

  function takePhoto(task) {
    const input = el("input", { type: "file", accept: "image/*", capture: "environment", id: "take-photo", "aria-label": text("do_photo"), onchange: () => addPhoto(task, input) });
    const n = draftOf(task.id).photos.length;
    return el("span", { class: "button photo-button" }, n ? text("do_photo_more", { n }) : text("do_photo"), input);
  }

  async function addPhoto(task, input) {
    const file = input.files[0], draft = draftOf(task.id);
    if (!file) return;
    let fault = "";
    try {
      const picture = await phone.smallPicture(file);
      if (draft.photos.length >= MAX_PHOTOS) fault = "too_many_photos";
      else draft.photos.push(picture);
      if (!keepDrafts()) fault = "memory_full";
    } catch (error) {
      fault = "bad_photo";
    }
    state.fault = fault;
    openSheet(state.sheet || (expected(taskOf(task.id)).actions.includes("resolve") ? "resolve" : "note"));
  }

  function openSheet(name) {
    state.sheet = name;
    drawTask();
    byId("sheet").scrollIntoView({ block: "center" });
    byId("words").focus({ preventScroll: true });
  }

  function sheet(task) {
    const name = state.sheet, draft = draftOf(task.id);
    if (!name || !task.actions.includes(name)) return null;
    const words = el("textarea", { id: "words", rows: "3", maxlength: "1000", oninput: (event) => { draft[name] = event.target.value; keepDrafts(); } });
    words.value = draft[name];
    const photos = el("div", { class: "photos" });
    if (name !== "request_extension") phone.pictures(photos, draft.photos, (k) => { draft.photos.splice(k, 1); keepDrafts(); drawTask(); });
    const node = el("section", { class: "sheet", id: "sheet", "aria-labelledby": "sheet-heading" },
      el("h2", { id: "sheet-heading" }, text(`sheet_${name}`)),
      name === "request_extension" && amount(task, draft),
      el("label", { for: "words" }, text(`words_${name}`)), words, photos,
      state.fault && el("p", { class: "bad", role: "alert" }, text(state.fault)),
      el("p", { class: "bad", id: "sheet-fault", role: "alert", hidden: true }),
      el("div", { class: "row" },
        el("button", { type: "button", onclick: () => { state.sheet = ""; state.fault = ""; drawTask(); } }, text("cancel")),
        el("button", { type: "button", id: "send-sheet", class: "primary", onclick: () => sendSheet(task, name) }, text(`send_${name}`))));
    return node;
  }

  function amount(task, draft) {
    const select = el("select", { id: "amount", onchange: (event) => { draft.amount = Number(event.target.value); keepDrafts(); } },
      ...[1, 2, 4, 8, 24].map((n) => el("option", { value: n, selected: n === draft.amount }, `${n} ${task.limit_unit_text}`)));
    return el("div", {}, el("label", { for: "amount" }, text("amount")), select);
  }

  function sendSheet(task, name) {
    const draft = draftOf(task.id), words = draft[name].trim();
    const needs = name === "resolve" ? !words && !draft.photos.length : name === "note" ? !words : !words;
    if (needs) {
      byId("sheet-fault").textContent = text(`needs_${name}`);
      byId("sheet-fault").hidden = false;
      byId("words").focus();
      return;
    }
    const isTime = name === "request_extension", photos = isTime ? [] : draft.photos.map((picture) => ({ data: picture, digest: "" }));
    const body = isTime ? { reason: words, limit: { amount: draft.amount, unit: task.limit_unit } } : { note: words };
    draft[name] = "";
    if (!isTime) draft.photos = [];
    Object.assign(state, { sheet: "", fault: "" });
    move(task, name, body, photos);
    keepDrafts();
    scrollTo(0, 0); // where the new state stands
  }

  function move(task, action, body = {}, photos = []) {
    const url = `/api/v1/incidents/${encodeURIComponent(task.id)}/moves`;
    box.add({ url, about: task.id, photos, body: { action, ...body, seen_version: taskOf(task.id).version } });
    drawTask();
  }

  // One's own steps follow each other: what waits was decided with this one in mind.
  function sent(item, answer) {
    state.doors = state.doors.map((door) => (doorKey(door) === item.about ? afterDoor(door, item) : door));
    for (const other of box.waiting) if (other.about === item.about) other.body.seen_version = answer.version;
    for (const task of [state.tasks.find((one) => one.id === item.about), state.details[item.about]]) {
      if (task) Object.assign(task, after(task, item.body.action), { version: answer.version, waits: false, state: answer.state, actions: answer.moves });
    }
    phone.keep(box.name, box.items.length ? box.items : null);
    changed();
    if (!box.waiting.length) refresh();
  }

  // -- where I am, and what I am doing -------------------------------------------------------------------------------

  function whereAmI() {
    if (state.position && Date.now() - state.position.at < 30000) return Promise.resolve(state.position);
    return new Promise((done, fail) => {
      if (!navigator.geolocation || !isSecureContext) return fail({ code: 0 });
      navigator.geolocation.getCurrentPosition((found) => done(took(found)), fail, { enableHighAccuracy: true, timeout: 15000, maximumAge: 20000 });
    });
  }

  function took({ coords }) {
    state.position = { lon: coords.longitude, lat: coords.latitude, accuracy: coords.accuracy, at: Date.now() };
    if (state.map) state.map.here(state.position);
    if (byId("away") && taskOf(state.open)) byId("away").textContent = distance(taskOf(state.open));
    return state.position;
  }

  function share(on) {
    phone.keep(`${OWN}.share`, on || null);
    byId("share").checked = on;
    byId("share-note").textContent = text("share_note");
    if (state.watch !== undefined) navigator.geolocation.clearWatch(state.watch);
    clearInterval(state.timer);
    state.watch = undefined;
    if (!on) return;
    const refused = () => { byId("share-note").textContent = text("no_position"); };
    if (!navigator.geolocation || !isSecureContext) return refused();
    let first = true;
    state.watch = navigator.geolocation.watchPosition((found) => {
      took(found);
      if (first) { drawList(); sendPosition(); }
      first = false;
    }, refused, { enableHighAccuracy: true, maximumAge: 10000 });
    state.timer = setInterval(sendPosition, POSITION_MS);
  }

  // Only the newest counts: a position that cannot be sent is not kept.
  async function sendPosition() {
    if (document.visibilityState !== "visible" || !state.position || !navigator.onLine) return;
    const { lon, lat, accuracy, at } = state.position;
    const position = { worker_id: data.worker, at: new Date(at + state.ahead).toISOString(), lon, lat, accuracy_m: Math.min(accuracy || 0, 1e6) };
    try {
      await phone.ask("POST", "/api/v1/positions", { body: JSON.stringify({ positions: [position] }), headers: { "Content-Type": "application/json" }, seconds: 10 });
      byId("share-note").textContent = text("share_sent", { time: new Date().toTimeString().slice(0, 5) });
    } catch (error) {
      byId("share-note").textContent = text("share_not_sent");
    }
  }

  async function setStatus(value) {
    const before = state.status;
    state.status = value;
    try {
      await phone.ask("PUT", `/api/v1/workers/${encodeURIComponent(data.worker)}/status`, { body: JSON.stringify({ status: value }), headers: { "Content-Type": "application/json" } });
    } catch (error) {
      state.status = before;
      box.trouble = error instanceof phone.Refusal ? (error.expired ? "session" : "server") : "offline";
    }
    changed();
  }

  function changed() {
    phone.showBar(byId("bar"), box);
    for (const input of byId("status").querySelectorAll("input")) input.checked = input.value === state.status;
    drawList();
    if (state.open && !typing()) drawTask();
  }

  addEventListener("hashchange", () => open(hashTask()));
  const hashTask = () => (location.hash.startsWith("#task/") ? decodeURIComponent(location.hash.slice(6)) : "");
  byId("status").addEventListener("change", (event) => setStatus(event.target.value));
  byId("share").addEventListener("change", (event) => share(event.target.checked));
  document.addEventListener("visibilitychange", refresh);
  byId("sign-out")?.addEventListener("submit", () => phone.keep(`${OWN}.tasks`, null)); // what waits stays, for the next time
  setInterval(refresh, EVERY_MS);
  setInterval(drawList, 60000);
  share(phone.kept(`${OWN}.share`, false));
  changed();
  open(hashTask());
  box.flush().then(refresh);
})();
