// The worker: Python, its package and Graphviz, away from the page so that the page never freezes.
import { loadPyodide } from "./npm/pyodide/pyodide.mjs";

// What most programs load, while nobody has asked for anything.
const AHEAD = `
import autograd_mini, autograd_mini.testing
autograd_mini.draw, autograd_mini.step, autograd_mini.fit
`;

const post = (kind, ...content) => self.postMessage({ kind, content });

async function start() {
  const [python, graphviz, archive] = await Promise.all([
    loadPyodide({ indexURL: new URL("./npm/pyodide/", import.meta.url).href }),
    import("./npm/@hpcc-js/wasm-graphviz/dist/index.js").then(({ Graphviz }) => Graphviz.load()),
    fetch(new URL("./package.zip", import.meta.url)).then((answer) => {
      if (!answer.ok) throw new Error(`package.zip: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    }),
  ]);
  python.setStdin({ stdin: () => null }); // nobody types: input() finds the end of its file
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
  setTimeout(() => python.runPython(AHEAD), 500); // after a run that has waited
}

start().catch((error) => post("lost", String(error)));
