// What the plain pages share: texts, small elements, pictures made small, and the outbox that loses nothing.
const phone = {};

(function () {
  "use strict";

  phone.data = JSON.parse(document.getElementById("data").textContent);

  // The text of a code, its {fields} filled in.
  phone.text = function (code, fields = {}) {
    const text = phone.data.texts[code] ?? code;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in fields ? String(fields[name]) : whole));
  };

  phone.byId = (id) => document.getElementById(id);

  // An element with its attributes and children; strings become text, never markup.
  phone.el = function (tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  };

  // 32 random hex digits; crypto.randomUUID is missing where a page does not come by HTTPS.
  phone.newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

  phone.kept = function (name, fallback) {
    try {
      return JSON.parse(localStorage.getItem(name)) ?? fallback;
    } catch (error) {
      return fallback;
    }
  };

  // Whether it could be kept: a phone's memory may be full.
  phone.keep = function (name, value) {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(value));
      return true;
    } catch (error) {
      return false;
    }
  };

  phone.metres = function (a, b) {
    const rad = Math.PI / 180, dy = (b.lat - a.lat) * rad, dx = (b.lon - a.lon) * rad * Math.cos(((a.lat + b.lat) / 2) * rad);
    return 6371008.8 * Math.hypot(dx, dy);
  };

  phone.length = (m) => (m < 950 ? `${Math.round(m / 10) * 10} m` : `${(m / 1000).toFixed(m < 9950 ? 1 : 0)} km`);

  // A picture as a JPEG of at most 1600 px, so that it passes a weak link and fits the phone's memory.
  phone.smallPicture = async function (file) {
    const url = URL.createObjectURL(file);
    try {
      const image = new Image();
      image.src = url;
      await image.decode();
      const scale = Math.min(1, 1600 / Math.max(image.naturalWidth, image.naturalHeight));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
      canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/jpeg", 0.8);
    } finally {
      URL.revokeObjectURL(url);
    }
  };

  function bytesOf(dataUrl) {
    const raw = atob(dataUrl.slice(dataUrl.indexOf(",") + 1)), bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
    return new Blob([bytes], { type: "image/jpeg" });
  }

  // The picture, a button to take it away.
  phone.pictures = function (box, list, onRemove) {
    box.replaceChildren(...list.map((picture, k) => phone.el("figure", {},
      phone.el("img", { src: picture, alt: phone.text("picture", { number: k + 1 }) }),
      phone.el("button", { type: "button", "aria-label": phone.text("remove_picture", { number: k + 1 }), onclick: () => onRemove(k) },
        phone.el("span", { "aria-hidden": "true" }, "×")))));
  };

  // A refusal by the server: `lasting` means that sending it again does not help.
  class Refusal extends Error {
    constructor(status, body) {
      super(String(status));
      this.status = status;
      this.code = (body && body.code) || "";
      this.detail = (body && body.detail) || "";
      this.expired = status === 401 || this.code === "csrf"; // the page belongs to a session that is over
      this.lasting = !this.expired && status >= 400 && status < 500 && ![408, 425, 429].includes(status);
    }

    // What to tell people; only refusals of a move come from the server in their language.
    get sentence() {
      if (this.status === 409 && this.code) return this.detail;
      const known = phone.data.texts[`error_${this.status}`];
      return known || phone.text(this.lasting ? "error_refused" : "error_server");
    }
  }

  // Ask the server; a JSON answer, a Refusal, or the error of a lost connection (TypeError or a time-out).
  phone.ask = async function (method, url, { body, headers = {}, seconds = 25 } = {}) {
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), seconds * 1000);
    const all = { Accept: "application/json", "Accept-Language": phone.data.lang, ...headers };
    if (phone.data.csrf && method !== "GET") all["X-CSRF-Token"] = phone.data.csrf;
    try {
      const answer = await fetch(url, { method, body, headers: all, signal: stop.signal, credentials: "same-origin" });
      const isJson = (answer.headers.get("content-type") || "").includes("json");
      const content = isJson ? await answer.json() : null;
      if (!answer.ok) throw new Refusal(answer.status, content);
      return content;
    } finally {
      clearTimeout(timer);
    }
  };

  phone.Refusal = Refusal;

  // Everything that has still to be sent, in order, kept in localStorage until the server has answered. Each item has
  // an Idempotency-Key of its own, so that sending it twice does it once.
  // item: {key, url, body, photos: [{data, digest}], about, error: null | {status, sentence}}
  phone.Outbox = class {
    constructor(name, { onChange, onSent, onRefused = () => {} }) {
      this.name = name;
      this.items = phone.kept(name, []);
      this.safe = true; // whether all of it is kept
      this.trouble = ""; // why nothing is sent at the moment: offline, session, server
      this.onChange = onChange;
      this.onSent = onSent;
      this.onRefused = onRefused;
      this._wait = 2;
      addEventListener("online", () => this.flush());
      addEventListener("offline", () => this._stand("offline"));
      document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.flush());
      addEventListener("storage", (event) => event.key === name && this._reread());
    }

    get waiting() {
      return this.items.filter((item) => !item.error);
    }

    get failed() {
      return this.items.filter((item) => item.error);
    }

    add(item) {
      this.items.push({ key: phone.newKey(), photos: [], error: null, about: "", ...item });
      this._save();
      this.flush();
    }

    drop(key) {
      this.items = this.items.filter((item) => item.key !== key);
      this._save();
    }

    again(key) {
      const item = this.items.find((one) => one.key === key);
      if (item) item.error = null;
      this._save();
      this.flush();
    }

    // Send what waits, one after the other; one sender at a time, also over several tabs where the browser can do so.
    async flush() {
      if (this._busy) {
        this._more = true;
        return;
      }
      this._busy = true;
      try {
        if (navigator.locks) await navigator.locks.request(this.name, () => this._sendAll());
        else await this._sendAll();
      } finally {
        this._busy = false;
      }
      if (this._more) {
        this._more = false;
        this.flush();
      }
    }

    async _sendAll() {
      clearTimeout(this._timer);
      for (let item = this.waiting[0]; item; item = this.waiting[0]) {
        try {
          const answer = await this._send(item);
          this._wait = 2;
          this.trouble = "";
          this.drop(item.key);
          this.onSent(item, answer);
        } catch (error) {
          if (error instanceof Refusal && error.lasting) {
            this._refused(item, error);
            continue;
          }
          this._later(error);
          return;
        }
      }
      this._stand("");
    }

    async _send(item) {
      for (const photo of item.photos) {
        if (photo.digest) continue;
        const taken = await phone.sendPhoto(bytesOf(photo.data));
        photo.digest = taken.digest;
        this._save();
      }
      const body = JSON.stringify(item.photos.length ? { ...item.body, photos: item.photos.map((p) => p.digest) } : item.body);
      const headers = { "Content-Type": "application/json", "Idempotency-Key": item.key };
      return phone.ask("POST", item.url, { body, headers });
    }

    _refused(item, error) {
      item.error = { status: error.status, sentence: error.sentence };
      // What was to follow on the same thing cannot be right any more.
      for (const other of this.waiting) {
        if (item.about && other.about === item.about) other.error = { status: 0, sentence: phone.text("error_before") };
      }
      this._save();
      this.onRefused(item);
    }

    _later(error) {
      const session = error instanceof Refusal && error.expired;
      this._stand(session ? "session" : error instanceof Refusal ? "server" : "offline");
      if (session) return; // until somebody has signed in, which loads the page anew
      this._timer = setTimeout(() => this.flush(), this._wait * 1000);
      this._wait = Math.min(60, this._wait * 2);
    }

    _stand(trouble) {
      this.trouble = trouble;
      this.onChange();
    }

    _save() {
      this.safe = phone.keep(this.name, this.items.length ? this.items : null);
      this.onChange();
    }

    _reread() {
      if (this._busy) return;
      this.items = phone.kept(this.name, []);
      this.onChange();
    }
  };

  phone.sendPhoto = function (blob) {
    return phone.ask("POST", "/api/v1/photos", { body: blob, headers: { "Content-Type": "image/jpeg" }, seconds: 90 });
  };

  // The bar that says what waits and why.
  phone.showBar = function (bar, box) {
    const n = box.waiting.length;
    const lost = !navigator.onLine || box.trouble === "offline";
    const code = !box.safe && n ? "bar_full" : box.trouble === "session" ? "bar_session" : lost ? "bar_offline" : box.trouble === "server" ? "bar_server" : n ? "bar_sending" : "";
    bar.hidden = !code;
    if (!code) return bar.replaceChildren();
    bar.classList.toggle("fail", code === "bar_session" || code === "bar_full");
    const parts = [phone.el("span", {}, phone.text(code, { count: n }))];
    if (code === "bar_session") {
      const next = encodeURIComponent(location.pathname);
      parts.push(phone.el("a", { class: "button", href: `/sign-in?next=${next}` }, phone.text("sign_in_again")));
    } else if (n && code !== "bar_sending") {
      parts.push(phone.el("button", { type: "button", onclick: () => box.flush() }, phone.text("send_now")));
    }
    bar.replaceChildren(...parts);
  };
})();
