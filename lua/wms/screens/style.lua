-- SPDX-License-Identifier: MIT
--- The style of the pages: light or dark, as the reader's system is.
return [[
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1c2024; --soft: #5b6470; --line: #d9dde3;
  --blank: #e6e9ed; --accent: #1f5fbf; --on-accent: #fff; --locked: #8a4b00; --locked-back: #ffedd1; --off: #a3262a; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171a; --card: #1d2125; --text: #e8eaed; --soft: #9aa4af; --line: #32383f; --blank: #262b31;
    --accent: #8ab4f8; --on-accent: #10233f; --locked: #ffce85; --locked-back: #46320f; --off: #ff9a94; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1.25rem clamp(1rem, 3vw, 2.5rem) 2.5rem; background: var(--back); color: var(--text);
  font: 1rem/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.25rem; margin-bottom: 1.1rem; }
h1 { margin: 0; font-size: 1.35rem; font-weight: 650; letter-spacing: -.01em; }
.sum, .when { margin: 0; color: var(--soft); }
.when { margin-left: auto; font-variant-numeric: tabular-nums; }
ul.room { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: 1rem; margin: 0; padding: 0;
  list-style: none; }
.station { display: flex; flex-direction: column; overflow: hidden; background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; }
.station .screen { position: relative; display: grid; place-items: center; aspect-ratio: 16 / 10; background: var(--blank);
  color: var(--soft); overflow: hidden; text-align: center; font-size: .85rem; }
.station .screen span { padding: 0 1rem; overflow-wrap: anywhere; }
.station img { display: block; width: 100%; height: 100%; object-fit: contain; }
.station.locked img { filter: saturate(.45) brightness(.85); }
.station .who { display: grid; grid-template-columns: 1fr auto; align-items: center; gap: 0 .75rem;
  padding: .55rem .75rem .65rem; }
.station .user { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.station .host { grid-column: 1 / 3; color: var(--soft); font-size: .85rem; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.station .mark { grid-column: 2; grid-row: 1; padding: .12rem .55rem; border-radius: 1rem; border: 1px solid var(--line);
  color: var(--soft); font-size: .8rem; white-space: nowrap; }
.station.locked { border-color: var(--locked); }
.station.locked .mark { border-color: transparent; background: var(--locked-back); color: var(--locked); font-weight: 600; }
.station.off { border-style: dashed; }
.station.off .mark { border-color: var(--off); color: var(--off); }
.none { color: var(--soft); }
]]
