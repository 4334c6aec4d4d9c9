// Python's side of the page: a worker that starts before the editor is there, its buttons, and what the code shows.
const byId = (id) => document.getElementById(id);
const [run, stop, state, shown] = ["run", "stop", "state", "shown"].map(byId);

let worker, code, ready = false, running = false, waiting = false, again = false;

// Say where the code is that a run takes; from now on there can be one.
export function use(source) {
  code = source;
  buttons();
}

export function say(text, wrong = false) {
  state.textContent = text;
  state.classList.toggle("wrong", wrong);
}

// A button that would do nothing says so, and keeps the focus.
function buttons() {
  run.ariaDisabled = running || !code;
  stop.ariaDisabled = !running;
}

// A worker of a file has no policy of contents; one that this page writes has the page's, and reaches nobody else.
const PROGRAM = URL.createObjectURL(
  new Blob([`import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`], { type: "text/javascript" }),
);

function launch() {
  ready = false;
  worker = new Worker(PROGRAM, { type: "module" });
  worker.onmessage = ({ data: { kind, content } }) => RECEIVE[kind](...content);
  worker.onerror = (event) => RECEIVE.lost(event.message || "the worker did not start");
}

// Run the code: now, or when Python is there.
export function start() {
  if (running || !code) return true;
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

// Run the code, and where other code is still running, run it after that.
export function startNext() {
  if (running && !waiting) again = true;
  else start();
}

function send() {
  clear();
  say("Running …");
  worker.postMessage(code());
  if (narrow()) shown.scrollIntoView(); // there the code stands above it
}

function halt() {
  if (!running) return;
  worker.terminate();
  const had = waiting ? "The code was not run." : "Stopped.";
  running = waiting = again = false;
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
    } else if (!state.classList.contains("wrong")) {
      say(`Python ${version} is ready.`);
    }
  },
  end(well, seconds) {
    running = false;
    buttons();
    if (again) {
      again = false;
      start();
      return;
    }
    say(well ? `Done in ${seconds.toFixed(2)} s.` : "The code ended with an error.", !well);
  },
  lost(why) {
    worker.terminate();
    const ran = running;
    running = waiting = again = false;
    buttons();
    if (ran) add(preformatted("error", `Python itself has stopped: ${why}`));
    say(ran ? "Python has stopped; it starts anew …" : `Python cannot start: ${why}`, !ran);
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
    const output = FORMS[form]?.(text) ?? preformatted("value", text);
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

const narrow = () => matchMedia("(max-width: 720px)").matches;

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
  const height = narrow() ? innerHeight : shown.clientHeight;
  const room = `<script>Object.defineProperty(window, "innerHeight", { value: ${height} })</script>`; // not the frame's
  frame.srcdoc = `<!doctype html>${STYLE}${room}${html}${MEASURE}`;
  return frame;
}

const FORMS = { "text/html": framed, "image/svg+xml": framed, "text/latex": typeset };

// LaTeX as MathML; as it is written until the library is there, and where it cannot be read.
function typeset(tex) {
  const block = preformatted("value", tex);
  const formula = tex.trim().replace(/^\$+|\$+$/g, "").replace("\\displaystyle", "");
  import("temml").then(({ default: temml }) => {
    const mathematics = document.createElement("div");
    temml.render(formula, mathematics, { displayMode: true, throwOnError: true });
    mathematics.className = "mathematics";
    block.replaceWith(mathematics);
  }).catch(() => {});
  return block;
}

window.addEventListener("message", ({ source, data }) => {
  const frame = [...shown.querySelectorAll("iframe")].find((one) => one.contentWindow === source);
  if (frame && Number.isFinite(data?.height)) frame.style.height = `${Math.min(data.height, 4000)}px`;
});

buttons();
launch();
