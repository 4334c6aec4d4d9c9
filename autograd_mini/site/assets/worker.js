// The worker: Python, its package and Graphviz, away from the page so that the page never freezes.
import { loadPyodide } from "./npm/pyodide/pyodide.mjs";
import { Graphviz } from "./npm/@hpcc-js/wasm-graphviz/dist/index.js";

const post = (kind, ...content) => self.postMessage({ kind, content });

async function start() {
  const [python, graphviz, archive] = await Promise.all([
    loadPyodide({ indexURL: new URL("./npm/pyodide/", self.location).href }),
    Graphviz.load(),
    fetch(new URL("./package.zip", self.location)).then((answer) => {
      if (!answer.ok) throw new Error(`package.zip: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    }),
  ]);
  self.autogradMiniGraphviz = (source, form, engine) => graphviz.layout(source, form, engine);
  python.unpackArchive(archive, "zip");
  python.globals.set("post", post);
  const cell = python.runPython("from autograd_mini.site.cell import Cell\nCell(post)");
  self.onmessage = ({ data }) => {
    const began = performance.now();
    const well = cell.run(data);
    post("end", well, (performance.now() - began) / 1000);
  };
  post("ready", python.runPython("import sys; sys.version.split()[0]"));
}

start().catch((error) => post("lost", String(error)));
