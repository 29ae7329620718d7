// The console's only script. Pages work by links and forms; this sends forms without losing what was typed, opens
// boxes, keeps lists and live regions fresh, and shows times in the reader's zone. Texts go in by textContent; HTML only
// from this server's own answers.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const HEADERS = { "X-Console": "1" };

// Notices

function notice(text) {
  const line = document.createElement("p");
  line.textContent = text;
  $("#notices").append(line);
  setTimeout(() => line.remove(), 6000);
}

function go(to, text) {
  if (text) sessionStorage.setItem("notice", text);
  const there = new URL(to || location.href, location.href);
  if (there.href.split("#")[0] === location.href.split("#")[0]) location.reload();
  else location.assign(there);
}

// Times

function localTimes(root) {
  const two = (number) => String(number).padStart(2, "0");
  for (const place of all("time[data-time]", root)) {
    const at = new Date(place.dateTime);
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    place.title = place.dateTime;
    place.textContent = `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  }
}

// Forms

function show(form, message, field) {
  for (const place of all(".wrong", form)) place.classList.remove("wrong");
  for (const place of all("[aria-invalid]", form)) place.removeAttribute("aria-invalid");
  const line = $(".error", form);
  if (!line) return message && notice(message);
  line.textContent = message || "";
  line.hidden = !message;
  const named = field && form.elements.namedItem(field);
  if (named instanceof Element) {
    named.closest(".field, .check")?.classList.add("wrong");
    named.setAttribute("aria-invalid", "true");
    named.focus();
  } else if (message) line.scrollIntoView({ block: "nearest" });
}

function ask(text) {
  const box = $("#question");
  $("#question-text").textContent = text;
  return new Promise((answer) => {
    let sure = false;
    const yes = () => { sure = true; box.close(); };
    $("#question-yes").addEventListener("click", yes);
    box.addEventListener("close", () => {
      $("#question-yes").removeEventListener("click", yes);
      answer(sure);
    }, { once: true });
    box.showModal();
  });
}

async function fields(form, button) {
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(form, button)) if (typeof value === "string") sent.append(name, value);
  for (const input of all("input[type=file][data-text]", form)) {
    if (input.files.length) sent.set(input.dataset.text, await input.files[0].text());
  }
  return sent;
}

async function send(form, button) {
  const question = button?.dataset.confirm || form.dataset.confirm;
  if (question && !await ask(question)) return;
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  show(form, "");
  try {
    const body = await fields(form, button);
    const answer = await fetch(button?.getAttribute("formaction") || form.action, { method: "POST", headers: HEADERS, body });
    if ((answer.headers.get("content-disposition") || "").startsWith("attachment")) {
      await download(answer);
      form.closest("dialog")?.close();
      refreshAll();
      return;
    }
    const told = await answer.json();
    if (answer.ok && told.html !== null && told.html !== undefined) result(told, form);
    else if (answer.ok || (answer.status === 401 && told.to)) go(told.to, told.notice);
    else show(form, told.error, told.field);
  } catch (error) {
    show(form, String(error));
  } finally {
    delete form.dataset.busy;
  }
}

async function download(answer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = decodeURIComponent(answer.headers.get("content-disposition").split("''")[1] || "download");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function result(told, form) {
  form.closest("dialog")?.close();
  const box = $("#result");
  $("#result-title").textContent = told.title;
  $("#result-body").innerHTML = told.html;
  localTimes(box);
  if (told.notice) notice(told.notice);
  box.addEventListener("close", () => {
    $("#result-body").replaceChildren();
    if (told.to) go(told.to);
    else refreshAll();
  }, { once: true });
  if (!box.open) box.showModal();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-filter]")) {
    event.preventDefault();
    filter(form);
  } else if (form.method === "post") {
    event.preventDefault();
    send(form, event.submitter);
  }
});

// Lists: as one types, and from page to page, without losing the place

let asked = 0;

async function fetchPage(url, headers = {}) {
  const answer = await fetch(url, { headers });
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/login")) { location.reload(); return null; }
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function swap(place, fresh) {
  if (!fresh || place.innerHTML === fresh.innerHTML) return;
  if (place.contains(document.activeElement) && place.matches("[data-refresh]")) return;
  place.replaceChildren(...fresh.childNodes);
  localTimes(place);
}

async function showList(url) {
  const number = ++asked;
  const page = await fetchPage(url);
  if (!page || number !== asked) return;
  history.replaceState(null, "", url);
  swap($("#listing"), $("#listing", page));
}

function filter(form) {
  const chosen = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) chosen.append(name, value);
  showList(`${form.getAttribute("action")}?${chosen}`);
}

let typing;
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.matches?.("[data-filter]") || !$("#listing")) return;
  clearTimeout(typing);
  typing = setTimeout(() => filter(form), 250);
});

document.addEventListener("change", (event) => {
  const target = event.target;
  if (target.form?.matches?.("[data-at-once]")) {
    if (target.name === "theme") document.documentElement.dataset.theme = target.value;
    send(target.form);
  }
  if (target.matches("[data-all]")) {
    for (const box of all("tbody .tick input", target.closest("table"))) box.checked = target.checked;
  }
  if (target.matches("[data-shows]")) showParts(target);
});

// Parts of a form that belong to one choice: <select data-shows="x"> shows [data-when-x="VALUE …"]

function showParts(select) {
  for (const part of all(`[data-when-${select.dataset.shows}]`, select.form || document)) {
    const on = part.getAttribute(`data-when-${select.dataset.shows}`).split(" ").includes(select.value);
    part.hidden = !on;
    for (const field of all("input, select, textarea", part)) field.disabled = !on;
  }
}

// Rows of a list: a template in the same place, as many as the button says

function addRow(button) {
  const rows = $(".rows", button.parentElement);
  if (rows.children.length >= Number(button.dataset.add)) return;
  rows.append($("template", button.parentElement).content.cloneNode(true));
  $("input, select, textarea", rows.lastElementChild)?.focus();
}

// Clicks

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button, a");
  if (!button) {
    if (event.target.matches("dialog")) {
      const { left, right, top, bottom } = event.target.getBoundingClientRect();
      const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
      if (!inside) event.target.close();
    }
    for (const open of all("details.account[open]")) if (!open.contains(event.target)) open.open = false;
    return;
  }
  const data = button.dataset;
  if (data.opens) $(`#${CSS.escape(data.opens)}`).showModal();
  else if (data.close !== undefined) button.closest("dialog").close();
  else if (data.copy !== undefined) copy(data.copy);
  else if (data.print !== undefined) window.print();
  else if (data.add !== undefined) addRow(button);
  else if (data.remove !== undefined) button.closest(".row").remove();
  else if (data.menu !== undefined) {
    const open = document.body.classList.toggle("menu-open");
    button.setAttribute("aria-expanded", String(open));
  } else if (data.page !== undefined && $("#listing")) {
    event.preventDefault();
    await showList(button.href);
    $("#listing").scrollIntoView({ block: "nearest" });
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.body.classList.remove("menu-open");
  $("[data-menu]")?.setAttribute("aria-expanded", "false");
  for (const open of all("details.account[open]")) open.open = false;
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("dialog[open]") || document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notice("✓");
}

// Live regions

async function refresh(place) {
  if (document.hidden || document.querySelector("dialog[open]")) return;
  const page = await fetchPage(location.href, { "X-Part": place.id });
  if (page) swap(place, page.getElementById(place.id));
}

function refreshAll() {
  for (const place of all("[data-refresh]")) refresh(place);
}

// Begin

localTimes(document);
const told = sessionStorage.getItem("notice");
if (told) {
  sessionStorage.removeItem("notice");
  notice(told);
}
for (const select of all("select[data-shows]")) showParts(select);
for (const place of all("[data-refresh]")) {
  const again = async () => {
    try { await refresh(place); } catch { /* the server is away; the next time may do */ }
    setTimeout(again, Number(place.dataset.refresh) * 1000);
  };
  setTimeout(again, place.dataset.now === undefined ? Number(place.dataset.refresh) * 1000 : 0);
}
