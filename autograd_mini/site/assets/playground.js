// The editor, the examples, and the link that carries the code.
import { basicSetup } from "codemirror";
import { EditorView, keymap } from "@codemirror/view";
import { Prec } from "@codemirror/state";
import { indentWithTab } from "@codemirror/commands";
import { indentUnit, syntaxHighlighting } from "@codemirror/language";
import { classHighlighter } from "@lezer/highlight";
import { python } from "@codemirror/lang-python";
import { say, start, startNext, use } from "./python.js";

const byId = (id) => document.getElementById(id);
const [link, examples] = ["link", "examples"].map(byId);

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
  parent: byId("editor"),
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
    EditorView.contentAttributes.of({ "aria-label": "Python code", "aria-describedby": "keys" }),
  ],
});

function replaceCode(code) {
  editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: code } });
}

examples.addEventListener("change", () => {
  history.replaceState(null, "", `#example=${library[examples.selectedIndex].name}`);
  replaceCode(library[examples.selectedIndex].code);
  startNext();
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

use(() => editor.state.doc.toString());
