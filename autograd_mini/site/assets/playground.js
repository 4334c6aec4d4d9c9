// The page: an editor, a worker that runs what stands in it, and what the code shows.
import { basicSetup } from "codemirror";
import { EditorView, keymap } from "@codemirror/view";
import { Prec } from "@codemirror/state";
import { indentWithTab } from "@codemirror/commands";
import { indentUnit, syntaxHighlighting } from "@codemirror/language";
import { classHighlighter } from "@lezer/highlight";
import { python } from "@codemirror/lang-python";

const byId = (id) => document.getElementById(id);
const [run, stop, link, state, shown, examples] = ["run", "stop", "link", "state", "shown", "examples"].map(byId);

// --- the code: from the link, from an example ---

// Code of a link: UTF-8, deflated, in the letters that a link may hold.
async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}
async function packed(text) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true }).decode(await through(new DecompressionStream("deflate-raw"), bytes));
}

const library = await (await fetch("examples.json")).json();
examples.append(...library.map(({ title }, index) => new Option(title, index)));

async function codeOfLink() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const wanted = library.findIndex(({ name }) => name === parameters.get("example"));
  if (wanted >= 0) examples.selectedIndex = wanted;
  if (!parameters.has("code")) return library[Math.max(wanted, 0)].code;
  try {
    const code = await unpacked(parameters.get("code"));
    examples.selectedIndex = -1;
    return code;
  } catch {
    say("The link is damaged: its code cannot be read. Here is an example.", true);
    return library[0].code;
  }
}

const editor = new EditorView({
  parent: byId("code"),
  doc: await codeOfLink(),
  extensions: [
    Prec.highest(keymap.of([{ key: "Ctrl-Enter", run: start }, { key: "Cmd-Enter", run: start }])),
    basicSetup,
    keymap.of([indentWithTab]),
    indentUnit.of("    "),
    EditorView.lineWrapping,
    EditorView.theme({}, { dark: matchMedia("(prefers-color-scheme: dark)").matches }),
    python(),
    syntaxHighlighting(classHighlighter),
    EditorView.contentAttributes.of({ "aria-label": "Python code" }),
  ],
});

function replaceCode(code) {
  editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: code } });
}

examples.addEventListener("change", () => {
  history.replaceState(null, "", `#example=${library[examples.selectedIndex].name}`);
  replaceCode(library[examples.selectedIndex].code);
  start();
});
window.addEventListener("hashchange", async () => { replaceCode(await codeOfLink()); });

link.addEventListener("click", async () => {
  history.replaceState(null, "", `#code=${await packed(editor.state.doc.toString())}`);
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say("The link stands in the address bar.");
  }
});

// --- Python ---

let worker, ready = false, running = false, waiting = false;

function say(text, wrong = false) {
  state.textContent = text;
  state.classList.toggle("wrong", wrong);
}

function buttons() {
  run.disabled = running;
  stop.disabled = !running;
}

function launch() {
  ready = false;
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data: { kind, content } }) => RECEIVE[kind](...content);
  worker.onerror = (event) => RECEIVE.lost(event.message || "the worker did not start");
}

function start() {
  if (running) return true;
  running = true;
  buttons();
  if (ready) {
    send();
  } else {
    waiting = true;
    say("Python is on its way; the code runs when it is here …");
  }
  return true;
}

function send() {
  clear();
  say("Running …");
  worker.postMessage(editor.state.doc.toString());
}

function halt() {
  worker.terminate();
  const had = waiting ? "The code was not run." : "Stopped.";
  running = waiting = false;
  buttons();
  launch();
  say(`${had} Python starts anew …`);
}

run.addEventListener("click", start);
stop.addEventListener("click", halt);

const RECEIVE = {
  ready(version) {
    ready = true;
    if (waiting) {
      waiting = false;
      send();
    } else {
      say(`Python ${version} is ready.`);
    }
  },
  end(well, seconds) {
    running = false;
    buttons();
    say(well ? `Done in ${seconds.toFixed(2)} s.` : "The code ended with an error.", !well);
  },
  lost(why) {
    worker.terminate();
    const ran = running;
    running = waiting = false;
    buttons();
    if (ran) add(preformatted("error", `Python itself has stopped: ${why}`));
    say(ran ? "Python has stopped; it starts anew …" : `Python cannot start: ${why}`, true);
    if (ran) launch();
  },
  text(stream, text) {
    makeRoom();
    const last = shown.lastElementChild;
    const block = last?.className === stream ? last : add(preformatted(stream, ""));
    block.textContent += text;
    shown.scrollTop = shown.scrollHeight;
  },
  show(form, text, place) {
    makeRoom();
    const output = form === "text/html" || form === "image/svg+xml" ? framed(text) : preformatted("value", text);
    const standing = place && [...shown.children].find((child) => child.dataset.place === place);
    if (place) output.dataset.place = place;
    if (standing) {
      if (standing.offsetHeight) output.style.height = `${standing.offsetHeight}px`; // so that nothing jumps
      standing.replaceWith(output);
    } else {
      add(output);
    }
  },
  clear(wait) {
    if (wait) clearNext = true;
    else clear();
  },
  error(text) {
    makeRoom();
    add(preformatted("error", text));
  },
};

// --- what is shown ---

let clearNext = false;

function clear() {
  shown.replaceChildren();
  clearNext = false;
}

function makeRoom() {
  if (clearNext) clear();
}

function add(element) {
  shown.append(element);
  return element;
}

function preformatted(name, text) {
  const block = document.createElement("pre");
  block.className = name;
  block.textContent = text;
  return block;
}

// What a value shows as HTML has a frame of its own, without access to this page; it says how high it is.
const MEASURE = `<script>
new ResizeObserver(() => parent.postMessage({ height: Math.ceil(document.documentElement.getBoundingClientRect().height) }, "*")).observe(document.documentElement);
</script>`;
const STYLE = `<meta name="color-scheme" content="light dark"><style>body { margin: 0; font: 16px/1.5 system-ui, sans-serif } svg { max-width: 100%; height: auto }</style>`;

function framed(html) {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.title = "What the code shows";
  const height = matchMedia("(max-width: 720px)").matches ? innerHeight : shown.clientHeight;
  const room = `<script>Object.defineProperty(window, "innerHeight", { value: ${height} })</script>`; // not the frame's
  frame.srcdoc = `<!doctype html>${STYLE}${room}${html}${MEASURE}`;
  return frame;
}

window.addEventListener("message", ({ source, data }) => {
  const frame = [...shown.querySelectorAll("iframe")].find((one) => one.contentWindow === source);
  if (frame && Number.isFinite(data?.height)) frame.style.height = `${Math.min(data.height, 4000)}px`;
});

buttons();
launch();
