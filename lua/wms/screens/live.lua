-- SPDX-License-Identifier: MIT
--- The page that wms.screens.server serves: its frame, its script, and the style beyond that of a file.  The script fills
--- the frame, and puts what hosts say into it as text alone.
local markup = require "wms.screens.markup"

local live = {}

local FRAME = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</head>
<body data-every="%g">
<header>
<h1>%s</h1>
<p class="sum" id="sum">Asking the hosts…</p>
<p class="when"><time id="when"></time></p>
</header>
<noscript><p>This page needs JavaScript; it loads nothing but what comes from this machine.</p></noscript>
<main>
<form class="tools" id="tools" aria-label="What to do with the chosen sessions">
<label class="all"><input type="checkbox" id="all"> All</label>
<label class="text">Message
<input type="text" id="text" name="text" value="%s" maxlength="2000" autocomplete="off" dir="auto"></label>
<span class="buttons">
<button type="button" data-verb="lock" class="first">Lock</button>
<button type="button" data-verb="unlock">Unlock</button>
<button type="button" data-verb="message">Show message</button>
</span>
</form>
<p class="said" id="said" role="status" aria-live="polite"></p>
<ul class="room" id="room" aria-label="Sessions"></ul>
</main>
</body>
</html>
]]

live.STYLE = require "wms.screens.style" .. [[
.tools { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem;
  margin: 0 0 .5rem; padding: .7rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.tools label { color: var(--soft); }
.tools .all { display: flex; align-items: center; gap: .45rem; }
.tools .text { display: flex; flex: 1 1 16rem; align-items: center; gap: .6rem; }
.tools input[type=text] { flex: 1; min-width: 0; padding: .4rem .6rem; font: inherit; color: var(--text);
  background: var(--back); border: 1px solid var(--line); border-radius: .4rem; }
.tools .buttons { display: flex; gap: .5rem; }
button { padding: .4rem .95rem; font: inherit; color: var(--text); background: var(--back); border: 1px solid var(--line);
  border-radius: .4rem; cursor: pointer; }
button.first { color: var(--on-accent); background: var(--accent); border-color: transparent; }
button:disabled { opacity: .55; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
input[type=checkbox] { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--accent); }
.said { min-height: 1.5rem; margin: 0 0 .7rem .2rem; color: var(--soft); }
.said.bad { color: var(--off); }
.station label { display: flex; flex: 1; flex-direction: column; cursor: pointer; }
.station .screen input { position: absolute; top: .55rem; left: .55rem; z-index: 1; }
.station:has(input:checked) { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.station:has(input:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
.station input:focus-visible { outline: none; }
]]

live.ICON = [[
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#1f5fbf" d="M1 2h14v9H1zm5 10h4v2H6z"/></svg>
]]

live.SCRIPT = [[
"use strict";
const room = document.getElementById("room"), said = document.getElementById("said"), all = document.getElementById("all");
const sum = document.getElementById("sum"), when = document.getElementById("when"), text = document.getElementById("text");
const every = Number(document.body.dataset.every) * 1000;
const tiles = new Map();
let timer = 0, busy = false;

function element(name, kind) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  return made;
}

function say(words, bad) {
  said.textContent = words;
  said.classList.toggle("bad", Boolean(bad));
}

function makeTile(station) {
  const tile = { item: element("li"), box: null, image: null };
  const frame = element(station.able ? "label" : "div"), who = element("span", "who");
  tile.screen = element("span", "screen");
  if (station.able) {
    tile.box = element("input");
    tile.box.type = "checkbox";
    tile.box.addEventListener("change", showAll);
    tile.screen.append(tile.box);
  }
  tile.blank = element("span");
  tile.user = element("bdi");
  const user = element("span", "user"), host = element("span", "host");
  tile.host = element("bdi");
  tile.mark = element("span", "mark");
  user.append(tile.user);
  host.append(tile.host);
  who.append(user, host, tile.mark);
  frame.append(tile.screen, who);
  tile.item.append(frame);
  return tile;
}

function showPicture(tile, station) {
  if (station.picture && !tile.image) {
    tile.image = element("img");
    tile.screen.append(tile.image);
  } else if (!station.picture && tile.image) {
    tile.image.remove();
    tile.image = null;
  }
  if (tile.image) {
    if (tile.image.getAttribute("src") !== station.picture) tile.image.src = station.picture;
    tile.image.alt = "Screen of " + station.user;
    tile.blank.remove();
  } else {
    tile.blank.textContent = station.why;
    tile.screen.append(tile.blank);
  }
}

function showTile(tile, station) {
  tile.item.className = "station " + station.kind;
  tile.user.textContent = station.user;
  tile.host.textContent = station.host;
  tile.mark.textContent = station.label;
  if (tile.box) tile.box.setAttribute("aria-label", station.user + ", " + station.host + ", " + station.label);
  showPicture(tile, station);
}

function boxes() {
  return Array.from(tiles.values(), tile => tile.box).filter(Boolean);
}

function showAll() {
  const list = boxes(), chosen = list.filter(box => box.checked).length;
  all.checked = list.length > 0 && chosen === list.length;
  all.indeterminate = chosen > 0 && chosen < list.length;
}

function show(state) {
  const seen = new Set();
  let before = null;
  for (const station of state.stations) {
    const key = (station.able ? "+" : "-") + station.key;
    let tile = tiles.get(key);
    if (!tile) {
      tile = makeTile(station);
      tile.key = station.key;
      tiles.set(key, tile);
    }
    seen.add(key);
    showTile(tile, station);
    const next = before ? before.nextSibling : room.firstChild;
    if (next !== tile.item) room.insertBefore(tile.item, next);
    before = tile.item;
  }
  for (const [key, tile] of tiles) {
    if (!seen.has(key)) {
      tile.item.remove();
      tiles.delete(key);
    }
  }
  sum.textContent = state.sum;
  when.textContent = state.when;
  showAll();
}

async function refresh() {
  clearTimeout(timer);
  try {
    const answer = await fetch("stations", { credentials: "omit" });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
    document.body.dataset.shown = "yes";
  } catch (error) {
    sum.textContent = "The program that serves this page does not answer.";
  }
  if (!document.hidden) timer = setTimeout(refresh, every);
}

async function act(verb) {
  const chosen = Array.from(tiles.values()).filter(tile => tile.box && tile.box.checked);
  if (chosen.length === 0) {
    say("Choose a session first.", true);
    return;
  }
  if (verb !== "unlock" && text.value.trim() === "") {
    say("Write a message first: the users see it.", true);
    text.focus();
    return;
  }
  const form = new URLSearchParams({ verb: verb, text: text.value });
  for (const tile of chosen) form.append("key", tile.key);
  busy = true;
  for (const button of document.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  say("Sending…");
  try {
    const answer = await fetch("act", { method: "POST", body: form, headers: { "X-Wms": "1" }, credentials: "omit" });
    if (!answer.ok) throw new Error(answer.statusText);
    const told = await answer.json();
    say(told.said, told.failed);
  } catch (error) {
    say("It is not known whether it was done: " + error.message, true);
  }
  busy = false;
  for (const button of document.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  refresh();
}

for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", () => { if (!busy) act(button.dataset.verb); });
}
all.addEventListener("change", () => {
  for (const box of boxes()) box.checked = all.checked;
});
document.getElementById("tools").addEventListener("submit", event => event.preventDefault());
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refresh();
]]

--- The frame of the page.
function live.frame(title, every, message)
   title = markup.escape(title)
   return FRAME:format(title, every, title, markup.escape(message))
end

return live
