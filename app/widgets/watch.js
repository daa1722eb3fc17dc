// Says that the session has ended or that the server does not answer, for as long as it is so: without either,
// nothing that Python draws reaches the page any more.
(function () {
  if (window.gridgovWatch) return;
  window.gridgovWatch = true;
  const EVERY_MS = 15000, AGAIN_MS = 4000, WAIT_MS = 10000;

  async function state() {
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), WAIT_MS);
    try {
      const answer = await fetch("/api/v1/session", { headers: { Accept: "application/json" }, cache: "no-store", signal: stop.signal });
      await answer.text(); // an answer that nobody reads to its end keeps its connection
      return answer.status === 401 ? "ended" : "";
    } catch (error) {
      return "down";
    } finally {
      clearTimeout(timer);
    }
  }

  function show(what) {
    const words = window.gridgovWords, old = document.getElementById("gg-watch");
    document.documentElement.classList.toggle("gg-cut", what !== "");
    if (old && old.dataset.what !== what) old.remove();
    if (!what || (old && old.dataset.what === what)) return;
    const bar = document.createElement("div");
    Object.assign(bar, { id: "gg-watch", className: "gg-watch", textContent: `${words[what]} ` });
    bar.setAttribute("role", "alert");
    bar.dataset.what = what;
    if (what === "ended") {
      const link = document.createElement("a");
      link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
      link.textContent = words.sign_in;
      bar.append(link);
    }
    document.body.append(bar);
  }

  let timer = 0, busy = false;
  async function look() {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    const what = await state();
    show(what);
    busy = false;
    timer = setTimeout(look, what ? AGAIN_MS : EVERY_MS);
  }

  addEventListener("online", look);
  addEventListener("offline", look);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  timer = setTimeout(look, AGAIN_MS);
})();
