// The style of the mirror list's page, where no other is configured.
#pragma once

namespace mirror {

inline constexpr char kMirrorListStyle[] = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1c2430;--soft:#5a6676;--line:#dfe4ea;--accent:#0b62c4;
--on-accent:#fff;--chip:#eaf1fb}
@media (prefers-color-scheme:dark){:root{--page:#11151b;--card:#1a2029;--text:#e6eaf0;--soft:#9aa7b8;--line:#2c3541;
--accent:#78b4ff;--on-accent:#0c1624;--chip:#223045}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",
"Liberation Sans",sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:58rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem;color:var(--soft);font-weight:600}
header p,footer p{margin:0}
footer{padding-top:1rem;padding-bottom:2.5rem;color:var(--soft);font-size:.875rem}
a{color:var(--accent);text-decoration-thickness:.06em;text-underline-offset:.18em}
a:focus-visible,summary:focus-visible{outline:.15rem solid var(--accent);outline-offset:.15rem;border-radius:.25rem}
h1{margin:.5rem 0 .25rem;font-size:clamp(1.4rem,1rem + 2.2vw,2.1rem);line-height:1.2;letter-spacing:-.01em}
h2{margin:0 0 .5rem;font-size:1.05rem}
.facts{margin:0 0 1.25rem;color:var(--soft)}
.card{margin:0 0 1rem;padding:1.1rem 1.25rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.card p{margin:0}
.best{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center}
.soft{color:var(--soft)}
.best+.soft{margin-top:.9rem;font-size:.9rem}
.button{padding:.55rem 1.2rem;border-radius:.5rem;background:var(--accent);color:var(--on-accent);font-weight:600;
text-decoration:none}
.button:hover{filter:brightness(1.1)}
.forms{display:flex;flex-wrap:wrap;gap:.45rem;margin:.45rem 0 0;padding:0;list-style:none}
.forms a{display:block;padding:.2rem .7rem;border-radius:1rem;background:var(--chip);font-size:.9rem;text-decoration:none}
.forms a:hover{text-decoration:underline}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.3rem 1rem;margin:.75rem 0 0}
dt{color:var(--soft)}
dd{margin:0}
code{font:.85rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
summary{cursor:pointer;font-weight:600}
ol{margin:0;padding:0;list-style:none}
ol li{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,1fr) 5.5rem minmax(0,1.8fr);gap:.1rem 1rem;align-items:baseline;
padding:.5rem 0;border-top:1px solid var(--line)}
ol li:first-child{border-top:0}
.where{grid-column:2}
.far{grid-column:3;color:var(--soft);text-align:right;font-variant-numeric:tabular-nums}
.by{grid-column:4}
.also,.by{color:var(--soft);font-size:.9rem}
@media (max-width:40rem){
ol li{grid-template-columns:minmax(0,1fr) max-content}
.by{grid-column:1/-1}
.where{grid-area:2/1}
.far{grid-area:2/2}
.host{grid-column:1/-1}
dl{grid-template-columns:minmax(0,1fr);gap:0}
dd{margin-bottom:.5rem}
.button{flex:1 1 100%;text-align:center}
}
)css";

}  // namespace mirror
